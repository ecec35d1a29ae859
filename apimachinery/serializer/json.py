"""JSON as the API server reads it, with Go's words for what is wrong.

Source: Go encoding/json (scanner.go) and sigs.k8s.io/json: names are case sensitive,
a repeated name is an error only where fieldValidation asks for it (the last one wins).
"""

from __future__ import annotations

import json
from collections import Counter
from typing import NoReturn

from apimachinery.types import JsonObject, JsonValue

__all__ = ["DuplicatedObject", "JsonSyntaxError", "decode", "encode"]

MAX_DEPTH = 900  # upstream's limit is 10,000; this one is Python's stack


class JsonSyntaxError(ValueError):
    """Not JSON; the text is Go's."""


class DuplicatedObject(dict[str, JsonValue]):
    """An object in which names came twice; ``duplicates`` are those names."""

    duplicates: tuple[str, ...] = ()


def encode(document: JsonValue) -> bytes:
    """Compact JSON."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes) -> JsonValue:
    """Read a JSON text. Bytes that are not UTF-8 become U+FFFD, as in Go.

    Raises:
        JsonSyntaxError: it is not JSON.
    """
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as err:
        raise JsonSyntaxError(_go_words(err)) from None
    except RecursionError:
        raise JsonSyntaxError("exceeded max depth") from None
    # A lone surrogate can be written as \ud800 but not sent as UTF-8.
    return _without_surrogates(value) if "\\ud" in text.lower() else value


def _pairs(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    counts = Counter(name for name, _ in pairs)
    duplicated = DuplicatedObject(made)
    duplicated.duplicates = tuple(n for n in counts if counts[n] > 1)
    return duplicated


def _no_constant(text: str) -> NoReturn:
    raise JsonSyntaxError(
        f"invalid character '{text[0]}' looking for beginning of value"
    )


_DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_no_constant)

_WORDS = (
    ("Expecting value", "looking for beginning of value"),
    ("Expecting property name", "looking for beginning of object key string"),
    ("Illegal trailing comma", "looking for beginning of object key string"),
    ("Expecting ':'", "after object key"),
    ("Extra data", "after top-level value"),
    ("Invalid control character", "in string literal"),
    ("Invalid \\escape", "in string escape code"),
    ("Invalid \\uXXXX escape", "in \\u hexadecimal character escape"),
)


def _go_words(err: json.JSONDecodeError) -> str:
    if err.pos >= len(err.doc) or err.msg.startswith("Unterminated string"):
        return "unexpected end of JSON input"
    rune = err.doc[err.pos]
    shown = "'\\''" if rune == "'" else f"'{_printed(rune)}'"
    for start, words in _WORDS:
        if err.msg.startswith(start):
            return f"invalid character {shown} {words}"
    inside = _container_at(err.doc, err.pos)
    return f"invalid character {shown} after {inside}"


def _printed(rune: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}.get(rune, rune)


def _container_at(text: str, position: int) -> str:
    """What the scanner was in when it missed a comma."""
    depth, quoted, escaped = [], False, False
    for rune in text[:position]:
        if quoted:
            escaped, quoted = rune == "\\" and not escaped, rune != '"' or escaped
        elif rune == '"':
            quoted = True
        elif rune in "{[":
            depth.append(rune)
        elif rune in "}]" and depth:
            depth.pop()
    return "array element" if depth and depth[-1] == "[" else "object key:value pair"


def _without_surrogates(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return _clean(value)
        case list():
            return [_without_surrogates(each) for each in value]
        case DuplicatedObject():
            clean = DuplicatedObject(
                (_clean(k), _without_surrogates(v)) for k, v in value.items()
            )
            clean.duplicates = value.duplicates
            return clean
        case dict():
            return {_clean(k): _without_surrogates(v) for k, v in value.items()}
        case _:
            return value


def _clean(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
