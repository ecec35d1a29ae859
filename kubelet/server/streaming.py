"""Hands an upgraded request over to the runtime's streaming server, byte for byte.

Since 1.36 clients may come with WebSocket v5, or with port-forward's tunnel. A runtime
that does not speak these (containerd) says so with 403; then a second URL is asked for,
the session is translated to SPDY, and so are all that follow.

Unlike the real kubelet, which translates for every runtime: ours speaks both, and bytes
that nobody decodes on the way are moved faster.

Source: kubernetes/apimachinery pkg/util/proxy/upgradeaware.go with the responder of
kubernetes/kubernetes pkg/kubelet/server/server.go (plain text, always 500).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from hops.client import ConnectError, UpgradeRefused
from hops.serve import take_over
from hops.splice import splice
from kubelet.server.answers import http_error
from kubelet.server.backend import (
    forwarded_headers,
    refuse,
    runtime_client,
)
from kubelet.server.translation import translation
from wire.errors import ProtocolError
from wire.http1 import ResponseHead, encode_response_head

if TYPE_CHECKING:
    from hops.client import Upgraded
    from kubelet.server.backend import NewUrl
    from kubelet.server.host import Host
    from wire.remotecommand import StreamOptions

__all__ = ["MUST_TRANSLATE", "is_upgrade", "proxy_upgrade"]

logger = logging.getLogger(__name__)

# ExtendWebSocketsToKubelet
_TRANSLATES_SINCE = 36

#: What the runtime was found not to speak.
MUST_TRANSLATE: web.AppKey[set[str]] = web.AppKey("must_translate")


def is_upgrade(request: web.Request) -> bool:
    """Some Connection header contains "upgrade", in any case."""
    return any(
        "upgrade" in value.lower() for value in request.headers.getall("Connection", ())
    )


async def proxy_upgrade(
    request: web.Request,
    host: Host,
    new_url: NewUrl,
    options: StreamOptions | None = None,
) -> web.StreamResponse:
    """Send the request to the runtime as it came; after a 101 join the two connections.

    Args:
        new_url: asks the runtime for a URL; each serves once.
        options: the streams of an exec or attach, None for port-forward.

    Raises:
        CriError: the runtime gives no URL.
    """
    if not is_upgrade(request):
        return http_error(500, "Upgrade request required")
    translate = None
    if host.config.minor >= _TRANSLATES_SINCE:
        translate = translation(request, host.hops, new_url, options)
    refused = request.app[MUST_TRANSLATE]
    if translate is not None and translate.kind in refused:
        return await translate.serve()
    headers = forwarded_headers(request) if translate is None else translate.headers
    # Who translates takes the connection over and leaves a body to it; the proxy of all
    # else sends the body on first.
    body = await request.read() if translate is None else b""
    url = await new_url()
    client, target = runtime_client(host.hops, url)
    try:
        upgraded = await client.upgrade(request.method, target, headers, body=body)
    except UpgradeRefused as refusal:
        if translate is None or refusal.head.status != 403:
            return await refuse(request, refusal)
        if translate.is_usual:
            logger.info("the runtime needs translation", extra={"of": translate.kind})
            refused.add(translate.kind)
        return await translate.serve()
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
