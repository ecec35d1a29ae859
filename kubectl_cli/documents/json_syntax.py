"""The first thing that is wrong with a JSON text, in the words of Go.

Source: golang/go src/encoding/json/scanner.go (the states and their texts).
"""

from __future__ import annotations

import re

__all__ = ["JsonSyntaxError", "find_syntax_error"]

_BLANKS = re.compile(rb"[ \t\r\n]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(rb"[0-9]*")
_HEX = b"0123456789abcdefABCDEF"
_VALUE = "looking for beginning of value"
_KEY = "looking for beginning of object key string"


class JsonSyntaxError(Exception):
    """`offset` is how many bytes had been read when it was found."""

    def __init__(self, byte: int, what: str, offset: int) -> None:
        super().__init__(f"invalid character {_quoted(byte)} {what}")
        self.offset = offset


class _EndOfTextError(Exception):
    """The text ends inside a value."""


def find_syntax_error(text: bytes, start: int = 0) -> JsonSyntaxError | None:
    """What is wrong with the value at `start`; None if only its end is missing."""
    try:
        _Scanner(text, start).value()
    except JsonSyntaxError as error:
        return error
    except (_EndOfTextError, RecursionError):
        pass
    return None


class _Scanner:
    def __init__(self, text: bytes, place: int) -> None:
        self._text = text
        self._place = place

    def _peek(self) -> int:
        if self._place >= len(self._text):
            raise _EndOfTextError
        return self._text[self._place]

    def _next(self) -> int:
        """The next byte that is no blank."""
        match = _BLANKS.match(self._text, self._place)
        assert match is not None  # noqa: S101 - it matches the empty text
        self._place = match.end()
        return self._peek()

    def _wrong(self, what: str) -> JsonSyntaxError:
        return JsonSyntaxError(self._peek(), what, self._place + 1)

    def value(self) -> None:
        byte = self._next()
        if byte == b"{"[0]:
            self._object()
        elif byte == b"["[0]:
            self._array()
        elif byte == b'"'[0]:
            self._string()
        elif byte in b"-0123456789":
            self._number()
        else:
            word = {b"t"[0]: b"true", b"f"[0]: b"false", b"n"[0]: b"null"}.get(byte)
            if word is None:
                raise self._wrong(_VALUE)
            self._literal(word)

    def _literal(self, word: bytes) -> None:
        for wanted in word:
            if self._peek() != wanted:
                expecting = f"(expecting '{chr(wanted)}')"
                raise self._wrong(f"in literal {word.decode()} {expecting}")
            self._place += 1

    def _object(self) -> None:
        self._place += 1
        if self._next() == b"}"[0]:
            self._place += 1
            return
        while True:
            if self._next() != b'"'[0]:
                raise self._wrong(_KEY)
            self._string()
            if self._next() != b":"[0]:
                raise self._wrong("after object key")
            self._place += 1
            self.value()
            if self._ends(b"}", "after object key:value pair"):
                return

    def _array(self) -> None:
        self._place += 1
        if self._next() == b"]"[0]:
            self._place += 1
            return
        while True:
            self.value()
            if self._ends(b"]", "after array element"):
                return

    def _ends(self, end: bytes, what: str) -> bool:
        """Take a comma or the end; whether it was the end."""
        byte = self._next()
        if byte != end[0] and byte != b","[0]:
            raise self._wrong(what)
        self._place += 1
        return byte == end[0]

    def _string(self) -> None:
        self._place += 1
        while True:
            match = _PLAIN.match(self._text, self._place)
            assert match is not None  # noqa: S101 - it matches the empty text
            self._place = match.end()
            byte = self._peek()
            if byte == b'"'[0]:
                self._place += 1
                return
            if byte != b"\\"[0]:
                raise self._wrong("in string literal")
            self._escape()

    def _escape(self) -> None:
        self._place += 1
        if self._peek() not in b'bfnrt\\/"u':
            raise self._wrong("in string escape code")
        digits = 4 if self._peek() == b"u"[0] else 0
        self._place += 1
        for _ in range(digits):
            if self._peek() not in _HEX:
                raise self._wrong("in \\u hexadecimal character escape")
            self._place += 1

    def _number(self) -> None:
        if self._peek() == b"-"[0]:
            self._place += 1
        if self._peek() == b"0"[0]:
            self._place += 1
        else:
            self._digits("in numeric literal")
        if self._at(b"."):
            self._place += 1
            self._digits("after decimal point in numeric literal")
        if self._at(b"eE"):
            self._place += 1
            if self._peek() in b"+-":
                self._place += 1
            self._digits("in exponent of numeric literal")

    def _at(self, bytes_: bytes) -> bool:
        return self._place < len(self._text) and self._text[self._place] in bytes_

    def _digits(self, what: str) -> None:
        """One digit at least."""
        if self._peek() not in b"0123456789":
            raise self._wrong(what)
        match = _DIGITS.match(self._text, self._place)
        assert match is not None  # noqa: S101 - it matches the empty text
        self._place = match.end()


def _quoted(byte: int) -> str:
    """scanner.go quoteChar: a byte is shown as the character of its number."""
    if byte == b"'"[0]:
        return "'\\''"
    if byte == b'"'[0]:
        return "'\"'"
    from apimachinery.go_text import quote

    return f"'{quote(chr(byte))[1:-1]}'"
