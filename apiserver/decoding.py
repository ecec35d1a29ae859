"""From a request body to an object of the expected kind.

Source: kubernetes/apiserver pkg/endpoints/handlers/create.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.gvk import GroupVersion, GroupVersionKind
from apimachinery.negotiation import body_media_type
from apimachinery.serializer import body as bodies

if TYPE_CHECKING:
    from apimachinery.options import WriteOptions
    from apimachinery.types import JsonObject, JsonValue
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource

__all__ = [
    "decode_document",
    "decode_object",
    "field_manager",
    "kind_of",
    "without_nulls",
]

_MAX_MANAGER = 128
_KINDS = {
    "Binding": GroupVersionKind("", "v1", "Binding"),
    "DeleteOptions": GroupVersionKind("", "v1", "DeleteOptions"),
    "Eviction": GroupVersionKind("policy", "v1", "Eviction"),
    "Scale": GroupVersionKind("autoscaling", "v1", "Scale"),
    "TokenRequest": GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"),
}


def kind_of(resource: Resource) -> GroupVersionKind:
    return GroupVersionKind(resource.group, resource.version, resource.kind)


def decode_object(
    context: RequestContext, resource: Resource, data: bytes, validation: str
) -> JsonObject:
    """The object in a body, of this resource's kind; complaints become warnings.

    Args:
        validation: fieldValidation of the request.

    Raises:
        StatusError: 400, 415.
    """
    return _decode(context, data, kind_of(resource), validation)


def decode_document(
    context: RequestContext, data: bytes, kind: str, validation: str = ""
) -> JsonObject:
    """A body of a kind that is not stored: Binding, Eviction, DeleteOptions, a review.

    Raises:
        StatusError: 400, 415.
    """
    info = context.info
    expected = _KINDS.get(kind) or GroupVersion(info.group, info.version).with_kind(
        kind
    )
    return _decode(context, data, expected, validation)


def _decode(
    context: RequestContext, data: bytes, expected: GroupVersionKind, validation: str
) -> JsonObject:
    decoded = bodies.decode(
        data,
        body_media_type(context.request.headers.get("Content-Type")),
        expected,
        field_validation=validation,
        any_kind=expected.kind in ("DeleteOptions", "Eviction"),
    )
    for warning in decoded.warnings:
        context.warn(warning)
    obj: JsonObject = without_nulls(decoded.object)
    return obj


def without_nulls(value: JsonValue) -> JsonValue:
    """The same document with members that are null left out: null means unset."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def field_manager(context: RequestContext, options: WriteOptions) -> str:
    """Who is to own the fields: the parameter, else the program's name.

    Source: kubernetes/apiserver pkg/endpoints/handlers/create.go,
    managerOrUserAgent.
    """
    if options.field_manager:
        return options.field_manager
    agent = context.request.headers.get("User-Agent", "").partition("/")[0]
    printable = "".join(rune for rune in agent if rune.isprintable())
    return printable[:_MAX_MANAGER] or "unknown"
