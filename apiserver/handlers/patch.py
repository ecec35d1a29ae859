"""PATCH of an object or of its part.

Source: kubernetes/apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.field_errors import Path, invalid
from apimachinery.options import WriteOptions, check
from apimachinery.serializer import body as bodies
from apiserver.admission.chain import AdmissionRequest
from apiserver.body import read_body
from apiserver.decoding import field_manager, kind_of, without_nulls
from apiserver.handlers.forms import shape_of
from apiserver.handlers.patching import APPLY, apply_patch, patch_type
from apiserver.handlers.update import check_identity
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    applies = patch_type(context) == APPLY
    shape = shape_of(context, resource)
    options = WriteOptions.from_query(context.query)
    check("PatchOptions", options.validate_patch(apply=applies))
    data = await read_body(context)
    if applies:
        from apiserver.handlers.applying import apply_object

        applied = await apply_object(context, resource, data, options)
        code = 201 if applied.created else 200
        document = shape.object(applied.obj)
        return document_response(context, document, code=code, form=shape.form)
    obj = await _patch(context, resource, data, options)
    return document_response(context, shape.object(obj), form=shape.form)


async def _patch(
    context: RequestContext, resource: Resource, data: bytes, options: WriteOptions
) -> JsonObject:
    info, services = context.info, context.services
    request = AdmissionRequest(
        "UPDATE",
        resource,
        info.subresource,
        info.namespace if resource.namespaced else "",
        info.name,
        context.user,
        context,
        dry_run=options.is_dry_run,
    )

    async def make(old: JsonObject) -> JsonObject:
        new = apply_patch(context, resource, old, data)
        new = checked(context, resource, new, options)
        # A patch that names no version keeps the one it was applied to: a race is
        # then ours to repeat, not a conflict.
        check_identity(context, resource, new)
        await services.admission.mutate(request, new, old)
        return new

    updated = await services.objects.update(
        resource,
        request.namespace,
        info.name,
        make,
        subresource=info.subresource,
        check=lambda new, old: services.admission.validate(request, new, old),
        dry_run=options.is_dry_run,
        manager=field_manager(context, options),
    )
    return updated.obj


def checked(
    context: RequestContext, resource: Resource, new: JsonObject, options: WriteOptions
) -> JsonObject:
    """The patched object after the field checks of `fieldValidation`.

    Raises:
        StatusError: 422, about the patch.
    """
    try:
        warnings = bodies.check_fields(
            new, kind_of(resource), field_validation=options.field_validation
        )
    except status.StatusError as refusal:
        raise _about_patch(refusal, context.info.name, resource) from None
    for warning in warnings:
        context.warn(warning)
    cleaned: JsonObject = without_nulls(new)
    return cleaned


def _about_patch(
    refusal: status.StatusError, name: str, resource: Resource
) -> status.StatusError:
    """What was wrong, said of the patch: the body itself could be read."""
    reason = refusal.message.partition(": ")[2] or refusal.message
    error = invalid(Path("patch"), "", reason)
    return status.invalid(resource.group_kind, name, [error])
