"""Objects with their fields in the order of their Go type.

What kubectl holds as a type it writes in the order of the type's fields; what it holds
as a map it sorts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apimachinery.schema import Kind, Shape, lookup

if TYPE_CHECKING:
    from apimachinery.schema import Message
    from apimachinery.types import JsonObject

__all__ = ["in_type_order"]

_FIRST = ("kind", "apiVersion")


def in_type_order(obj: JsonObject) -> JsonObject:
    """The object, ordered; kinds that are not built in stay as they are."""
    kind = lookup(str(obj.get("apiVersion") or ""), str(obj.get("kind") or ""))
    return obj if kind is None else _ordered(obj, kind)


def _ordered(obj: JsonObject, message: Message) -> JsonObject:
    # Of an object; in a reference such as roleRef they are fields like others.
    first = [name for name in _FIRST if name not in message.fields]
    result = {name: obj[name] for name in first if name in obj}
    for name, field in message.fields.items():
        if name not in obj or name in result:
            continue
        value = obj[name]
        inner = field.message if field.kind is Kind.MESSAGE else None
        result[name] = _value(value, inner, is_map=field.shape is Shape.MAP)
    result.update({name: value for name, value in obj.items() if name not in result})
    return result


def _value(value: Any, message: Message | None, *, is_map: bool) -> Any:
    if is_map and isinstance(value, dict):
        return {key: _value(value[key], message, is_map=False) for key in sorted(value)}
    if message is None:
        return value
    if isinstance(value, list):
        return [_value(each, message, is_map=False) for each in value]
    return _ordered(value, message) if isinstance(value, dict) else value
