"""POST to `bindings`: the older way to bind; the pod is the Binding's own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.meta import name_of
from apimachinery.options import WriteOptions, check
from apimachinery.status import success_status
from apiserver.body import read_body
from apiserver.decoding import decode_document
from apiserver.handlers.binding import bind
from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    options = WriteOptions.from_query(context.query)
    check("CreateOptions", options.validate())
    binding = decode_document(context, await read_body(context), "Binding")
    name = name_of(binding)
    if not name:
        raise status.bad_request("name is required")
    await bind(context, name, binding, options)
    return document_response(context, success_status(), code=201)
