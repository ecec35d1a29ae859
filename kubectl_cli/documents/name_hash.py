"""--append-hash: a short hash of what a ConfigMap or a Secret holds, for its name.

Source: kubernetes/kubectl pkg/util/hash/hash.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["append_hash"]

#: No vowels, so that no words come about.
_LETTERS = str.maketrans("013ae", "ghkmt")
_LENGTH = 10


def append_hash(obj: JsonObject) -> None:
    """Put the hash behind the object's name."""
    from hashlib import sha256

    from kubectl_cli.printers.json import compact

    name = str(obj["metadata"]["name"])
    hashed: JsonObject = {"kind": obj["kind"], "name": name}
    hashed["data"] = obj.get("data") or {}
    if obj["kind"] == "Secret":
        hashed["type"] = obj.get("type") or ""
    elif obj.get("binaryData"):
        hashed["binaryData"] = obj["binaryData"]
    digest = sha256(compact(hashed).encode("utf-8", "surrogateescape")).hexdigest()
    obj["metadata"]["name"] = f"{name}-{digest[:_LENGTH].translate(_LETTERS)}"
