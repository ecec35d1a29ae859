"""Any object, described: its fields as an indented outline.

Source: kubernetes/kubectl pkg/describe/describe.go genericDescriber,
printUnstructuredContent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_cli.describe.writer import Description
from kubectl_cli.printers.custom_columns import go_value

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["describe_object"]

_SKIPPED = {
    ".metadata.managedFields",
    ".metadata.name",
    ".metadata.namespace",
    ".metadata.labels",
    ".metadata.annotations",
}
_WORDS = {"Api": "API", "Uid": "UID", "Id": "ID", "Ip": "IP", "Url": "URL"}


def describe_object(obj: JsonObject, events: list[JsonObject] | None) -> str:
    """The whole text."""
    out = Description()
    metadata = obj["metadata"]
    out.line(f"Name:\t{metadata.get('name')}")
    out.line(f"Namespace:\t{metadata.get('namespace') or ''}")
    out.labels("Labels", metadata.get("labels"))
    out.annotations(metadata.get("annotations"))
    _content(out, 0, obj, "")
    out.events(events)
    return out.render()


def _content(out: Description, level: int, content: JsonObject, path: str) -> None:
    for key in sorted(content):
        here = f"{path}.{key}"
        if here in _SKIPPED:
            continue
        value, label = content[key], _label(key)
        if isinstance(value, dict):
            out.line(f"{label}:", level)
            _content(out, level + 1, value, here)
        elif isinstance(value, list):
            out.line(f"{label}:", level)
            _items(out, level + 1, value, here)
        else:
            out.line(f"{label}:\t{go_value(value)}", level)


def _items(out: Description, level: int, items: list[Any], path: str) -> None:
    for item in items:
        if isinstance(item, dict):
            _content(out, level, item, path)
        else:
            out.line(go_value(item), level)


def _label(key: str) -> str:
    """`creationTimestamp` as `Creation Timestamp`."""
    if key in ("apiVersion",):
        return "API Version"
    words: list[str] = [""]
    for letter in key:
        if letter.isupper() and words[-1] and not words[-1][-1].isupper():
            words.append("")
        words[-1] += letter
    titled = [word[:1].upper() + word[1:] for word in words]
    return " ".join(_WORDS.get(word, word) for word in titled)
