"""Port-forward's tunnel: SPDY inside WebSocket towards a client, bare SPDY towards the other.

API servers and kubelets open it for who is behind them. Unlike a translated exec the other
side is dialled first, so that its refusal reaches the client as it is.

Source: kubernetes/apiserver pkg/util/proxy/streamtunnel.go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hops.session_end import SessionEnd
from wire.http1_head import get_header
from wire.portforward import TUNNEL_PREFIX, Role, Tunnel, tunnelled_protocols
from wire.portforward_tunnel import TunnelClosed, TunnelData
from wire.spdy_negotiation import PROTOCOL_VERSION, spdy_handshake
from wire.websocket_handshake import is_websocket_request, negotiate

if TYPE_CHECKING:
    from hops.client import Upgraded
    from hops.connection import Connection
    from wire.http1 import Headers, RequestHead
    from wire.websocket_handshake import Negotiated

__all__ = ["asks_for_tunnel", "negotiate_tunnel", "run_tunnel", "untunnelled_headers"]

_WEBSOCKET_ONLY = frozenset({"upgrade", "connection", "content-length"})


def asks_for_tunnel(headers: Headers) -> bool:
    """Whether a request is a WebSocket with SPDY inside."""
    return is_websocket_request(headers) and bool(tunnelled_protocols(headers))


def untunnelled_headers(headers: Headers) -> Headers:
    """The headers of the POST that goes on: SPDY's in the place of WebSocket's."""
    kept = [
        (name, value)
        for name, value in headers
        if name.lower() not in _WEBSOCKET_ONLY
        and not name.lower().startswith("sec-websocket-")
    ]
    return [*kept, *spdy_handshake(tunnelled_protocols(headers))]


def negotiate_tunnel(head: RequestHead, upstream: Upgraded) -> Negotiated:
    """Answer the client with the protocol that the other side has chosen.

    Raises:
        HandshakeRefused: with the bytes to answer.
    """
    chosen = get_header(upstream.head.headers, PROTOCOL_VERSION) or ""
    return negotiate(head, (TUNNEL_PREFIX + chosen,))


async def run_tunnel(
    connection: Connection, negotiated: Negotiated, upstream: Connection
) -> None:
    """Move the bytes of a session until one side ends, then close both.

    Args:
        connection: the client's; the 101 has not been written yet.
    """
    connection.write(negotiated.response)
    outer, inner = _TunnelEnd(connection), _SpdyEnd(upstream)
    outer.peer, inner.peer = inner, outer
    try:
        outer.take_over()
        inner.take_over()
        await outer.over.wait()
    finally:
        upstream.close()
        outer.say_goodbye()
        connection.close()
    await asyncio.gather(connection.wait_closed(), upstream.wait_closed())


class _TunnelEnd(SessionEnd):
    """The WebSocket."""

    peer: _SpdyEnd

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.over = asyncio.Event()
        self._tunnel = Tunnel(Role.SERVER)

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        for event in self._tunnel.receive_data(data):
            match event:
                case TunnelData(payload):
                    self.peer.send([payload])
                case TunnelClosed():
                    self.over.set()
        self.send(self._tunnel.data_to_send(), is_answer=True)

    def wrap(self, data: bytes) -> None:
        """Send bytes of SPDY."""
        self._tunnel.send([data])
        self.send(self._tunnel.data_to_send())

    def say_goodbye(self) -> None:
        """Send the close frame, unless it has been."""
        self._tunnel.close()
        self.send(self._tunnel.data_to_send())

    def pause_writing(self) -> None:
        """Called by the transport: the client is slow."""
        super().pause_writing()
        self.peer.holds.hold(self)

    def resume_writing(self) -> None:
        """Called by the transport."""
        super().resume_writing()
        self.peer.holds.release(self)

    def on_eof(self) -> None:
        """The client is gone."""
        self.over.set()


class _SpdyEnd(SessionEnd):
    """The other side; its bytes are not looked at."""

    peer: _TunnelEnd

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        self.peer.wrap(data)

    def pause_writing(self) -> None:
        """Called by the transport: the other side is slow."""
        super().pause_writing()
        self.peer.holds.hold(self)

    def resume_writing(self) -> None:
        """Called by the transport."""
        super().resume_writing()
        self.peer.holds.release(self)

    def on_eof(self) -> None:
        """It has ended."""
        self.peer.over.set()
