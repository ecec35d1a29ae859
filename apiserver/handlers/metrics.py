"""`/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from apiserver.handlers.dispatch import NOT_FOUND
from apiserver.response import plain_text

if TYPE_CHECKING:
    from apiserver.context import RequestContext

__all__ = ["handle"]

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def handle(context: RequestContext) -> web.StreamResponse:
    if context.info.path.strip("/") != "metrics":
        return plain_text(404, NOT_FOUND)
    text = context.services.metrics.render()
    return web.Response(body=text.encode(), headers={"Content-Type": _CONTENT_TYPE})
