"""Where secrets stand in the bytes of a protobuf message.

Painting over a secret wherever its bytes occur would hit others: the value of a variable
may be `1`. So the message is walked by its descriptor.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hops.expansions import telling_values, value_spans
from hops.taps.grpc_secrets import EXPANDED, SECRET_FIELDS, hides_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message

__all__ = ["message_spans"]

Span = tuple[int, int]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}


def message_spans(kind: type[Message], data: bytes) -> list[Span]:
    """(start, end) of each secret in a message.

    Raises:
        ValueError: these bytes are no such message, or use groups.
    """
    descriptor: Any = kind.DESCRIPTOR
    return list(_walk(descriptor, data, 0, len(data)))


def _walk(kind: Descriptor, data: bytes, start: int, end: int) -> Iterator[Span]:
    fields = list(_fields(data, start, end))
    hidden = hides_value(kind.full_name, _key(kind, data, fields))
    values = _values(kind, data, fields)
    for number, begin, stop in fields:
        field = kind.fields_by_number.get(number)
        if field is None:
            continue
        if _is_secret(kind, field, hidden=hidden):
            yield from _secret(field, data, begin, stop)
        elif (kind.full_name, field.name) in EXPANDED:
            for first, last in value_spans(data[begin:stop], values):
                yield begin + first, begin + last
        elif field.message_type is not None:
            yield from _walk(field.message_type, data, begin, stop)


def _is_secret(kind: Descriptor, field: FieldDescriptor, *, hidden: bool) -> bool:
    if hidden and field.name == "value":
        return True
    return (kind.full_name, field.name) in SECRET_FIELDS


def _secret(
    field: FieldDescriptor, data: bytes, begin: int, stop: int
) -> Iterator[Span]:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        for number, value_begin, value_stop in _fields(data, begin, stop):
            if number == 2:  # encoding.md, "Maps": key is 1, value is 2
                yield value_begin, value_stop
    elif field.name == "url":
        yield data.rfind(b"/", begin, stop) + 1, stop
    else:
        yield begin, stop


def _values(
    kind: Descriptor, data: bytes, fields: list[tuple[int, int, int]]
) -> list[bytes]:
    """The values of `envs`, which other fields may repeat."""
    envs = kind.fields_by_name.get("envs")
    if envs is None:
        return []
    pairs = []
    for number, begin, stop in fields:
        if number == envs.number:
            parts = {part: data[b:e] for part, b, e in _fields(data, begin, stop)}
            name, value = (parts.get(one, b"") for one in (1, 2))
            pairs.append((_text(name), _text(value)))
    return [value.encode(errors="surrogateescape") for value in telling_values(pairs)]


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _key(kind: Descriptor, data: bytes, fields: list[tuple[int, int, int]]) -> bytes:
    key = kind.fields_by_name.get("key")
    for number, begin, stop in fields:
        if key is not None and number == key.number:
            return data[begin:stop]
    return b""


def _fields(data: bytes, position: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(number, begin, end) of the fields that have a length; others are passed by."""
    while position < end:
        tag, position = _varint(data, position, end)
        form = tag & 7
        if form == _BYTES:
            size, position = _varint(data, position, end)
            if size > end - position:
                raise ValueError("protobuf: a field is longer than its message")
            yield tag >> 3, position, position + size
            position += size
        elif form == _VARINT:
            _, position = _varint(data, position, end)
        elif form in _FIXED:
            position += _FIXED[form]
        else:
            raise ValueError(f"protobuf: wire type {form}")


def _varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """(value, where it ends)."""
    value = shift = 0
    while position < end and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise ValueError("protobuf: a number without end")
