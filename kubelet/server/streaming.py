"""Hands an upgraded request over to the runtime's streaming server, byte for byte.

Source: kubernetes/apimachinery pkg/util/proxy/upgradeaware.go with the responder of
kubernetes/kubernetes pkg/kubelet/server/server.go (plain text, always 500).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from hops.client import HttpClient, UpgradeRefused
from hops.dial import ConnectError
from hops.hop import Hop
from hops.serve import take_over
from hops.splice import splice
from kubelet.server.answers import http_error
from wire.errors import ProtocolError
from wire.http1 import ResponseHead, encode_response_head

if TYPE_CHECKING:
    from hops.client import Upgraded
    from hops.hops import Hops

__all__ = ["is_upgrade", "proxy_upgrade"]

logger = logging.getLogger(__name__)

_HOP_BY_HOP = frozenset({"transfer-encoding", "content-length", "connection"})


def is_upgrade(request: web.Request) -> bool:
    """Some Connection header contains "upgrade", in any case."""
    return any(
        "upgrade" in value.lower() for value in request.headers.getall("Connection", ())
    )


async def proxy_upgrade(
    request: web.Request, url: str, hops: Hops
) -> web.StreamResponse:
    """Send the request to `url` as it came; after a 101 join the two connections."""
    if not is_upgrade(request):
        return http_error(500, "Upgrade request required")
    parts = urlsplit(url)
    client = HttpClient(
        hops, Hop.KUBELET_CRI_STREAMING, f"{parts.scheme}://{parts.netloc}"
    )
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        upgraded = await client.upgrade(
            request.method, target, _headers(request), body=await request.read()
        )
    except UpgradeRefused as refusal:
        return _refused(refusal)
    except ConnectError as err:
        return http_error(500, f"error dialing backend: {err}")
    except (OSError, ProtocolError) as err:
        return http_error(500, f"error sending request: {err}")
    return await _join(request, upgraded)


async def _join(request: web.Request, upgraded: Upgraded) -> web.StreamResponse:
    try:
        taken = await take_over(request)
    except ConnectionResetError:
        upgraded.connection.close()
        raise
    taken.write(_raw_head(upgraded.head))
    counts = await splice(taken, upgraded.connection)
    logger.debug(
        "session over",
        extra={"to_runtime": counts.a_to_b, "to_client": counts.b_to_a},
    )
    return taken.response


def _raw_head(head: ResponseHead) -> bytes:
    return head.raw or encode_response_head(head)


def _headers(request: web.Request) -> list[tuple[str, str]]:
    """All headers as they came, Host too, and who asked."""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.raw_headers
        if name.lower() != b"x-forwarded-for"
    ]
    forwarded = [*request.headers.getall("X-Forwarded-For", ()), request.remote or ""]
    headers.append(("X-Forwarded-For", ", ".join(filter(None, forwarded))))
    return headers


def _refused(refusal: UpgradeRefused) -> web.Response:
    head = refusal.head
    if head.status < 400:
        text = f"invalid upgrade response: status code {head.status}"
        return http_error(500, text)
    response = web.Response(status=head.status, reason=head.reason, body=refusal.body)
    for name, value in head.headers:
        if name.lower() not in _HOP_BY_HOP:
            response.headers[name] = value
    response.force_close()
    return response
