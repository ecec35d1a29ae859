"""DELETE of a collection: each selected object by itself, and the list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import name_of, namespace_of
from apimachinery.status import StatusError
from apiserver.handlers.delete import delete_object, delete_options
from apiserver.handlers.forms import shape_of
from apiserver.handlers.selection import selection_of
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
    shape = shape_of(context, resource, is_list=True)
    options = await delete_options(context)
    selection = selection_of(context, resource)
    page = await context.services.cachers.of(resource).list(
        selection.prefix,
        resource_version=selection.options.resource_version,
        match=selection.options.resource_version_match,
        predicate=selection.predicate,
        limit=selection.options.limit,
        continue_token=selection.options.continue_token,
    )
    deleted: list[JsonObject] = []
    for item in page.items:
        name, namespace = name_of(item.object), namespace_of(item.object)
        try:
            outcome = await delete_object(context, resource, namespace, name, options)
        except StatusError as refusal:
            if refusal.code != 404:  # somebody else was faster: that is as good
                raise
        else:
            deleted.append(outcome.obj)
    metadata = {"resourceVersion": str(page.revision)}
    return document_response(context, shape.list(deleted, metadata), form=shape.form)
