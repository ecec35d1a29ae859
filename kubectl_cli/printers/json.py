"""JSON as kubectl prints it: keys sorted, four blanks, HTML characters escaped."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["compact", "to_json"]


def to_json(value: Any, *, sort_keys: bool = True, indent: int = 4) -> str:
    """The whole document, ending with a newline.

    What has a Go type keeps the order of its fields: pass `sort_keys=False`.
    """
    text = json.dumps(
        _numbers(value), indent=indent, sort_keys=sort_keys, ensure_ascii=False
    )
    return _escape(text) + "\n"


def compact(value: Any, *, sort_keys: bool = True) -> str:
    """One line without blanks, as encoding/json writes it."""
    text = json.dumps(
        _numbers(value), sort_keys=sort_keys, ensure_ascii=False, separators=(",", ":")
    )
    return _escape(text)


def _escape(text: str) -> str:
    """encoding/json escapes these, so that JSON can stand in HTML."""
    for letter, escaped in _ESCAPES:
        if letter in text:
            text = text.replace(letter, escaped)
    return text


_ESCAPES = (
    ("&", "\\u0026"),
    ("<", "\\u003c"),
    (">", "\\u003e"),
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
)


def _numbers(value: Any) -> Any:
    """Go writes a float that is whole without a point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return value
