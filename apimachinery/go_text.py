"""How Go prints values, because Kubernetes' messages are made with fmt.

Source: Go strconv.Quote and fmt verbs %q, %v, %#v.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "format_list",
    "format_map",
    "format_strings",
    "format_value",
    "go_syntax",
    "quote",
]

_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def quote(text: str) -> str:
    """Return ``text`` as Go's ``%q`` prints it, with the double quotes."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_quote_rune(rune) for rune in text) + '"'


def _quote_rune(rune: str) -> str:
    if rune in _ESCAPES:
        return _ESCAPES[rune]
    if _is_print(rune):
        return rune
    point = ord(rune)
    # Python keeps an undecodable byte as U+DC80..U+DCFF; Go prints the byte.
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    if 0xD800 <= point <= 0xDFFF:
        return "\\ufffd"
    if point < 0x20 or point == 0x7F:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _is_print(rune: str) -> bool:
    # unicode.IsPrint: letters, marks, numbers, punctuation, symbols, ASCII space.
    return rune == " " or unicodedata.category(rune)[0] in "LMNPS"


def format_list(values: Iterable[object]) -> str:
    """``[a b c]``: a slice under ``%v``."""
    return "[" + " ".join(str(value) for value in values) + "]"


def format_map(values: Mapping[str, object]) -> str:
    """``map[a:1 b:2]``: a map under ``%v``, keys sorted."""
    return "map[" + " ".join(f"{k}:{values[k]}" for k in sorted(values)) + "]"


def format_strings(values: Iterable[str]) -> str:
    """``[]string{"a", "b"}``: a string slice under ``%#v``."""
    return "[]string{" + ", ".join(quote(value) for value in values) + "}"


def format_value(value: object) -> str:
    """A JSON value under ``%v``: ``map[a:1 b:[x y]]``, null is ``<nil>``."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case dict():
            pairs = (f"{key}:{format_value(value[key])}" for key in sorted(value))
            return "map[" + " ".join(pairs) + "]"
        case list() | tuple():
            return "[" + " ".join(format_value(each) for each in value) + "]"
        case _:
            return str(value)


def go_syntax(value: object) -> str:
    """A JSON value under Go's ``%#v``."""
    match value:
        case None:
            return "interface {}(nil)"
        case bool():
            return "true" if value else "false"
        case str():
            return quote(value)
        case dict():
            inside = ", ".join(
                f"{quote(k)}:{go_syntax(value[k])}" for k in sorted(value)
            )
            return "map[string]interface {}{" + inside + "}"
        case list():
            return "[]interface {}{" + ", ".join(map(go_syntax, value)) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)
