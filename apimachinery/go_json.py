"""What encoding/json says of a value that is not of the type that was asked for.

Source: golang/go encoding/json decode.go, UnmarshalTypeError.Error.
"""

from __future__ import annotations

__all__ = ["json_kind", "wrong_field", "wrong_value"]

_KINDS = {
    str: "string",
    list: "array",
    dict: "object",
    bool: "bool",
    type(None): "null",
}


def json_kind(value: object) -> str:
    """Go's word for a decoded JSON value: string, number, bool, array, object, null."""
    return _KINDS.get(type(value), "number")


def wrong_value(value: object, go_type: str) -> str:
    """Of a whole document."""
    return f"json: cannot unmarshal {json_kind(value)} into Go value of type {go_type}"


def wrong_field(value: object, field: str, go_type: str, shown: str = "") -> str:
    """Of a field, `Type.path.to.it`; `shown` in place of the kind: `number 1.5`."""
    kind = shown or json_kind(value)
    return (
        f"json: cannot unmarshal {kind} into Go struct field {field} of type {go_type}"
    )
