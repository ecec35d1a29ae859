"""The Swagger 2.0 document, as JSON and as gnostic's protobuf.

kubectl up to 1.28 reads it as protobuf, to check files and to explain fields; later
ones for the patch metadata of apply.

Source: google/gnostic openapiv2/OpenAPIv2.proto for the field numbers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from apimachinery.serializer.wire_format import length_delimited
from apiserver.openapi.documents import (
    SWAGGER_PREFIX,
    name_kinds,
    resource_paths,
    table_group_version,
)
from apiserver.openapi.schemas import definitions_for
from apiserver.response import json_bytes

if TYPE_CHECKING:
    from apimachinery.types import JsonObject, JsonValue
    from apiserver.resources.registry import Registry

__all__ = ["swagger_json", "swagger_protobuf"]

_VERSION, _INFO, _PATHS, _DEFINITIONS = 1, 2, 8, 9  # Document
_PATH_METHODS = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}  # PathItem
_PARAMETERS, _OPERATION_EXTENSION = 8, 13  # Operation
_REF, _FORMAT, _ADDITIONAL, _TYPE = 1, 2, 21, 22  # Schema
_ITEMS, _PROPERTIES, _SCHEMA_EXTENSION = 23, 25, 31


def _definitions(registry: Registry) -> dict[str, JsonObject]:
    kinds = [
        (table_group_version(resource), kind)
        for resource in registry
        for kind in (resource.kind, resource.list_kind)
    ]
    found = definitions_for(kinds, SWAGGER_PREFIX)
    for resource in registry:
        name_kinds(found, resource)
    return found


def swagger_json(registry: Registry) -> bytes:
    """The document for those who read JSON."""
    paths: JsonObject = {}
    for resource in registry:
        paths.update(_json_paths(resource_paths(resource)))
    document = {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "definitions": _definitions(registry),
    }
    return json_bytes(document).rstrip(b"\n")


def _json_paths(paths: JsonObject) -> JsonObject:
    """OpenAPI 3 path items in Swagger 2 form: parameters have their type inline."""
    return {
        path: {method: _json_operation(op) for method, op in item.items()}
        for path, item in paths.items()
    }


def _json_operation(operation: JsonObject) -> JsonObject:
    return {
        "parameters": [
            {"name": p["name"], "in": "query", "type": p["schema"]["type"]}
            for p in operation["parameters"]
        ],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": operation["x-kubernetes-action"],
        "x-kubernetes-group-version-kind": operation["x-kubernetes-group-version-kind"],
    }


def swagger_protobuf(registry: Registry) -> bytes:
    """The document for kubectl."""
    info = _text(1, "Kubernetes") + _text(2, "unversioned")
    paths = b"".join(
        length_delimited(2, _named(path, _path_item(item)))
        for resource in registry
        for path, item in sorted(resource_paths(resource).items())
    )
    definitions = b"".join(
        length_delimited(1, _named(name, _schema(schema)))
        for name, schema in _definitions(registry).items()
    )
    return (
        _text(_VERSION, "2.0")
        + length_delimited(_INFO, info)
        + length_delimited(_PATHS, paths)
        + length_delimited(_DEFINITIONS, definitions)
    )


def _text(number: int, text: str) -> bytes:
    return length_delimited(number, text.encode())


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + length_delimited(2, value)


def _extension(name: str, value: JsonValue) -> bytes:
    """NamedAny with the value as YAML, of which JSON is a part."""
    text = json.dumps(value, separators=(", ", ": "))
    return _named(name, _text(2, text + "\n"))


def _path_item(item: JsonObject) -> bytes:
    return b"".join(
        length_delimited(_PATH_METHODS[method], _operation(operation))
        for method, operation in item.items()
    )


def _operation(operation: JsonObject) -> bytes:
    parameters = b"".join(
        length_delimited(_PARAMETERS, _query_parameter(p["name"], p["schema"]["type"]))
        for p in operation["parameters"]
    )
    extensions = b"".join(
        length_delimited(_OPERATION_EXTENSION, _extension(name, operation[name]))
        for name in ("x-kubernetes-action", "x-kubernetes-group-version-kind")
    )
    return parameters + extensions


def _query_parameter(name: str, type_: str) -> bytes:
    """ParametersItem > Parameter > NonBodyParameter > QueryParameterSubSchema."""
    query = _text(2, "query") + _text(4, name) + _text(6, type_)
    return length_delimited(1, length_delimited(2, length_delimited(3, query)))


def _schema(schema: JsonObject) -> bytes:
    parts = []
    if "$ref" in schema:
        parts.append(_text(_REF, schema["$ref"]))
    if "format" in schema:
        parts.append(_text(_FORMAT, schema["format"]))
    if "additionalProperties" in schema:
        inner = length_delimited(1, _schema(schema["additionalProperties"]))
        parts.append(length_delimited(_ADDITIONAL, inner))
    if "type" in schema:
        parts.append(length_delimited(_TYPE, _text(1, schema["type"])))
    if "items" in schema:
        inner = length_delimited(1, _schema(schema["items"]))
        parts.append(length_delimited(_ITEMS, inner))
    if "properties" in schema:
        inner = b"".join(
            length_delimited(1, _named(name, _schema(value)))
            for name, value in schema["properties"].items()
        )
        parts.append(length_delimited(_PROPERTIES, inner))
    parts += [
        length_delimited(_SCHEMA_EXTENSION, _extension(name, value))
        for name, value in schema.items()
        if name.startswith("x-")
    ]
    return b"".join(parts)
