"""GET of one object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apiserver.handlers.forms import shape_of
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
    shape = shape_of(context, resource)
    obj = await _read(context, resource)
    return document_response(context, shape.object(obj), form=shape.form)


async def _read(context: RequestContext, resource: Resource) -> JsonObject:
    """The newest state, or with resourceVersion one that is not older than that."""
    info, services = context.info, context.services
    version = context.query.get("resourceVersion")
    if not version:
        return await services.objects.get(resource, info.namespace, info.name)
    key = resource.key(info.namespace if resource.namespaced else "", info.name)
    cached = await services.cachers.of(resource).get(key, resource_version=version)
    if cached is None:
        raise status.not_found(resource.group_resource, info.name)
    if resource.stored_as:
        return resource.stored_as.from_stored(cached.object)
    return cached.object
