"""OpenAPI v3 documents, one a group version.

Source: kubernetes/apiserver pkg/endpoints/installer.go (operations and parameters),
kubernetes/kube-openapi pkg/handler3 (the root).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from apiserver.openapi.names import definition_name
from apiserver.openapi.schemas import definitions_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Registry, Resource

__all__ = [
    "SWAGGER_PREFIX",
    "document_hash",
    "group_version_document",
    "name_kinds",
    "resource_paths",
    "root_document",
    "table_group_version",
]

# Counts up when the documents of the same registry change: clients keep them by hash.
_FORMAT = "1"
_SCHEMAS = "#/components/schemas/"
SWAGGER_PREFIX = "#/definitions/"
_WRITE_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")
_PARAMETERS = {
    "post": _WRITE_PARAMETERS,
    "put": _WRITE_PARAMETERS,
    "patch": (*_WRITE_PARAMETERS, "force"),
    "delete": ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"),
    "get": (),
}
_ACTIONS = {
    "create": ("post", "post"),
    "list": ("get", "list"),
    "deletecollection": ("delete", "deletecollection"),
    "get": ("get", "get"),
    "update": ("put", "put"),
    "patch": ("patch", "patch"),
    "delete": ("delete", "delete"),
}
_ON_COLLECTION = ("create", "list", "deletecollection")
_TYPES = {
    "force": "boolean",
    "orphanDependents": "boolean",
    "gracePeriodSeconds": "integer",
}


def table_group_version(resource: Resource) -> str:
    """The group version as the schema table names it."""
    return f"{resource.group or 'core'}/{resource.version}"


def root_document(registry: Registry) -> JsonObject:
    """`/openapi/v3`."""
    paths = {}
    for group in registry.groups():
        for version, resources in registry.versions(group).items():
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            digest = document_hash(path, resources)
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return {"paths": dict(sorted(paths.items()))}


def document_hash(path: str, resources: Mapping[str, Resource]) -> str:
    """Changes when the document may have changed; made without making it."""
    described = [
        f"{r.resource}:{r.kind}:{r.verbs}:{[s.name for s in r.subresources]}"
        for r in resources.values()
    ]
    text = "\n".join([_FORMAT, path, *sorted(described)])
    return hashlib.sha512(text.encode()).hexdigest().upper()


def group_version_document(path: str, resources: Mapping[str, Resource]) -> JsonObject:
    """`/openapi/v3/PATH`."""
    paths: JsonObject = {}
    for resource in resources.values():
        paths.update(resource_paths(resource))
    kinds = [
        (table_group_version(resource), kind)
        for resource in resources.values()
        for kind in (resource.kind, resource.list_kind)
    ]
    schemas = definitions_for(kinds, _SCHEMAS)
    for resource in resources.values():
        name_kinds(schemas, resource)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas},
    }


def name_kinds(schemas: dict[str, JsonObject], resource: Resource) -> None:
    """Mark the schemas of a kind and its list with the kind they are of."""
    for kind in (resource.kind, resource.list_kind):
        name = definition_name(table_group_version(resource), kind)
        if name in schemas:
            schemas[name]["x-kubernetes-group-version-kind"] = [_gvk_of(resource, kind)]


def _gvk_of(resource: Resource, kind: str) -> JsonObject:
    return {"group": resource.group, "version": resource.version, "kind": kind}


def resource_paths(resource: Resource) -> JsonObject:
    """The path items of a resource and its subresources."""
    prefix = "/apis" if resource.group else "/api"
    root = f"{prefix}/{resource.group_version}"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{root}{scope}/{resource.resource}"
    on_collection = [v for v in resource.verbs if v in _ON_COLLECTION]
    on_object = [v for v in resource.verbs if v in _ACTIONS and v not in _ON_COLLECTION]
    found = {collection: _path_item(resource, on_collection)}
    if on_object:
        found[f"{collection}/{{name}}"] = _path_item(resource, on_object)
    for subresource in resource.subresources:
        verbs = [v for v in subresource.verbs if v in _ACTIONS]
        item = _path_item(resource, verbs)
        found[f"{collection}/{{name}}/{subresource.name}"] = item
    return found


def _path_item(resource: Resource, verbs: list[str]) -> JsonObject:
    item: JsonObject = {}
    for verb in verbs:
        method, action = _ACTIONS[verb]
        item[method] = _operation(resource, method, action)
    return item


def _operation(resource: Resource, method: str, action: str) -> JsonObject:
    kind = resource.list_kind if action == "list" else resource.kind
    reference = _SCHEMAS + definition_name(table_group_version(resource), kind)
    content = {"application/json": {"schema": {"$ref": reference}}}
    operation: JsonObject = {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "schema": {"type": _TYPES.get(name, "string"), "uniqueItems": True},
            }
            for name in _PARAMETERS[method]
        ],
        "responses": {"200": {"description": "OK", "content": content}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _gvk_of(resource, resource.kind),
    }
    if method in ("post", "put"):
        operation["requestBody"] = {"content": {"*/*": content["application/json"]}}
    return operation
