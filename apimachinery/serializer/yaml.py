"""YAML as sigs.k8s.io/yaml reads it: YAML 1.1 into JSON values.

PyYAML is loaded at the first use: most requests are JSON.
"""

from __future__ import annotations

import base64
import datetime
from typing import TYPE_CHECKING, Any

from apimachinery.serializer import json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonValue

__all__ = ["YamlSyntaxError", "decode", "decode_all", "encode"]


class YamlSyntaxError(ValueError):
    """Not YAML."""


def decode(data: bytes | str) -> JsonValue:
    """Read one document; JSON, which is YAML too, takes the short way.

    Raises:
        YamlSyntaxError: it cannot be read.
    """
    raw = data.encode() if isinstance(data, str) else data
    if raw.lstrip()[:1] == b"{":
        try:
            return json.decode(raw)
        except json.JsonSyntaxError:
            pass  # a flow mapping that is not JSON
    documents = list(decode_all(raw))
    return documents[0] if documents else None


def decode_all(data: bytes | str) -> Iterator[JsonValue]:
    """Read all documents of a stream; empty ones are None.

    Raises:
        YamlSyntaxError: the stream cannot be read.
    """
    import yaml  # costs 20 ms, and only -f files and apply need it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for document in yaml.load_all(data, Loader=loader):
            yield _json_value(document)
    except yaml.YAMLError as err:
        raise YamlSyntaxError(_text(err)) from None
    except (RecursionError, ValueError) as err:
        raise YamlSyntaxError(f"yaml: {err}") from None


def _text(err: Any) -> str:
    mark = getattr(err, "problem_mark", None)
    problem = getattr(err, "problem", None) or str(err)
    return f"yaml: line {mark.line + 1}: {problem}" if mark else f"yaml: {problem}"


def _json_value(value: Any) -> JsonValue:
    """Keys become strings; what JSON has no word for becomes text."""
    match value:
        case dict():
            return {_key(key): _json_value(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [_json_value(each) for each in value]
        case datetime.datetime():
            return _timestamp(value)
        case datetime.date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return value


def _key(key: Any) -> str:
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case None:
            return "null"
        case _:
            return str(_json_value(key))


def _timestamp(moment: datetime.datetime) -> str:
    # An unquoted time is a string for every field that takes one.
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.isoformat().replace("+00:00", "Z")


def encode(document: JsonValue) -> bytes:
    """Write one document as sigs.k8s.io/yaml does: sorted keys, block style."""
    import yaml

    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: bytes = yaml.dump(
        document,
        Dumper=base,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=True,
        width=2**31 - 1,
        encoding="utf-8",
    )
    return text
