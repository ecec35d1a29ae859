"""Patches of three kinds, applied to an object.

Server-side apply is in `handlers.applying`.
Source: kubernetes/apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import schema, status
from apimachinery.patch import json as json_patch
from apimachinery.patch import merge as merge_patch
from apimachinery.patch import strategic
from apimachinery.serializer import json

if TYPE_CHECKING:
    from apimachinery.types import JsonObject, JsonValue
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource

__all__ = ["APPLY", "PATCH_TYPES", "apply_patch", "patch_type"]

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
PATCH_TYPES = (JSON_PATCH, MERGE, STRATEGIC, APPLY)
_MAX_OPERATIONS = 10_000
_REJECTED = "the server rejected our request due to an error in our request"


def patch_type(context: RequestContext) -> str:
    """The Content-Type, which says how the body is meant.

    Raises:
        StatusError: 415.
    """
    content_type = context.request.headers.get("Content-Type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in PATCH_TYPES:
        raise status.unsupported_media_type(PATCH_TYPES)
    return media_type


def apply_patch(
    context: RequestContext, resource: Resource, old: JsonObject, data: bytes
) -> JsonObject:
    """The patched object; `old` is left alone.

    Raises:
        StatusError: 400, 413, 415, 422.
    """
    match patch_type(context):
        case "application/json-patch+json":
            patched = _json_patched(old, data)
        case "application/merge-patch+json":
            patched = merge_patch.merge(old, _object(data))
        case "application/strategic-merge-patch+json":
            patched = _strategically_merged(resource, old, data)
        case other:
            raise status.unsupported_media_type([t for t in PATCH_TYPES if t != other])
    if not isinstance(patched, dict):
        raise status.bad_request("the patch does not leave an object")
    return patched


def _decoded(data: bytes) -> JsonValue:
    try:
        return json.decode(data)
    except ValueError as error:
        raise status.bad_request(f"error decoding patch: {error}") from None


def _object(data: bytes) -> JsonObject:
    patch = _decoded(data)
    if not isinstance(patch, dict):
        raise status.bad_request(
            "error decoding patch: json: cannot unmarshal into Go value of type"
            " map[string]interface {}"
        )
    return patch


def _json_patched(old: JsonObject, data: bytes) -> JsonValue:
    operations = _decoded(data)
    if not isinstance(operations, list):
        raise status.bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type"
            " jsonpatch.Patch"
        )
    if len(operations) > _MAX_OPERATIONS:
        raise _too_many_operations(len(operations))
    try:
        return json_patch.apply(old, operations)
    except json_patch.JsonPatchError:
        raise _rejected() from None


def _too_many_operations(count: int) -> status.StatusError:
    text = (
        f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got"
        f" {count}"
    )
    return status.StatusError(status.failure_status(413, "RequestEntityTooLarge", text))


def _rejected() -> status.StatusError:
    return status.StatusError(status.failure_status(422, "Invalid", _REJECTED, {}))


def _strategically_merged(
    resource: Resource, old: JsonObject, data: bytes
) -> JsonValue:
    message = schema.lookup(resource.group_version, resource.kind)
    if message is None:
        supported = [t for t in PATCH_TYPES if t != STRATEGIC]
        raise status.unsupported_media_type(supported)
    try:
        return strategic.merge(old, _object(data), message)
    except strategic.StrategicPatchError as error:
        text = str(error)
        raise status.StatusError(status.failure_status(422, "Invalid", text)) from None
