"""PATCH of an object or of its part.

Source: kubernetes/apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import patch, schema
from apimachinery.options import WriteOptions, check
from apiserver.admission.chain import AdmissionRequest
from apiserver.body import read_body
from apiserver.decoding import field_manager, kind_of, without_nulls
from apiserver.handlers.forms import shape_of
from apiserver.handlers.update import check_identity
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.objects import Updated
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle", "read_patch"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    shape = shape_of(context, resource)
    parsed, options = await read_patch(context, resource)
    if parsed.is_apply:
        from apiserver.handlers.applying import apply_object

        updated = await apply_object(context, resource, parsed, options)
    else:
        updated = await _patch(context, resource, parsed, options)
    code = 201 if updated.created else 200
    return document_response(
        context, shape.object(updated.obj), code=code, form=shape.form
    )


async def read_patch(
    context: RequestContext, resource: Resource
) -> tuple[patch.Patch, WriteOptions]:
    """The patch of a request and its options.

    Raises:
        StatusError: 400, 413, 415, 422.
    """
    content_type = context.request.headers.get("Content-Type")
    options = WriteOptions.from_query(context.query)
    body = await read_body(context)
    custom = schema.lookup(resource.group_version, resource.kind) is None
    parsed = patch.parse(content_type, body, custom=custom)
    check("PatchOptions", options.validate_patch(apply=parsed.is_apply))
    return parsed, options


async def _patch(
    context: RequestContext,
    resource: Resource,
    parsed: patch.Patch,
    options: WriteOptions,
) -> Updated:
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
        # A patch that names no resourceVersion keeps the one it is applied to: a race
        # is then ours to repeat, not a conflict.
        patched = parsed.apply_to(
            old, kind_of(resource), field_validation=options.field_validation
        )
        for warning in patched.warnings:
            context.warn(warning)
        new: JsonObject = without_nulls(patched.object)
        check_identity(context, resource, new)
        await services.admission.mutate(request, new, old)
        return new

    return await services.objects.update(
        resource,
        request.namespace,
        info.name,
        make,
        subresource=info.subresource,
        check=lambda new, old: services.admission.validate(request, new, old),
        dry_run=options.is_dry_run,
        manager=field_manager(context, options),
    )
