"""WebSocket v5 towards the client, SPDY towards the kubelet.

This is what an API server does for a node that does not declare
ExtendWebSocketsToKubelet. The SPDY carrier it needs is not built into this server, so
a request that would have to be translated is refused with a text that says so; clients
then fall back to SPDY, which is passed through.

Source: kubernetes/apiserver pkg/util/proxy/{translatinghandler,streamtranslator}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import RequestContext
    from hops.client import HttpClient

__all__ = ["needs_translation", "translate"]

_V5 = "v5.channel.k8s.io"
_TUNNEL = "SPDY/3.1+portforward.k8s.io"


def needs_translation(
    context: RequestContext, subresource: str, takes_websockets: bool
) -> bool:
    """Whether the kubelet would not understand what the client speaks.

    Only the first Sec-WebSocket-Protocol line counts.
    """
    request = context.request
    version = context.services.config.emulate_version
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return False
    if not version.translates_websockets:
        return False
    if takes_websockets and version.passes_websockets_to_kubelet:
        return False
    offered = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = [p.strip() for p in offered.split(",")]
    wanted = _TUNNEL if subresource == "portforward" else _V5
    return wanted in protocols


async def translate(
    context: RequestContext, client: HttpClient, target: str
) -> web.StreamResponse:
    """Refuse: see above.

    Raises:
        StatusError: 500, always.
    """
    raise status.internal_error(
        "this API server cannot translate WebSocket v5 to SPDY, and the kubelet does"
        " not declare ExtendWebSocketsToKubelet"
    )
