"""JSON schemas of the built-in types, made from the table of fields.

The extensions are those that clients read: patch strategy and merge key, list type and
keys, the kind a schema is of. The table has no prose, so schemas have none.

Source: kubernetes/kube-openapi pkg/generators/openapi.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.schema import Kind, Shape, message
from apiserver.openapi.names import definition_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.schema import Field, Message
    from apimachinery.types import JsonObject

__all__ = ["definitions_for"]

_SCALARS: dict[Kind, JsonObject] = {
    Kind.STRING: {"type": "string"},
    Kind.INT32: {"type": "integer", "format": "int32"},
    Kind.INT64: {"type": "integer", "format": "int64"},
    Kind.BOOL: {"type": "boolean"},
    Kind.DOUBLE: {"type": "number", "format": "double"},
    Kind.BYTES: {"type": "string", "format": "byte"},
    Kind.RAW: {"type": "object"},
    Kind.FIELDS_V1: {"type": "object"},
    Kind.UNKNOWN: {"type": "object"},
    Kind.DURATION: {"type": "string"},
    Kind.STRINGS: {"type": "array", "items": {"type": "string"}},
}
# Types that are definitions of their own although they are one value in JSON.
_NAMED = {
    Kind.TIME: ("meta/v1", "Time", {"type": "string", "format": "date-time"}),
    Kind.MICRO_TIME: (
        "meta/v1",
        "MicroTime",
        {"type": "string", "format": "date-time"},
    ),
    Kind.QUANTITY: ("resource", "Quantity", {"type": "string"}),
    Kind.INT_OR_STRING: (
        "intstr",
        "IntOrString",
        {"type": "string", "format": "int-or-string"},
    ),
}


def definitions_for(
    kinds: Iterable[tuple[str, str]], prefix: str
) -> dict[str, JsonObject]:
    """Schemas of the kinds and of all types they are made of.

    Args:
        kinds: (group/version as the table has it, kind).
        prefix: what stands before a name in `$ref`.
    """
    found: dict[str, JsonObject] = {}
    waiting = list(kinds)
    while waiting:
        group_version, name = waiting.pop()
        full_name = definition_name(group_version, name)
        if full_name in found:
            continue
        type_ = message(group_version, name)
        if type_ is None:
            continue
        found[full_name] = _definition(type_, prefix)
        for field in type_.fields.values():
            if field.kind is Kind.MESSAGE:
                waiting.append(field.type)
            elif field.kind in _NAMED:
                where, of, schema = _NAMED[field.kind]
                found[definition_name(where, of)] = dict(schema)
    return dict(sorted(found.items()))


def _definition(type_: Message, prefix: str) -> JsonObject:
    properties: JsonObject = {}
    if type_.is_kind:
        properties["apiVersion"] = {"type": "string"}
        properties["kind"] = {"type": "string"}
    for name, field in type_.fields.items():
        properties[name] = _property(field, prefix)
    schema: JsonObject = {"type": "object"}
    if properties:
        schema["properties"] = properties
    return schema


def _property(field: Field, prefix: str) -> JsonObject:
    value = _value(field, prefix)
    match field.shape:
        case Shape.LIST:
            schema: JsonObject = {"type": "array", "items": value}
        case Shape.MAP:
            schema = {"type": "object", "additionalProperties": value}
        case _:
            schema = value
    return schema | _extensions(field)


def _value(field: Field, prefix: str) -> JsonObject:
    if field.kind is Kind.MESSAGE:
        return {"$ref": prefix + definition_name(*field.type)}
    if field.kind in _NAMED:
        where, name, _ = _NAMED[field.kind]
        return {"$ref": prefix + definition_name(where, name)}
    return dict(_SCALARS[field.kind])


def _extensions(field: Field) -> JsonObject:
    found: JsonObject = {}
    if field.patch_strategies:
        found["x-kubernetes-patch-strategy"] = ",".join(sorted(field.patch_strategies))
    if field.patch_merge_key:
        found["x-kubernetes-patch-merge-key"] = field.patch_merge_key
    if field.shape is Shape.LIST and field.list_type:
        found["x-kubernetes-list-type"] = field.list_type
    if field.list_map_keys:
        found["x-kubernetes-list-map-keys"] = list(field.list_map_keys)
    return found
