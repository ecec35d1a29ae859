"""WebSocket towards the client, SPDY towards the kubelet.

This is what an API server does for a node that does not declare
ExtendWebSocketsToKubelet: WebSocket v5 of exec and attach is translated, the tunnel of
port-forward is unwrapped. Everything else is passed through.

Source: kubernetes/apiserver pkg/util/proxy/{translatinghandler,streamtranslator,
streamtunnel}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.options import PodExecOptions
from apiserver.streaming.proxy import dial, forwarded_headers
from hops.client import UpgradeRefused
from hops.raw_answers import answer_raw, replay_refusal
from hops.serve import take_over
from hops.session import HEADER
from hops.translate import asks_for_v5, negotiate_v5, translate_session
from hops.tunnel import (
    asks_for_tunnel,
    negotiate_tunnel,
    run_tunnel,
    untunnelled_headers,
)
from wire.http1 import RequestHead, get_header
from wire.remotecommand import StreamOptions
from wire.websocket_handshake import HandshakeRefused

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import RequestContext
    from hops.client import HttpClient, Upgraded
    from wire.http1 import Headers

__all__ = ["needs_translation", "translate"]


def needs_translation(
    context: RequestContext, subresource: str, takes_websockets: bool
) -> bool:
    """Whether the kubelet would not understand what the client speaks."""
    version = context.services.config.emulate_version
    if takes_websockets and version.passes_websockets_to_kubelet:
        return False
    headers = _head(context).headers
    if subresource == "portforward":
        return version.tunnels_port_forward and asks_for_tunnel(headers)
    return version.translates_websockets and asks_for_v5(headers)


async def translate(
    context: RequestContext, client: HttpClient, target: str
) -> web.StreamResponse:
    """Serve one session.

    Raises:
        StatusError: 500, the kubelet of a port-forward cannot be reached.
    """
    if context.info.subresource == "portforward":
        return await _tunnel(context, client, target)
    return await _translate(context, client, target)


async def _translate(
    context: RequestContext, client: HttpClient, target: str
) -> web.StreamResponse:
    head = _head(context)
    try:
        negotiated = negotiate_v5(head)
    except HandshakeRefused as refusal:
        return await answer_raw(context.request, refusal.response)
    wanted = PodExecOptions.from_query(context.query)
    options = StreamOptions(wanted.stdin, wanted.stdout, wanted.stderr, wanted.tty)
    # The client's own headers end here, all but the one that ties the hops together.
    own = [(HEADER, get_header(head.headers, HEADER) or "")]

    async def dial_kubelet(headers: Headers) -> Upgraded:
        return await client.upgrade("POST", target, [*own, *headers])

    connection = await take_over(context.request)
    version = context.services.config.emulate_version
    await translate_session(
        connection,
        negotiated,
        options,
        dial_kubelet,
        f"{client.base_url}{target}",
        passes_status_on=not version.passes_websockets_to_kubelet,
    )
    return connection.response


async def _tunnel(
    context: RequestContext, client: HttpClient, target: str
) -> web.StreamResponse:
    head = _head(context)
    headers = untunnelled_headers(head.headers)
    upgraded = await dial(client, "POST", target, headers)
    if isinstance(upgraded, UpgradeRefused):
        return await replay_refusal(context.request, upgraded)
    try:
        negotiated = negotiate_tunnel(head, upgraded)
        connection = await take_over(context.request)
    except HandshakeRefused as refusal:
        upgraded.connection.close()
        return await answer_raw(context.request, refusal.response)
    except BaseException:
        upgraded.connection.abort()
        raise
    await run_tunnel(connection, negotiated, upgraded.connection)
    return connection.response


def _head(context: RequestContext) -> RequestHead:
    """The request without the credentials that were spent on us."""
    request = context.request
    return RequestHead(request.method, request.path_qs, forwarded_headers(context))
