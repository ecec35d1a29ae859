r"""Bytes and words of strangers, made fit to be shown: nothing of them acts.

Control characters, also those that turn the direction of writing, become escapes:
`\n`, `\e[31m`, `\u202e`. Bytes that are no UTF-8 become `\xff`.
"""

from __future__ import annotations

import json

__all__ = ["json_for_terminal", "one_line", "plain", "quoted", "shortened"]

_NAMES = {
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\x1b": "\\e",
    "\\": "\\\\",
    '"': '\\"',
}


def quoted(data: bytes, limit: int = 60) -> str:
    """Bytes between double quotes, cut at about `limit` characters."""
    # a character has up to four bytes, and escapes only make the text longer
    text = data[: limit * 4].decode("utf-8", "backslashreplace")
    shown = "".join(_escape(each, _NAMES) for each in text[: limit + 1])
    whole = len(shown) <= limit and len(data) <= limit * 4
    return f'"{shown}"' if whole else f'"{shown[:limit]}…"'


def plain(text: str) -> str:
    """Text for a line of a terminal, without anything that acts on it."""
    if text.isprintable():
        return text
    names = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e"}
    return "".join(_escape(each, names) for each in text)


def json_for_terminal(text: str) -> str:
    r"""The same JSON with `\u009b` and the like for what a terminal would obey."""
    return "".join(
        each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1]
        for each in text
    )


def one_line(text: str, limit: int) -> str:
    """The same, cut to `limit` characters."""
    return shortened(plain(text[: limit + 1]), limit)


def shortened(text: str, limit: int) -> str:
    """Cut with an ellipsis; 0 cuts nothing."""
    return text if not limit or len(text) <= limit else text[: limit - 1] + "…"


def _escape(character: str, names: dict[str, str]) -> str:
    if character in names:
        return names[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
