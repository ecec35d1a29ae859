"""`…/proxy/PATH`: a plain HTTP request passed on, for nodes and pods.

Source: kubernetes/apimachinery pkg/util/proxy/{upgradeaware,transport}.go. Unlike
upstream HTML is not rewritten: links in a page lead where they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery import status
from apiserver.body import read_body
from apiserver.streaming.proxy import forwarded_headers, is_upgrade, pass_through
from wire.errors import ProtocolError
from wire.http1 import HOP_BY_HOP

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from hops.client import HttpClient
    from wire.http1 import Headers

__all__ = ["proxied_path", "reverse_proxy"]


def proxied_path(context: RequestContext) -> str | None:
    """What lies behind `/proxy`, with the query; None when not even a slash does."""
    target, separator, query = context.request.raw_path.partition("?")
    _, found, rest = target.partition("/proxy")
    if not found or not rest.startswith("/"):
        return None
    return f"{rest}{separator}{query}"


async def reverse_proxy(
    context: RequestContext, client: HttpClient, target: str
) -> web.StreamResponse:
    """Send the request on and stream the answer back.

    Raises:
        StatusError: 503, nobody answers.
    """
    if is_upgrade(context.request):
        return await pass_through(context, client, target)
    body = await read_body(context)
    headers = _request_headers(context)
    method = context.request.method
    try:
        async with client.stream(method, target, headers=headers, body=body) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in answer.headers:
                if name.lower() not in HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(context.request)
            async for piece in answer:
                await response.write(piece)
            await response.write_eof()
            return response
    except (OSError, ProtocolError) as error:
        if context.request.transport is None:
            raise
        raise status.service_unavailable(
            f"error trying to reach service: {error}"
        ) from None


def _request_headers(context: RequestContext) -> Headers:
    request = context.request
    kept = [
        (name, value)
        for name, value in forwarded_headers(context)
        if name.lower() not in HOP_BY_HOP and name.lower() != "host"
    ]
    return [
        *kept,
        ("X-Forwarded-Host", request.headers.get("Host", "")),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Uri", context.info.path),
    ]
