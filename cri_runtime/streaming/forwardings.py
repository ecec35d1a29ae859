"""Starting port-forward sessions in the form that the client asks for.

Source: kubernetes/cri-streaming pkg/streaming/portforward/portforward.go (ServePortForward):
a WebSocket request has its ports from the CRI request, any other is SPDY.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cri_runtime.streaming.port_forward import Forwarding
from hops.session import TraceParent, bind
from wire.portforward import (
    PORT_FORWARD_PROTOCOL,
    PORT_FORWARD_SUBPROTOCOLS,
    TUNNEL_SUBPROTOCOL,
    PortForwardChannelServer,
    PortForwardServer,
    Role,
    Tunnel,
    Tunnelled,
    is_tunnel_request,
)
from wire.portforward_channels import MAX_PORTS
from wire.spdy_negotiation import negotiate_spdy
from wire.websocket_handshake import HandshakeRefused, is_websocket_request, negotiate

if TYPE_CHECKING:
    from collections.abc import Callable

    from cri_runtime.pod_ports import PodPorts
    from cri_runtime.records import Sandbox
    from cri_runtime.streaming.dialect import Dialect
    from cri_runtime.streaming.http import Upgrade
    from cri_runtime.streaming.requests import PendingRequest
    from wire.http1 import RequestHead

    _Start = Callable[[asyncio.Transport, PendingRequest, bytes], None]

__all__ = ["Forwardings"]


class Forwardings:
    """All port-forward sessions of the server."""

    def __init__(
        self, pod_ports: PodPorts, dialect: Dialect, idle_timeout: float
    ) -> None:
        self._pod_ports = pod_ports
        self._dialect = dialect
        self._idle_timeout = idle_timeout
        self._running: set[Forwarding] = set()

    def __len__(self) -> int:
        return len(self._running)

    def upgrade(self, head: RequestHead, request: PendingRequest) -> Upgrade:
        """How to take a connection over.

        Raises:
            HandshakeRefused: with the bytes to answer.
        """
        start: _Start
        if not is_websocket_request(head.headers):
            negotiated = negotiate_spdy(
                head,
                (PORT_FORWARD_PROTOCOL,),
                missing_is_error=self._dialect.missing_version_is_error,
            )
            start = self._start_spdy
        elif self._dialect.takes_tunnels and is_tunnel_request(head.headers):
            negotiated = negotiate(head, (TUNNEL_SUBPROTOCOL,))
            start = self._start_tunnel
        else:
            negotiated = negotiate(head, PORT_FORWARD_SUBPROTOCOLS)
            _check_ports(request)
            start = self._start_channels(negotiated.subprotocol)

        def take_over(transport: asyncio.Transport, leftover: bytes) -> None:
            if parent := TraceParent.parse(request.traceparent):
                bind(transport, parent)
            transport.write(negotiated.response)
            start(transport, request, leftover)

        return take_over

    def end_of(self, sandbox: Sandbox) -> None:
        """A pod is gone, and with it the sessions into it."""
        for forwarding in list(self._running):
            if forwarding.sandbox_id == sandbox.id:
                forwarding.end()

    def close(self) -> None:
        """End all sessions."""
        for forwarding in list(self._running):
            forwarding.end()

    def _start_spdy(
        self, transport: asyncio.Transport, request: PendingRequest, leftover: bytes
    ) -> None:
        core = self._spdy_core()
        forwarding = Forwarding(transport, core, core, self._pod_ports, request.target)
        self._run(forwarding, request)
        forwarding.start(leftover)

    def _start_tunnel(
        self, transport: asyncio.Transport, request: PendingRequest, leftover: bytes
    ) -> None:
        core = self._spdy_core()
        tunnelled = Tunnelled(core, Tunnel(Role.SERVER))
        forwarding = Forwarding(
            transport, core, tunnelled, self._pod_ports, request.target
        )
        self._run(forwarding, request)
        forwarding.start(leftover)

    def _start_channels(self, subprotocol: str) -> _Start:
        def start(
            transport: asyncio.Transport, request: PendingRequest, leftover: bytes
        ) -> None:
            core = PortForwardChannelServer(subprotocol, request.ports)
            forwarding = Forwarding(
                transport,
                core,
                core,
                self._pod_ports,
                request.target,
                idle_timeout=self._idle_timeout,
            )
            self._run(forwarding, request)
            forwarding.start(leftover, core.start())

        return start

    def _spdy_core(self) -> PortForwardServer:
        return PortForwardServer(
            now=asyncio.get_running_loop().time(),
            idle_timeout=self._idle_timeout,
            creation_timeout=self._dialect.creation_timeout,
        )

    def _run(self, forwarding: Forwarding, request: PendingRequest) -> None:
        forwarding.session = TraceParent.parse(request.traceparent)
        self._running.add(forwarding)
        forwarding.on_end = self._running.discard


def _check_ports(request: PendingRequest) -> None:
    """Channel numbers have one byte, and without a port there is nothing to do."""
    if not 0 < len(request.ports) <= MAX_PORTS:
        text = f"{len(request.ports)} ports: 1 to {MAX_PORTS} expected"
        answer = (
            f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(text)}\r\n\r\n{text}"
        )
        raise HandshakeRefused(400, text, answer.encode())
