"""GET of a collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from apimachinery.negotiation import JSON
from apiserver.handlers.forms import shape_of
from apiserver.handlers.selection import selection_of
from apiserver.response import document_response, json_response

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.handlers.forms import Shape
    from apiserver.resources.registry import Resource, Subresource
    from apiserver.storage.cacher import CachedList

__all__ = ["handle"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    shape = shape_of(context, resource, is_list=True)
    selection = selection_of(context, resource)
    options = selection.options
    page = await context.services.cachers.of(resource).list(
        selection.prefix,
        resource_version=options.resource_version,
        match=options.resource_version_match,
        predicate=selection.predicate,
        limit=options.limit,
        continue_token=options.continue_token,
    )
    metadata = _list_metadata(page)
    if _as_stored(shape, resource):
        return json_response(_joined(resource, page, metadata))
    items = (item.object for item in page.items)
    if resource.stored_as:
        items = (resource.stored_as.from_stored(item) for item in items)
    return document_response(context, shape.list(items, metadata), form=shape.form)


def _list_metadata(page: CachedList) -> JsonObject:
    metadata: JsonObject = {"resourceVersion": str(page.revision)}
    if page.continue_token:
        metadata["continue"] = page.continue_token
    if page.remaining is not None:
        metadata["remainingItemCount"] = page.remaining
    return metadata


def _as_stored(shape: Shape, resource: Resource) -> bool:
    form = shape.form
    plain = form.media_type == JSON and not form.pretty
    return shape.is_whole and plain and resource.stored_as is None


def _joined(resource: Resource, page: CachedList, metadata: JsonObject) -> bytes:
    """The list out of the JSON that each object has already been written as."""
    head = {"kind": resource.list_kind, "apiVersion": resource.group_version}
    return b'%b,"metadata":%b,"items":[%b]}\n' % (
        _compact(head)[:-1],
        _compact(metadata),
        b",".join(item.json() for item in page.items),
    )


def _compact(document: JsonObject) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
