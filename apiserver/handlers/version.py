"""`/version`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.handlers.dispatch import NOT_FOUND
from apiserver.response import json_bytes, json_response, plain_text
from apiserver.version import version_info

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import RequestContext

__all__ = ["handle"]


async def handle(context: RequestContext) -> web.StreamResponse:
    if context.info.path.strip("/") != "version":
        return plain_text(404, NOT_FOUND)
    document = version_info(context.services.config.emulate_version)
    return json_response(json_bytes(document, pretty=True).rstrip(b"\n"))
