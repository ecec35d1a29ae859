"""Translating what a runtime does not speak: WebSocket v5, and port-forward's tunnel.

Source: kubernetes/kubernetes pkg/kubelet/server/server.go (getExec, getPortForward since
1.36), kubernetes/apiserver pkg/util/proxy/{streamtranslator,streamtunnel}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hops.client import ConnectError, UpgradeRefused
from hops.raw_answers import answer_raw
from hops.serve import take_over
from hops.translate import V5, asks_for_v5, negotiate_v5, translate_session
from hops.tunnel import (
    asks_for_tunnel,
    negotiate_tunnel,
    run_tunnel,
    untunnelled_headers,
)
from kubelet import traceparent
from kubelet.server.answers import http_error
from kubelet.server.backend import (
    forwarded_headers,
    refuse,
    runtime_client,
)
from wire.errors import ProtocolError
from wire.http1 import RequestHead
from wire.portforward import TUNNEL_SUBPROTOCOL
from wire.websocket_handshake import HandshakeRefused, offered_subprotocols

if TYPE_CHECKING:
    from aiohttp import web

    from hops.client import Upgraded
    from hops.hops import Hops
    from kubelet.server.backend import NewUrl
    from wire.http1 import Headers
    from wire.remotecommand import StreamOptions

__all__ = ["Translation", "translation"]


class Translation(Protocol):
    """A way to serve a request whose protocol the runtime may not speak."""

    @property
    def kind(self) -> str:
        """What is translated."""

    @property
    def headers(self) -> Headers:
        """What a runtime is asked with that may speak it as it is."""

    @property
    def is_usual(self) -> bool:
        """Whether a runtime that refuses this request refuses all of the kind."""

    async def serve(self) -> web.StreamResponse:
        """Serve the session. Raises CriError: the runtime gives no URL."""


def translation(
    request: web.Request, hops: Hops, new_url: NewUrl, options: StreamOptions | None
) -> Translation | None:
    """How this request would be translated; None when it is for the runtime as it is."""
    head = RequestHead(request.method, request.path_qs, forwarded_headers(request))
    if options is not None:
        if asks_for_v5(head.headers):
            return _Command(request, head, hops, new_url, options)
    elif asks_for_tunnel(head.headers):
        return _Tunnel(request, head, hops, new_url)
    return None


@dataclass(frozen=True, slots=True)
class _Command:
    """exec and attach."""

    request: web.Request
    head: RequestHead
    hops: Hops
    new_url: NewUrl
    options: StreamOptions

    @property
    def kind(self) -> str:
        return "v5"

    @property
    def headers(self) -> Headers:
        # A translator offers nothing but v5, wherever it stands in the client's list.
        name = "Sec-WebSocket-Protocol"
        others = [(k, v) for k, v in self.head.headers if k.lower() != name.lower()]
        return [*others, (name, V5)]

    @property
    def is_usual(self) -> bool:
        return True

    async def serve(self) -> web.StreamResponse:
        try:
            negotiated = negotiate_v5(self.head)
        except HandshakeRefused as refusal:
            return await answer_raw(self.request, refusal.response)
        url = await self.new_url()
        client, target = runtime_client(self.hops, url)

        async def dial(headers: Headers) -> Upgraded:
            session = [(traceparent.HEADER, traceparent.current())]
            return await client.upgrade("POST", target, [*session, *headers])

        connection = await take_over(self.request)
        await translate_session(connection, negotiated, self.options, dial, url)
        return connection.response


@dataclass(frozen=True, slots=True)
class _Tunnel:
    """port-forward."""

    request: web.Request
    head: RequestHead
    hops: Hops
    new_url: NewUrl

    @property
    def kind(self) -> str:
        return "tunnel"

    @property
    def headers(self) -> Headers:
        return self.head.headers

    @property
    def is_usual(self) -> bool:
        # Anything like SPDY/3.1+*.k8s.io asks for a tunnel.
        return TUNNEL_SUBPROTOCOL in offered_subprotocols(self.head.headers)

    async def serve(self) -> web.StreamResponse:
        client, target = runtime_client(self.hops, await self.new_url())
        try:
            headers = untunnelled_headers(self.head.headers)
            upgraded = await client.upgrade("POST", target, headers)
        except UpgradeRefused as refusal:
            return await refuse(self.request, refusal)
        except ConnectError as err:
            return http_error(500, f"error dialing backend: {err}")
        except (OSError, ProtocolError) as err:
            return http_error(500, f"error sending request: {err}")
        try:
            negotiated = negotiate_tunnel(self.head, upgraded)
            connection = await take_over(self.request)
        except HandshakeRefused as refusal:
            upgraded.connection.close()
            return await answer_raw(self.request, refusal.response)
        except BaseException:
            upgraded.connection.abort()
            raise
        await run_tunnel(connection, negotiated, upgraded.connection)
        return connection.response
