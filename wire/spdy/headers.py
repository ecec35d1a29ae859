"""Header blocks: name-value pairs inside one zlib context a direction.

A block is a count, then for each pair the name and the value, each after its length;
all numbers have four bytes. Several values of one name are joined by NUL. All blocks
of a direction share one deflate stream, primed with the dictionary and cut by sync
flushes, so each must be read in the order of arrival, wanted or not.

Source: SPDY draft 3, section 2.6.10; moby/spdystream spdy/{read,write}.go.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.spdy.dictionary import DICTIONARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wire.spdy.limits import Limits

__all__ = [
    "AnyHeaderDecoder",
    "HeaderDecoder",
    "HeaderEncoder",
    "Headers",
    "UnreadHeaders",
    "header",
]

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of lower-case name and value; a name with several values comes repeatedly."""

_UINT32 = Struct("!I")
_SEPARATOR = "\0"

# spdystream compresses with a 32 KiB window, which costs 384 KiB for each connection.
# A window of 4 KiB holds the dictionary and any block of ours, for 24 KiB; zlib's
# first byte announces it, and every inflater takes it.
_WINDOW_BITS = 12
_MEMORY_LEVEL = 4


def header(headers: Headers, name: str) -> str:
    """Return the first value of a name in lower case, "" when it is missing."""
    return next((value for key, value in headers if key == name), "")


class HeaderEncoder:
    """The compressing end of one direction. Blocks must be sent in order."""

    def __init__(self) -> None:
        self._deflate: zlib._Compress | None = None  # made for the first block

    def encode(self, headers: Iterable[tuple[str, str]]) -> bytes:
        """Compress one block; names are put into lower case."""
        if self._deflate is None:
            self._deflate = zlib.compressobj(
                level=zlib.Z_BEST_COMPRESSION,
                wbits=_WINDOW_BITS,
                memLevel=_MEMORY_LEVEL,
                zdict=DICTIONARY,
            )
        plain = _plain_block(headers)
        return self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


def _plain_block(headers: Iterable[tuple[str, str]]) -> bytes:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if _SEPARATOR in value:
            raise LocalProtocolError(f"value of header {name!r} has a NUL byte")
        values.setdefault(name.lower(), []).append(value)
    parts = [_UINT32.pack(len(values))]
    for name, all_values in values.items():
        parts += _counted(name), _counted(_SEPARATOR.join(all_values))
    return b"".join(parts)


def _counted(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return _UINT32.pack(len(data)) + data


class HeaderDecoder:
    """The inflating end of one direction."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inflate: zlib._Decompress | None = None
        self._credit = limits.max_header_size

    def decode(self, block: bytes) -> Headers:
        """Read the pairs of the next block.

        Raises:
            RemoteProtocolError: not deflated with the dictionary, too large, pairs
                incomplete, or a name that is not lower case.
        """
        plain = self._decompress(block)
        return tuple(_pairs(plain, self._limits.max_header_pairs))

    def _decompress(self, block: bytes) -> bytes:
        limits = self._limits
        earned = len(block) * limits.max_expansion
        self._credit = min(self._credit, limits.max_header_size) + earned
        allowed = min(self._credit, limits.max_header_size)
        if self._inflate is None:
            self._inflate = zlib.decompressobj(zdict=DICTIONARY)
        try:
            plain = self._inflate.decompress(block, allowed + 1)
        except zlib.error as err:
            raise RemoteProtocolError(f"header block: {err}") from None
        if len(plain) > allowed:
            raise RemoteProtocolError(f"header block of more than {allowed} bytes")
        self._credit -= len(plain)
        return plain


class UnreadHeaders:
    """Stands for a `HeaderDecoder` where blocks went by that nobody saw."""

    def decode(self, block: bytes) -> Headers:
        """No pairs."""
        return ()


AnyHeaderDecoder: TypeAlias = HeaderDecoder | UnreadHeaders


def _pairs(plain: bytes, limit: int) -> Iterator[tuple[str, str]]:
    count, position = _number(plain, 0)
    if count > limit:
        raise RemoteProtocolError(f"{count} header pairs, at most {limit} are allowed")
    for _ in range(count):
        raw_name, position = _text(plain, position)
        raw_value, position = _text(plain, position)
        name = _checked_name(raw_name)
        limit -= 1 + raw_value.count(0)
        if limit < 0:
            raise RemoteProtocolError(f"too many values of header {name!r}")
        for value in raw_value.decode("utf-8", "surrogateescape").split(_SEPARATOR):
            yield name, value
    # Unlike spdystream: it would read the rest as the beginning of the next block.
    if position != len(plain):
        surplus = len(plain) - position
        raise RemoteProtocolError(f"{surplus} bytes after the last header pair")


def _number(plain: bytes, position: int) -> tuple[int, int]:
    if len(plain) < position + 4:
        raise RemoteProtocolError("header block ends before its pairs are complete")
    return _UINT32.unpack_from(plain, position)[0], position + 4


def _text(plain: bytes, position: int) -> tuple[bytes, int]:
    size, position = _number(plain, position)
    if len(plain) < position + size:
        raise RemoteProtocolError("header block ends before its pairs are complete")
    return plain[position : position + size], position + size


def _checked_name(raw: bytes) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise RemoteProtocolError(f"header name {raw[:100]!r} is not text") from None
    if name != name.lower():
        raise RemoteProtocolError(f"header name {name[:100]!r} is not lower case")
    return name
