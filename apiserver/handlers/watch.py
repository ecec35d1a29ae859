"""A watch: one JSON object a line, or a WebSocket message, as long as both sides like.

Source: kubernetes/apiserver pkg/endpoints/handlers/{get,watch}.go.
"""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery.negotiation import JSON
from apimachinery.status import StatusError
from apiserver.handlers.forms import shape_of
from apiserver.handlers.selection import selection_of
from apiserver.push_socket import PushSocket, asks_for_websocket, open_socket
from apiserver.response import json_bytes
from hops.serve import on_disconnect
from wire.websocket import Opcode
from wire.websocket_handshake import accept_from_origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from apimachinery.options import ListOptions
    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.handlers.forms import Shape
    from apiserver.resources.registry import Resource, Subresource
    from apiserver.storage.watch_cache import WatchEvent
    from apiserver.storage.watcher import Watcher

__all__ = ["handle"]

_EXPIRED = 410


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    shape = shape_of(context, resource)
    selection = selection_of(context, resource, watch=True)
    options = selection.options
    try:
        watcher = await context.services.cachers.of(resource).watch(
            selection.prefix,
            resource_version=options.resource_version,
            predicate=selection.predicate,
            bookmarks=options.allow_watch_bookmarks,
            send_initial_events=options.send_initial_events,
            timeout_seconds=_timeout(context, options),
        )
    except StatusError as refusal:
        if refusal.code != _EXPIRED:
            raise
        error = json_bytes({"type": "ERROR", "object": refusal.status})
        return await _send(context, _one(error))
    on_disconnect(context.request, watcher.close)
    try:
        return await _send(context, _frames(watcher, _Frames(resource, shape)), watcher)
    finally:
        watcher.close()


def _timeout(context: RequestContext, options: ListOptions) -> float:
    """The client's seconds, or a time that spreads reconnecting clients out."""
    if options.timeout_seconds:
        return float(options.timeout_seconds)
    return context.services.config.min_request_timeout * (1 + random.random())


async def _one(frame: bytes) -> AsyncIterator[list[bytes]]:
    yield [frame]


async def _frames(watcher: Watcher, frames: _Frames) -> AsyncIterator[list[bytes]]:
    """Events as they come; those that are there already go out together."""
    async for event in watcher:
        yield [frames.frame(each) for each in (event, *watcher.pending())]


async def _send(
    context: RequestContext,
    batches: AsyncIterator[list[bytes]],
    watcher: Watcher | None = None,
) -> web.StreamResponse:
    if asks_for_websocket(context):
        return await _send_messages(context, batches, watcher)
    response = web.StreamResponse(headers={"Content-Type": JSON})
    response.enable_chunked_encoding()
    await response.prepare(context.request)  # the head goes out at once
    with suppress(ConnectionError):  # the client has left
        async for batch in batches:
            await response.write(b"".join(batch))
        await response.write_eof()
    return response


async def _send_messages(
    context: RequestContext,
    batches: AsyncIterator[list[bytes]],
    watcher: Watcher | None,
) -> web.StreamResponse:
    """One text message an event; its JSON ends with a newline here, too."""
    socket = await open_socket(context, accept_from_origin)
    if not isinstance(socket, PushSocket):
        return socket
    if watcher is not None:
        socket.on_gone = watcher.close
    with suppress(ConnectionError):
        async with socket:
            async for batch in batches:
                await socket.send(Opcode.TEXT, batch)
    return socket.response


class _Frames:
    """Events as lines, in the shape the client asked for."""

    def __init__(self, resource: Resource, shape: Shape) -> None:
        self._shape = shape
        self._stored_as = resource.stored_as
        self._first = True

    def frame(self, event: WatchEvent) -> bytes:
        if self._shape.is_whole and self._stored_as is None:
            return event.frame()
        obj = event.object
        if self._stored_as:
            obj = self._stored_as.from_stored(obj)
        return json_bytes({"type": str(event.type), "object": self._object(event, obj)})

    def _object(self, event: WatchEvent, obj: JsonObject) -> JsonObject:
        if not self._shape.is_table:
            return self._shape.object(obj)
        with_columns, self._first = self._first, False
        version = obj["metadata"].get("resourceVersion", "")
        return self._shape.table(
            [obj], {"resourceVersion": version}, with_columns=with_columns
        )
