"""Single values between protobuf and JSON, a function a kind.

Source: the marshallers of kubernetes/apimachinery for Time{seconds,nanos},
Quantity{string} and IntOrString{type,intVal,strVal}.
"""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from apimachinery.schema import Kind
from apimachinery.serializer import json, wire_format
from apimachinery.serializer.wire_format import (
    FIXED64,
    VARINT,
    ProtobufError,
    length_delimited,
    signed,
    tag,
    varint,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonValue

__all__ = ["DECODE", "ENCODE", "ZERO"]

Wire = int | bytes

ZERO: Final[dict[Kind, JsonValue]] = {
    Kind.STRING: "",
    Kind.INT32: 0,
    Kind.INT64: 0,
    Kind.BOOL: False,
    Kind.DOUBLE: 0.0,
    Kind.BYTES: "",
    Kind.QUANTITY: "0",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _bytes(value: Wire) -> bytes:
    if not isinstance(value, bytes):
        raise ProtobufError("proto: wrong wireType: expected bytes")
    return value


def _number(value: Wire) -> int:
    if not isinstance(value, int):
        raise ProtobufError("proto: wrong wireType: expected a number")
    return value


def _parts(value: Wire) -> dict[int, Wire]:
    return dict(wire_format.fields(_bytes(value)))


def _decode_string(value: Wire) -> JsonValue:
    return _bytes(value).decode("utf-8", "replace")


def _decode_int32(value: Wire) -> JsonValue:
    number = _number(value) & 0xFFFF_FFFF
    return number - (1 << 32) if number >= 1 << 31 else number


def _decode_double(value: Wire) -> JsonValue:
    return struct.unpack("<d", _number(value).to_bytes(8, "little"))[0]


def _decode_time(value: Wire, *, micro: bool = False) -> JsonValue:
    parts = _parts(value)
    seconds, nanos = signed(_number(parts.get(1, 0))), _number(parts.get(2, 0))
    if not seconds and not nanos:
        return None
    try:
        moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        return None  # Go's zero time, year 1, and what is before it
    form = "%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ"
    return None if moment.year <= 1 else moment.strftime(form)


def _decode_quantity(value: Wire) -> JsonValue:
    return _decode_string(_parts(value).get(1, b"0"))


def _decode_int_or_string(value: Wire) -> JsonValue:
    parts = _parts(value)
    if parts.get(1, 0) == 1:
        return _decode_string(parts.get(3, b""))
    return _decode_int32(parts.get(2, 0))


def _decode_fields_v1(value: Wire) -> JsonValue:
    raw = _bytes(_parts(value).get(1, b""))
    return json.decode(raw) if raw else {}


def _decode_strings(value: Wire) -> JsonValue:
    return [_decode_string(v) for n, v in wire_format.fields(_bytes(value)) if n == 1]


def _decode_duration(value: Wire) -> JsonValue:
    nanos = signed(_number(_parts(value).get(1, 0)))
    return f"{nanos / 1e9:g}s"


DECODE: Final[dict[Kind, Callable[[Wire], JsonValue]]] = {
    Kind.STRING: _decode_string,
    Kind.INT32: _decode_int32,
    Kind.INT64: lambda value: signed(_number(value)),
    Kind.BOOL: lambda value: bool(_number(value)),
    Kind.DOUBLE: _decode_double,
    Kind.BYTES: lambda value: base64.b64encode(_bytes(value)).decode(),
    Kind.TIME: _decode_time,
    Kind.MICRO_TIME: lambda value: _decode_time(value, micro=True),
    Kind.DURATION: _decode_duration,
    Kind.QUANTITY: _decode_quantity,
    Kind.INT_OR_STRING: _decode_int_or_string,
    Kind.FIELDS_V1: _decode_fields_v1,
    Kind.STRINGS: _decode_strings,
    Kind.UNKNOWN: lambda _: None,
}


def _encode_text(number: int, value: JsonValue) -> bytes:
    return length_delimited(number, str(value).encode("utf-8", "replace"))


def _encode_int(number: int, value: JsonValue) -> bytes:
    return tag(number, VARINT) + varint(int(value))


def _encode_double(number: int, value: JsonValue) -> bytes:
    return tag(number, FIXED64) + struct.pack("<d", float(value))


def _encode_base64(number: int, value: JsonValue) -> bytes:
    try:
        return length_delimited(number, base64.b64decode(value, validate=True))
    except (binascii.Error, TypeError) as err:
        raise ProtobufError(f"illegal base64 data: {err}") from None


def _encode_time(number: int, value: JsonValue) -> bytes:
    try:
        since = datetime.fromisoformat(value) - _EPOCH
    except (ValueError, TypeError) as err:
        raise ProtobufError(f"not a time: {value!r}") from err
    seconds = since.days * 86400 + since.seconds
    parts = _encode_int(1, seconds) + _encode_int(2, since.microseconds * 1000)
    return length_delimited(number, parts)


def _encode_int_or_string(number: int, value: JsonValue) -> bytes:
    text = isinstance(value, str)
    parts = _encode_int(1, 1 if text else 0)
    parts += _encode_int(2, 0 if text else value)
    parts += _encode_text(3, value if text else "")
    return length_delimited(number, parts)


def _encode_strings(number: int, value: JsonValue) -> bytes:
    return length_delimited(number, b"".join(_encode_text(1, each) for each in value))


def _encode_duration(number: int, value: JsonValue) -> bytes:
    nanos = round(float(str(value).removesuffix("s")) * 1e9)
    return length_delimited(number, _encode_int(1, nanos))


ENCODE: Final[dict[Kind, Callable[[int, JsonValue], bytes]]] = {
    Kind.STRING: _encode_text,
    Kind.INT32: _encode_int,
    Kind.INT64: _encode_int,
    Kind.BOOL: _encode_int,
    Kind.DOUBLE: _encode_double,
    Kind.BYTES: _encode_base64,
    Kind.TIME: _encode_time,
    Kind.MICRO_TIME: _encode_time,
    Kind.DURATION: _encode_duration,
    Kind.QUANTITY: lambda number, value: length_delimited(
        number, _encode_text(1, value)
    ),
    Kind.INT_OR_STRING: _encode_int_or_string,
    Kind.FIELDS_V1: lambda number, value: length_delimited(
        number, length_delimited(1, json.encode(value))
    ),
    Kind.STRINGS: _encode_strings,
    Kind.UNKNOWN: lambda _number, _value: b"",
}
