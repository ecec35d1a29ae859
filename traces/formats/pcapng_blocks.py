"""Blocks of a pcapng file.

Source: draft-ietf-opsawg-pcapng: section header, interface description, name
resolution, enhanced packet.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from ipaddress import IPv4Address

__all__ = ["interface", "names", "packet", "section"]

_SECTION, _INTERFACE, _NAMES, _PACKET = 0x0A0D0D0A, 1, 4, 6
_BYTE_ORDER = 0x1A2B3C4D
_RAW_IP = 101  # LINKTYPE_RAW: packets begin with the IP header
_COMMENT, _APPLICATION = 1, 4
_IF_NAME, _IF_DESCRIPTION, _IF_RESOLUTION = 2, 3, 9
_IPV4_NAME = 1
_LONGEST_OPTION = 0xFF00


def section(application: str, comment: str) -> bytes:
    """The beginning of a file."""
    body = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
    return _block(_SECTION, body, [(_COMMENT, comment), (_APPLICATION, application)])


def interface(name: str, description: str) -> bytes:
    """One interface; they are numbered from 0 in their order. Times are microseconds."""
    body = struct.pack("<HHI", _RAW_IP, 0, 0)
    options = [(_IF_NAME, name), (_IF_DESCRIPTION, description)]
    return _block(_INTERFACE, body, [*options, (_IF_RESOLUTION, b"\x06")])


def names(addresses: Mapping[IPv4Address, str]) -> bytes:
    """Names of addresses."""
    records = b""
    for address, name in addresses.items():
        value = address.packed + name.encode("utf-8", "replace") + b"\0"
        records += struct.pack("<HH", _IPV4_NAME, len(value)) + _padded(value)
    return _block(_NAMES, records + struct.pack("<HH", 0, 0), [])


def packet(
    number: int, wall: float, data: bytes, comments: Iterable[str] = ()
) -> bytes:
    """One packet on interface `number` at Unix time `wall`."""
    microseconds = max(0, round(wall * 1_000_000))
    high, low = microseconds >> 32, microseconds & 0xFFFFFFFF
    body = struct.pack("<IIIII", number, high, low, len(data), len(data))
    return _block(
        _PACKET, body + _padded(data), [(_COMMENT, text) for text in comments]
    )


def _block(kind: int, body: bytes, options: Iterable[tuple[int, str | bytes]]) -> bytes:
    written = b"".join(_option(code, value) for code, value in options)
    if written:
        written += struct.pack("<HH", 0, 0)
    size = 12 + len(body) + len(written)
    length = struct.pack("<I", size)
    return struct.pack("<I", kind) + length + body + written + length


def _option(code: int, value: str | bytes) -> bytes:
    data = value.encode("utf-8", "replace") if isinstance(value, str) else value
    if len(data) > _LONGEST_OPTION:
        data = data[:_LONGEST_OPTION].decode("utf-8", "ignore").encode()
    return struct.pack("<HH", code, len(data)) + _padded(data) if data else b""


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
