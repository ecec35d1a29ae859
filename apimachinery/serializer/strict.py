"""An object against its type: unknown and repeated fields, wrong JSON types.

What is left is what a typed server would keep: null and empty optional values are
unset, so that objects which mean the same are the same.

Source: sigs.k8s.io/json (strict mode) and the decoder of encoding/json, for the
sentences; kubernetes/apiserver pkg/endpoints/handlers/rest.go for what is done with
them: Strict refuses, Warn warns, Ignore is silent, and all of them drop the field.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apimachinery.go_json import wrong_field
from apimachinery.go_text import quote
from apimachinery.schema import Field, Kind, Message, Shape
from apimachinery.serializer.json import DuplicatedObject

if TYPE_CHECKING:
    from apimachinery.types import JsonObject, JsonValue

__all__ = ["TypeMismatchError", "conform", "duplicates"]

QUANTITY: Final = re.compile(r"[+-]?[0-9.]+([eEinumkKMGTP]*[-+]?[0-9]*)")
_QUANTITY_TEXT: Final = (
    "quantities must match the regular expression"
    " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
)
_TYPE_META: Final = frozenset({"apiVersion", "kind"})


class TypeMismatchError(ValueError):
    """A value has a JSON type that its field cannot take."""


def conform(obj: JsonObject, message: Message) -> list[str]:
    """Drop, in place, what the type does not keep; return the complaints in order.

    A complaint reads ``unknown field "spec.foo"`` or ``duplicate field "spec.x"``.

    Raises:
        TypeMismatchError: a value cannot be stored in its field.
    """
    walk = _Walk()
    walk.object(obj, message, _Place("", "", message.name), root=True)
    return walk.complaints


def duplicates(value: JsonValue) -> list[str]:
    """Complaints about repeated names only, for types without a table."""
    walk = _Walk()
    walk.untyped(value, "")
    return walk.complaints


@dataclass(frozen=True, slots=True)
class _Place:
    """Where we are: with indices for complaints, without for mismatches."""

    path: str
    go_path: str
    struct: str

    def field(self, name: str, struct: str) -> _Place:
        dot = "." if self.path else ""
        go_dot = "." if self.go_path else ""
        return _Place(
            f"{self.path}{dot}{name}", f"{self.go_path}{go_dot}{name}", struct
        )

    def at(self, index: int | str) -> _Place:
        return _Place(f"{self.path}[{index}]", self.go_path, self.struct)

    def entry(self, key: str) -> _Place:
        return _Place(f"{self.path}.{key}", self.go_path, self.struct)


@dataclass(slots=True)
class _Walk:
    complaints: list[str] = field(default_factory=list)

    def object(
        self, obj: JsonObject, message: Message, place: _Place, *, root: bool = False
    ) -> None:
        self.repeated(obj, place.path)
        fields = message.fields
        for name in list(obj):
            found = fields.get(name)
            if found is not None:
                inner = place.field(name, message.name)
                value = self.value(found, obj[name], inner)
                if _is_unset(found, value):
                    del obj[name]
                else:
                    obj[name] = value
            elif not (root and name in _TYPE_META):
                path = f"{place.path}.{name}" if place.path else name
                self.complaints.append(f"unknown field {quote(path)}")
                del obj[name]

    def repeated(self, obj: JsonObject, path: str) -> None:
        if isinstance(obj, DuplicatedObject):
            for name in obj.duplicates:
                where = f"{path}.{name}" if path else name
                self.complaints.append(f"duplicate field {quote(where)}")

    def value(self, found: Field, value: JsonValue, place: _Place) -> JsonValue:
        if value is None:
            return None
        if found.shape is Shape.LIST:
            if not isinstance(value, list):
                raise _mismatch(value, place, f"[]{_go_type(found)}")
            for index, each in enumerate(value):
                value[index] = self.single(found, each, place.at(index))
            return value
        if found.shape is Shape.MAP:
            if not isinstance(value, dict):
                raise _mismatch(value, place, f"map[string]{_go_type(found)}")
            self.repeated(value, place.path)
            for key, each in value.items():
                value[key] = self.single(found, each, place.entry(key))
            return value
        return self.single(found, value, place)

    def single(self, found: Field, value: JsonValue, place: _Place) -> JsonValue:
        if found.kind is Kind.MESSAGE:
            return self.message(found, value, place)
        if value is None:
            # null in a list or map of scalars is the zero value.
            return _ZERO.get(found.kind)
        if found.kind in (Kind.RAW, Kind.FIELDS_V1, Kind.UNKNOWN):
            self.untyped(value, place.path)
            return value
        return _check_scalar(found, value, place)

    def message(self, found: Field, value: JsonValue, place: _Place) -> JsonValue:
        inner = found.message
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise _mismatch(value, place, _go_type(found))
        if inner is not None:
            self.object(value, inner, place)
        return value

    def untyped(self, value: JsonValue, path: str) -> None:
        if isinstance(value, dict):
            self.repeated(value, path)
            for key, each in value.items():
                self.untyped(each, f"{path}.{key}" if path else key)
        elif isinstance(value, list):
            for index, each in enumerate(value):
                self.untyped(each, f"{path}[{index}]")


def _is_unset(found: Field, value: JsonValue) -> bool:
    """Whether Go would leave the field out when it writes the object again."""
    if value is None:
        return True
    if not found.omit_empty or found.pointer:
        return False
    if found.shape is not Shape.SINGLE:
        return not value
    # 0 == False: compare with the zero value of the field's own kind.
    return found.kind in _ZERO and value == _ZERO[found.kind]


# -- scalars --------------------------------------------------------------------------

_ZERO: Final[dict[Kind, JsonValue]] = {
    Kind.STRING: "",
    Kind.INT32: 0,
    Kind.INT64: 0,
    Kind.BOOL: False,
    Kind.DOUBLE: 0,
}
_LIMITS: Final = {Kind.INT32: 2**31, Kind.INT64: 2**63}


def _check_scalar(found: Field, value: JsonValue, place: _Place) -> JsonValue:
    match found.kind:
        case Kind.STRING:
            _expect(isinstance(value, str), value, place, "string")
        case Kind.BOOL:
            _expect(isinstance(value, bool), value, place, "bool")
        case Kind.INT32 | Kind.INT64:
            _check_integer(found.kind, value, place)
        case Kind.DOUBLE:
            _expect(_is_number(value), value, place, "float64")
        case Kind.BYTES:
            _check_bytes(value, place)
        case Kind.TIME | Kind.MICRO_TIME:
            _check_time(value, place, found.kind)
        case Kind.QUANTITY:
            return _quantity(value)
        case Kind.INT_OR_STRING:
            _expect(
                isinstance(value, str) or _is_number(value),
                value,
                place,
                "intstr.IntOrString",
            )
        case Kind.STRINGS:
            _expect(isinstance(value, list), value, place, "[]string")
        case _:
            pass
    return value


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _expect(fits: bool, value: JsonValue, place: _Place, go_type: str) -> None:
    if not fits:
        raise _mismatch(value, place, go_type)


def _check_integer(kind: Kind, value: JsonValue, place: _Place) -> None:
    _expect(_is_number(value), value, place, kind.value)
    limit = _LIMITS[kind]
    if not isinstance(value, int) or not -limit <= value < limit:
        raise _mismatch(value, place, kind.value, shown=f"number {value}")


def _check_bytes(value: JsonValue, place: _Place) -> None:
    _expect(isinstance(value, str), value, place, "[]uint8")
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise TypeMismatchError(
            f"illegal base64 data at input byte {_bad_byte(value)}"
        ) from None


def _bad_byte(text: str) -> int:
    match = re.search(r"[^A-Za-z0-9+/]", text)
    return match.start() if match else len(text) - len(text) % 4


def _check_time(value: JsonValue, place: _Place, kind: Kind) -> None:
    name = "v1.MicroTime" if kind is Kind.MICRO_TIME else "v1.Time"
    _expect(isinstance(value, str), value, place, name)
    if not _TIME.fullmatch(value):
        layout = "2006-01-02T15:04:05Z07:00"
        if kind is Kind.MICRO_TIME:
            layout = "2006-01-02T15:04:05.000000Z07:00"
        raise TypeMismatchError(
            f"parsing time {quote(value)} as {quote(layout)}: cannot parse"
            f' {quote(value)} as "2006"'
        )


def _quantity(value: JsonValue) -> JsonValue:
    # A bare number is taken as its text.
    text = str(value) if _is_number(value) else value
    if not isinstance(text, str) or not QUANTITY.fullmatch(text):
        raise TypeMismatchError(_QUANTITY_TEXT)
    return text


def _mismatch(
    value: JsonValue, place: _Place, go_type: str, *, shown: str = ""
) -> TypeMismatchError:
    field = f"{place.struct}.{place.go_path}"
    return TypeMismatchError(wrong_field(value, field, go_type, shown))


def _go_type(found: Field) -> str:
    if found.kind is Kind.MESSAGE:
        package = found.type[0].rpartition("/")[2]
        return f"{package}.{found.type[1]}"
    return _GO_TYPES.get(found.kind) or str(found.kind.value)


_GO_TYPES: Final = {
    Kind.QUANTITY: "resource.Quantity",
    Kind.TIME: "v1.Time",
    Kind.MICRO_TIME: "v1.MicroTime",
    Kind.INT_OR_STRING: "intstr.IntOrString",
    Kind.BYTES: "[]uint8",
    Kind.DOUBLE: "float64",
    Kind.RAW: "runtime.RawExtension",
}
