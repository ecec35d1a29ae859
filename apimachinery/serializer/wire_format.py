"""The protobuf wire format: tags, varints and length-delimited parts.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ProtobufError",
    "fields",
    "length_delimited",
    "signed",
    "tag",
    "varint",
]

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class ProtobufError(ValueError):
    """The bytes are not a protobuf message."""


def varint(number: int) -> bytes:
    """Write a number; negative ones take ten bytes, as int32 and int64 do."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def length_delimited(number: int, data: bytes) -> bytes:
    """A field of bytes, a string or a message."""
    return tag(number, BYTES) + varint(len(data)) + data


def signed(number: int) -> int:
    """The int64 that a varint stands for."""
    return number - (1 << 64) if number >= 1 << 63 else number


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) in order; varints and fixed ones as unsigned numbers.

    Raises:
        ProtobufError: the bytes end too early or have an unknown wire type.
    """
    position, end = 0, len(data)
    while position < end:
        key, position = _varint_at(data, position)
        number, wire_type = key >> 3, key & 7
        if not number:
            raise ProtobufError("proto: illegal tag 0")
        if wire_type == VARINT:
            value, position = _varint_at(data, position)
            yield number, value
        elif wire_type == BYTES:
            size, position = _varint_at(data, position)
            yield number, _slice(data, position, size)
            position += size
        elif wire_type in (FIXED64, FIXED32):
            size = 8 if wire_type == FIXED64 else 4
            yield number, int.from_bytes(_slice(data, position, size), "little")
            position += size
        else:
            raise ProtobufError(f"proto: illegal wireType {wire_type}")


def _slice(data: bytes, position: int, size: int) -> bytes:
    if size > len(data) - position:
        raise ProtobufError("unexpected EOF")
    return data[position : position + size]


def _varint_at(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if position >= len(data):
            raise ProtobufError("unexpected EOF")
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7
        if shift >= 70:
            raise ProtobufError("proto: integer overflow")
