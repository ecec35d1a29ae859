"""PUT of an object or of its part."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.meta import metadata_of, name_of, namespace_of
from apimachinery.options import WriteOptions, check
from apiserver.admission.chain import AdmissionRequest
from apiserver.authz.refusal import forbidden
from apiserver.body import read_body
from apiserver.decoding import decode_object, field_manager
from apiserver.filters.authorization import attributes_of
from apiserver.handlers.create import admit_new, warn_and_validate
from apiserver.handlers.forms import shape_of
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["authorize_create", "check_identity", "handle"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    shape = shape_of(context, resource)
    options = WriteOptions.from_query(context.query)
    check("UpdateOptions", options.validate())
    body = await read_body(context)
    sent = decode_object(context, resource, body, options.field_validation)
    check_identity(context, resource, sent)
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
        new = copy.deepcopy(sent)
        await services.admission.mutate(request, new, old)
        return new

    async def create() -> JsonObject:
        authorize_create(context)
        obj = copy.deepcopy(sent)
        metadata_of(obj).pop("resourceVersion", None)
        manager = field_manager(context, options)
        await admit_new(context, resource, obj, options, manager=manager)
        return obj

    may_create = resource.strategy.creates_on_update and not subresource
    updated = await services.objects.update(
        resource,
        request.namespace,
        info.name,
        make,
        subresource=info.subresource,
        check=warn_and_validate(context, resource, request),
        dry_run=options.is_dry_run,
        create=create if may_create else None,
        manager=field_manager(context, options),
    )
    code = 201 if updated.created else 200
    return document_response(
        context, shape.object(updated.obj), code=code, form=shape.form
    )


def check_identity(
    context: RequestContext, resource: Resource, obj: JsonObject
) -> None:
    """The object's name and namespace must be those of the URL; absent ones are filled.

    Raises:
        StatusError: 400.
    """
    info, metadata = context.info, metadata_of(obj)
    name, namespace = name_of(obj), namespace_of(obj)
    if name and name != info.name:
        raise status.bad_request(
            f"the name of the object ({name}) does not match the name on the URL"
            f" ({info.name})"
        )
    metadata["name"] = info.name
    if not resource.namespaced:
        return
    if namespace and namespace != info.namespace:
        raise status.bad_request(
            f"the namespace of the object ({namespace}) does not match the namespace"
            f" on the request ({info.namespace})"
        )
    metadata["namespace"] = info.namespace


def authorize_create(context: RequestContext) -> None:
    """A PUT or apply that makes an object needs the right to create it, too.

    Raises:
        StatusError: 403.
    """
    attributes = attributes_of(context, "create")
    decision = context.services.authorizer.authorize(attributes)
    if not decision.allowed:
        raise forbidden(attributes, decision.reason)
