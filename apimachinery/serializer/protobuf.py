"""application/vnd.kubernetes.protobuf over the table of fields: no generated code.

A body is ``k8s\\0`` and a runtime.Unknown, whose ``raw`` is the object. gogo-proto
always writes scalars that are not pointers, so "" and 0 arrive for unset fields: they
are dropped when JSON would leave them out. Maps are entries {1: key, 2: value}.
Source: kubernetes/apimachinery pkg/runtime/serializer/protobuf/protobuf.go,
pkg/runtime/types_proto.go and the generated marshallers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery import schema
from apimachinery.schema import Field, Kind, Message, Shape
from apimachinery.serializer import json, wire_format
from apimachinery.serializer.protobuf_values import DECODE, ENCODE, ZERO
from apimachinery.serializer.wire_format import ProtobufError, length_delimited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject, JsonValue

__all__ = ["MAGIC", "ProtobufError", "decode", "decode_frame", "encode", "encode_frame"]

MAGIC: Final = b"k8s\x00"
_API_VERSION, _KIND = 1, 2  # runtime.TypeMeta
_TYPE_META, _RAW = 1, 2  # runtime.Unknown
_JSON: Final = b"application/json"


# -- envelope -------------------------------------------------------------------------


def decode(
    data: bytes, *, default_api_version: str = "", default_kind: str = ""
) -> JsonObject:
    """The object in a body. The defaults name the type when the body does not.

    Raises:
        ProtobufError: not the envelope, not protobuf, or not a built-in type.
    """
    if not data.startswith(MAGIC):
        raise ProtobufError(
            "provided data does not appear to be a protobuf message, expected prefix"
            f" {list(MAGIC)}"
        )
    type_meta, raw = _open(data[len(MAGIC) :])
    api_version = type_meta.get(_API_VERSION) or default_api_version
    kind = type_meta.get(_KIND) or default_kind
    found = schema.lookup(api_version, kind)
    if found is None:
        raise ProtobufError(
            f'no kind "{kind}" is registered for version "{api_version}"'
        )
    obj: JsonObject = {"apiVersion": api_version, "kind": kind}
    obj.update(_decode_message(raw, found))
    return obj


def _open(data: bytes) -> tuple[dict[int, str], bytes]:
    names: dict[int, str] = {}
    raw = b""
    for number, value in wire_format.fields(data):
        if number == _TYPE_META and isinstance(value, bytes):
            for part, text in wire_format.fields(value):
                if isinstance(text, bytes):
                    names[part] = text.decode("utf-8", "replace")
        elif number == _RAW and isinstance(value, bytes):
            raw = value
    return names, raw


def encode(document: JsonObject) -> bytes:
    """A body for an object of a built-in type.

    Raises:
        ProtobufError: the type is not built in.
    """
    api_version, kind = str(document.get("apiVersion")), str(document.get("kind"))
    found = schema.lookup(api_version, kind)
    if found is None:
        raise ProtobufError(
            f"object {kind} of {api_version} does not implement the protobuf"
            " marshalling interface and cannot be encoded to a protobuf message"
        )
    type_meta = length_delimited(_API_VERSION, api_version.encode())
    type_meta += length_delimited(_KIND, kind.encode())
    return b"".join(
        (
            MAGIC,
            length_delimited(_TYPE_META, type_meta),
            length_delimited(_RAW, _encode_message(document, found)),
            length_delimited(3, b""),
            length_delimited(4, b""),
        )
    )


def encode_frame(event_type: str, document: JsonObject) -> bytes:
    """One event of a watch: its length in four bytes, then a meta.v1.WatchEvent."""
    # RawExtension{raw=1} holds a whole body, envelope included.
    embedded = length_delimited(1, encode(document))
    event = length_delimited(1, event_type.encode()) + length_delimited(2, embedded)
    return len(event).to_bytes(4, "big") + event


def decode_frame(event: bytes) -> tuple[str, JsonObject]:
    """The type and object of one event, without the four bytes of length.

    Raises:
        ProtobufError: it is not an event.
    """
    kind, body = "", b""
    for number, value in wire_format.fields(event):
        if not isinstance(value, bytes):
            raise ProtobufError("watch event: unexpected number")
        if number == 1:
            kind = value.decode()
        elif number == 2:
            body = next((v for n, v in wire_format.fields(value) if n == 1), b"")  # type: ignore[assignment]  # length checked by decode
    return kind, decode(body)


# -- decode ---------------------------------------------------------------------------


def _decode_message(data: bytes, message: Message) -> JsonObject:
    obj: JsonObject = {}
    for number, value in wire_format.fields(data):
        field = message.by_number.get(number)
        if field is None:
            continue  # newer than the table
        if field.inline:
            inner = field.message
            if inner is not None and isinstance(value, bytes):
                obj.update(_decode_message(value, inner))
            continue
        _take(obj, field, value)
    _fill(obj, message)
    return obj


def _take(obj: JsonObject, field: Field, value: int | bytes) -> None:
    if field.shape is Shape.LIST:
        obj.setdefault(field.name, []).append(_decode_value(field, value))
    elif field.shape is Shape.MAP:
        key, each = _decode_entry(field, value)
        obj.setdefault(field.name, {})[key] = each
    else:
        decoded = _decode_value(field, value)
        if field.pointer or not field.omit_empty or not _is_zero(field, decoded):
            obj[field.name] = decoded


def _is_zero(field: Field, value: JsonValue) -> bool:
    # encoding/json leaves out zero scalars and never a struct: "resources": {}.
    return value is None or (field.kind in ZERO and value == ZERO[field.kind])


def _decode_value(field: Field, value: int | bytes) -> JsonValue:
    if field.kind is Kind.MESSAGE:
        inner = field.message
        if inner is None or not isinstance(value, bytes):
            raise ProtobufError(f"proto: wrong wireType for field {field.name}")
        return _decode_message(value, inner)
    if field.kind is Kind.RAW and isinstance(value, bytes):
        return _decode_raw(value)
    return DECODE[field.kind](value)


def _decode_raw(data: bytes) -> JsonValue:
    for number, value in wire_format.fields(data):
        if number == 1 and isinstance(value, bytes) and value:
            return decode(value) if value.startswith(MAGIC) else json.decode(value)
    return None


def _decode_entry(field: Field, data: int | bytes) -> tuple[str, JsonValue]:
    if not isinstance(data, bytes):
        raise ProtobufError(f"proto: wrong wireType for field {field.name}")
    key: str = ""
    value: JsonValue = ZERO.get(field.kind, {})
    for number, part in wire_format.fields(data):
        if number == 1 and isinstance(part, bytes):
            key = part.decode("utf-8", "replace")
        elif number == 2:
            value = _decode_value(field, part)
    return key, value


def _fill(obj: JsonObject, message: Message) -> None:
    """Lists that JSON always writes are there, though protobuf leaves them out."""
    for field in message.fields.values():
        if field.shape is Shape.LIST and not field.omit_empty and field.name == "items":
            obj.setdefault(field.name, [])


# -- encode ---------------------------------------------------------------------------


def _encode_message(obj: JsonObject, message: Message) -> bytes:
    return b"".join(_encode_fields(obj, message))


def _encode_fields(obj: JsonObject, message: Message) -> Iterator[bytes]:
    # gogo writes fields in the order of their numbers.
    for number in sorted(message.by_number):
        field = message.by_number[number]
        if field.inline:
            inner = field.message
            if inner is not None:
                yield length_delimited(number, _encode_message(obj, inner))
            continue
        value = obj.get(field.name)
        if value is not None:
            yield from _encode_field(field, value)
        elif field.shape is Shape.SINGLE and not field.pointer:
            yield from _encode_unset(field)


def _encode_field(field: Field, value: JsonValue) -> Iterator[bytes]:
    if field.shape is Shape.LIST:
        for each in value:
            yield _encode_value(field, field.number, each)
    elif field.shape is Shape.MAP:
        # The generated marshallers sort the keys.
        for key in sorted(value):
            entry = length_delimited(1, key.encode())
            entry += _encode_value(field, 2, value[key])
            yield length_delimited(field.number, entry)
    else:
        yield _encode_value(field, field.number, value)


def _encode_unset(field: Field) -> Iterator[bytes]:
    if field.kind is Kind.MESSAGE and field.message is not None:
        yield length_delimited(field.number, _encode_message({}, field.message))
    elif field.kind in (Kind.BYTES, Kind.FIELDS_V1, Kind.STRINGS):
        return  # nil slices are left out
    elif field.kind in ZERO:
        yield ENCODE[field.kind](field.number, ZERO[field.kind])
    elif field.kind in (Kind.TIME, Kind.MICRO_TIME, Kind.RAW):
        yield length_delimited(field.number, b"")
    elif field.kind is Kind.INT_OR_STRING:
        yield ENCODE[field.kind](field.number, 0)


def _encode_value(field: Field, number: int, value: JsonValue) -> bytes:
    if field.kind is Kind.MESSAGE:
        inner = field.message
        if inner is None or not isinstance(value, dict):
            raise ProtobufError(f"field {field.name} is not an object")
        return length_delimited(number, _encode_message(value, inner))
    if field.kind is Kind.RAW:
        return length_delimited(number, length_delimited(1, json.encode(value)))
    return ENCODE[field.kind](number, value)
