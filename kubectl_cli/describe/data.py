"""ConfigMaps and Secrets, described.

Source: kubernetes/kubectl pkg/describe/describe.go (ConfigMapDescriber,
SecretDescriber).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from kubectl_cli.describe.writer import Description

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["describe_config_map", "describe_secret"]

_TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - a type's name


def describe_config_map(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """Each datum below its key; binary ones by their size."""
    out = _head(obj)
    out.line("")
    _title(out, "Data")
    data: dict[str, str] = obj.get("data") or {}
    for key in sorted(data):
        out.line(f"{key}:")
        out.line("----")
        for line in data[key].split("\n"):
            out.line(line)
        out.line("")
    out.line("")
    _title(out, "BinaryData")
    binary: dict[str, str] = obj.get("binaryData") or {}
    for key in sorted(binary):
        out.line(f"{key}: {_size(binary[key])} bytes")
    out.line("")
    out.events(events)
    return out.render()


def describe_secret(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """Each datum by its size; only a service account's token is shown."""
    out = _head(obj)
    out.line("")
    out.line(f"Type:\t{obj.get('type') or ''}")
    out.line("")
    _title(out, "Data")
    data: dict[str, str] = obj.get("data") or {}
    for key in sorted(data):
        if key == "token" and obj.get("type") == _TOKEN_TYPE:
            out.line(f"{key}:\t{base64.b64decode(data[key]).decode()}")
        else:
            out.line(f"{key}:\t{_size(data[key])} bytes")
    out.events(events)
    return out.render()


def _head(obj: JsonObject) -> Description:
    out = Description()
    metadata = obj["metadata"]
    out.line(f"Name:\t{metadata.get('name')}")
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    return out


def _title(out: Description, title: str) -> None:
    out.line(title)
    out.line("====")


def _size(encoded: str) -> int:
    return len(base64.b64decode(encoded))
