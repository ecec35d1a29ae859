"""The runtime's streaming server, as the kubelet's proxies reach it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from hops.client import HttpClient
from hops.hop import Hop
from hops.raw_answers import replay_refusal
from kubelet.server.answers import http_error

if TYPE_CHECKING:
    from aiohttp import web

    from hops.client import UpgradeRefused
    from hops.hops import Hops

__all__ = ["NewUrl", "forwarded_headers", "refuse", "runtime_client"]

#: Asks the runtime for a URL that serves one session. Raises CriError.
NewUrl: TypeAlias = Callable[[], Awaitable[str]]


def runtime_client(hops: Hops, url: str) -> tuple[HttpClient, str]:
    """A client for the place of a URL, and the target to ask it for."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    client = HttpClient(hops, Hop.KUBELET_CRI_STREAMING, base)
    return client, f"{parts.path}?{parts.query}" if parts.query else parts.path


def forwarded_headers(request: web.Request) -> list[tuple[str, str]]:
    """All headers as they came, Host too, and who asked."""
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.raw_headers
        if name.lower() != b"x-forwarded-for"
    ]
    forwarded = [*request.headers.getall("X-Forwarded-For", ()), request.remote or ""]
    headers.append(("X-Forwarded-For", ", ".join(filter(None, forwarded))))
    return headers


async def refuse(request: web.Request, refusal: UpgradeRefused) -> web.StreamResponse:
    """Give the runtime's refusal to the client."""
    if refusal.head.status < 400:
        text = f"invalid upgrade response: status code {refusal.head.status}"
        return http_error(500, text)
    return await replay_refusal(request, refusal)
