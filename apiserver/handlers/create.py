"""POST to a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.meta import metadata_of, name_of
from apimachinery.options import WriteOptions, check
from apiserver.admission.chain import AdmissionRequest
from apiserver.body import read_body
from apiserver.decoding import decode_object, field_manager
from apiserver.handlers.forms import shape_of
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.objects import Check
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["admit_new", "create_object", "handle", "warn_and_validate"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    shape = shape_of(context, resource)
    options = WriteOptions.from_query(context.query)
    check("CreateOptions", options.validate())
    body = await read_body(context)
    obj = decode_object(context, resource, body, options.field_validation)
    created = await create_object(context, resource, obj, options)
    return document_response(context, shape.object(created), code=201, form=shape.form)


async def create_object(
    context: RequestContext, resource: Resource, obj: JsonObject, options: WriteOptions
) -> JsonObject:
    """Admit and store a decoded object.

    Raises:
        StatusError: 400, 403, 409, 422.
    """
    services = context.services
    manager = field_manager(context, options)
    request = await admit_new(context, resource, obj, options, manager=manager)
    return await services.objects.create(
        resource,
        request.namespace,
        obj,
        check=warn_and_validate(context, resource, request),
        dry_run=options.is_dry_run,
    )


async def admit_new(
    context: RequestContext,
    resource: Resource,
    obj: JsonObject,
    options: WriteOptions,
    *,
    manager: str = "",
) -> AdmissionRequest:
    """Default a new object, note who made it, and let admission complete it.

    Raises:
        StatusError: 400, 403, 404.
    """
    services = context.services
    namespace = context.info.namespace if resource.namespaced else ""
    metadata = metadata_of(obj)
    if namespace:
        if metadata.get("namespace") not in (None, "", namespace):
            raise status.bad_request(
                "the namespace of the provided object does not match the namespace"
                " sent on the request"
            )
        metadata["namespace"] = namespace
    resource.strategy.default(obj)
    if manager:
        # Before admission: what it adds belongs to nobody.
        services.objects.track(resource, None, obj, manager=manager)
    request = AdmissionRequest(
        "CREATE",
        resource,
        "",
        namespace,
        name_of(obj),
        context.user,
        context,
        dry_run=options.is_dry_run,
    )
    await services.admission.mutate(request, obj)
    return request


def warn_and_validate(
    context: RequestContext, resource: Resource, request: AdmissionRequest
) -> Check:
    """What follows an object's own validation: warnings, if it is new, and admission.

    Source: kubernetes/apiserver pkg/registry/rest/create.go (BeforeCreate): nobody is
    warned of what is refused anyway.
    """

    def check(new: JsonObject, old: JsonObject | None) -> None:
        if old is None:
            for warning in resource.strategy.warnings(new):
                context.warn(warning)
        context.services.admission.validate(request, new, old)

    return check
