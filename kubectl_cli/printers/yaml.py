"""YAML as kubectl prints it: sorted keys, lists not indented, quotes only where needed.

A writer of its own: what goes out is JSON's data model, and the layout has to be that
of sigs.k8s.io/yaml byte for byte, which no setting of PyYAML gives.

Source: kubernetes-sigs/yaml goyaml.v2 (emitterc.go, encode.go, resolve.go).
"""

from __future__ import annotations

import re
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["sort_keys", "to_yaml"]

_WORDS = frozenset(
    word
    for base in ("y", "yes", "on", "n", "no", "off", "true", "false", "null")
    for word in (base, base.capitalize(), base.upper())
) | {"~", "", ".nan", ".NaN", ".NAN"}
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z")
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|[0-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?\Z")
# resolve.go: with T a zone is needed, with a blank there is none
_TIMESTAMP = re.compile(
    r"\d{4}-\d{1,2}-\d{1,2}"
    r"([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d{2}:\d{2})"
    r"| \d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?\Z"
)
_WIDTH = 80
_SPECIAL_START = frozenset("#,[]{}&*!|>'\"%@`")


def to_yaml(value: Any) -> str:
    """The whole document, ending with a newline."""
    if isinstance(value, dict) and value:
        return "".join(_mapping(value, 0))
    if isinstance(value, list) and value:
        return "".join(_sequence(value, 0))
    return _scalar(value, 0, 0) + "\n"


def _mapping(value: dict[str, Any], depth: int) -> Iterator[str]:
    pad = " " * depth
    for key in sort_keys(value):
        head = f"{pad}{_key(key)}:"
        yield head
        item = value[key]
        if isinstance(item, dict) and item:
            yield "\n"
            yield from _mapping(item, depth + 2)
        elif isinstance(item, list) and item:
            yield "\n"
            yield from _sequence(item, depth)
        else:
            yield f" {_scalar(item, depth + 2, len(head) + 1)}\n"


def _sequence(items: list[Any], depth: int) -> Iterator[str]:
    pad = " " * depth
    for item in items:
        if isinstance(item, dict) and item:
            # the first key stands behind the dash
            yield f"{pad}- " + "".join(_mapping(item, depth + 2))[depth + 2 :]
        elif isinstance(item, list) and item:
            yield f"{pad}- " + "".join(_sequence(item, depth + 2))[depth + 2 :]
        else:
            yield f"{pad}- {_scalar(item, depth + 2, depth + 2)}\n"


def _key(key: str) -> str:
    style = _style(key)
    if style == "plain":
        return key
    return _single(key) if style == "single" and "\n" not in key else _double(key)


def _scalar(value: Any, depth: int, column: int) -> str:
    """A value as text; `column` is where it starts, `depth` where it goes on."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float(value)
        case dict():
            return "{}"
        case list():
            return "[]"
        case _:
            return _string(str(value), depth, column)


def _float(value: float) -> str:
    if value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return repr(value)


def _string(text: str, depth: int, column: int) -> str:
    style = _style(text)
    if style == "literal":
        return _literal(text, depth)
    if style == "plain":
        quoted = text
    else:
        quoted = _single(text) if style == "single" else _double(text)
    if column + len(quoted) <= _WIDTH or " " not in quoted:
        return quoted
    return _fold(quoted, depth, column, style)


def _style(text: str) -> str:
    """emitterc.go analyze_scalar and select_scalar_style, for strings."""
    if "\n" in text:
        block = " \n" not in text and not text.endswith(" ") and _is_printable(text)
        return "literal" if block else "double"
    if not _is_printable(text) or _resolves(text):
        return "double"
    return "plain" if _may_be_plain(text) else "single"


def _fold(quoted: str, depth: int, column: int, style: str) -> str:
    """Break at the first blank behind the best width, and go on in a line below.

    emitterc.go write_plain_scalar, write_single_quoted, write_double_quoted.
    """
    out: list[str] = []
    after_space = False
    last = len(quoted) - 1
    inner = 0 if style == "plain" else 1  # the quotes are no part of the value
    for index, letter in enumerate(quoted):
        if letter != " ":
            out.append(letter)
            after_space = False
            column += 1
            continue
        next_is_space = quoted[index + 1 : index + 2] == " "
        edge = index <= inner or index >= last - inner
        breaks = not after_space and column > _WIDTH
        if style == "double":
            breaks = breaks and not edge
        elif style == "single":
            breaks = breaks and not edge and not next_is_space
        else:
            breaks = breaks and not next_is_space
        if breaks:
            out.append("\n" + " " * depth)
            column = depth
            if style == "double" and next_is_space:
                out.append("\\")
                column += 1
        else:
            out.append(" ")
            column += 1
        after_space = True
    return "".join(out)


def _literal(text: str, depth: int) -> str:
    hint = "2" if text[0] in " \n" else ""
    if not text.endswith("\n"):
        chomp = "-"
    elif text == "\n" or text.endswith("\n\n"):
        chomp = "+"
    else:
        chomp = ""
    pad = " " * depth
    body = text.removesuffix("\n")
    lines = [f"{pad}{line}" if line else "" for line in body.split("\n")]
    return f"|{hint}{chomp}\n" + "\n".join(lines)


def _resolves(text: str) -> bool:
    """Whether a reader would take the plain text for something but a string."""
    if text in _WORDS:
        return True
    first = text[0]
    if first.isdigit() or first in "+-.":
        return bool(
            _INTEGER.match(text)
            or _FLOAT.match(text)
            or _BASE_60.match(text)
            or _INFINITE.match(text)
            or _TIMESTAMP.match(text)
        )
    return False


def _may_be_plain(text: str) -> bool:
    first = text[0]
    if first in _SPECIAL_START or text[:3] in ("---", "..."):
        return False
    if first in "-?:" and (len(text) == 1 or text[1] in " \t"):
        return False
    if text[0] == " " or text[-1] == " ":
        return False
    return not (": " in text or " #" in text or text.endswith(":") or "\t" in text)


def _single(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_ESCAPES = {
    "\0": "\\0",
    "\a": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\x1b": "\\e",
    '"': '\\"',
    "\\": "\\\\",
    "\x85": "\\N",
    "\xa0": "\\_",
    "\u2028": "\\L",
    "\u2029": "\\P",
}


def _double(text: str) -> str:
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if _is_printable(letter):
        return letter
    point = ord(letter)
    if point < 0x100:
        return f"\\x{point:02X}"
    return f"\\u{point:04X}" if point < 0x10000 else f"\\U{point:08X}"


def _is_printable(text: str) -> bool:
    """yamlprivateh.go is_printable, with the line feed."""
    if text.isascii() and text.isprintable():
        return True
    return all(
        letter == "\n"
        or " " <= letter <= "~"
        or "\xa0" <= letter <= "\ud7ff"
        or ("\ue000" <= letter <= "\ufffd" and letter != "\ufeff")
        for letter in text
    )


def sort_keys(keys: Iterable[str]) -> list[str]:
    """The order of keys in goyaml.v2 (sorter.go): numbers in them by value."""
    listed = list(keys)
    if all(key.isalpha() for key in listed):
        return sorted(listed)
    return sorted(listed, key=cmp_to_key(_compare))


def _compare(left: str, right: str) -> int:
    in_number = False
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            in_number = a.isdigit()
            continue
        if a.isalpha() and b.isalpha():
            return -1 if a < b else 1
        if a.isalpha() or b.isalpha():
            # a letter ends a number, which then is the shorter one
            return -1 if a.isalpha() == in_number else 1
        return _compare_numbers(left, right, index)
    return len(left) - len(right)


def _compare_numbers(left: str, right: str, index: int) -> int:
    lead = 0
    if "0" in (left[index], right[index]):
        before = left[:index]
        digits = before[len(before.rstrip("0123456789")) :]
        lead = 1 if digits.strip("0") else 0
    first, second = _digits(left, index), _digits(right, index)
    a = int(f"{lead}{first}")
    b = int(f"{lead}{second}")
    if a != b:
        return -1 if a < b else 1
    if len(first) != len(second):
        return len(first) - len(second)
    return -1 if left[index] < right[index] else 1


def _digits(text: str, start: int) -> str:
    end = start
    while end < len(text) and text[end].isdigit():
        end += 1
    return text[start:end]
