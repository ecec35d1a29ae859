"""A port-forward client that measures: one forward, blocking, nothing but the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from bench.exec_client import new_key, upgrade
from hops.blocking.client import BlockingClient
from wire.portforward import (
    PORT_FORWARD_PROTOCOL,
    TUNNEL_SUBPROTOCOL,
    Closed,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardFailed,
    HalfClosed,
    PortForwardClient,
    Role,
    Tunnel,
    Tunnelled,
)
from wire.spdy_negotiation import spdy_handshake
from wire.websocket import client_handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hops.blocking.tls import TlsSettings
    from wire.portforward import PortForwardEvent

__all__ = ["Forwarding"]


class Forwarding:
    """A session with one forward to a port of a pod.

    Args:
        spdy: SPDY itself, in place of SPDY inside WebSocket as of kubectl 1.31 on.
    """

    def __init__(
        self, server: str, tls: TlsSettings, pod: str, port: int, *, spdy: bool = False
    ) -> None:
        client = BlockingClient(server, tls=tls, timeout=60)
        target = f"/api/v1/namespaces/default/pods/{pod}/portforward"
        session = PortForwardClient(ping_period=None)
        self._core: PortForwardClient | Tunnelled[PortForwardClient]
        if spdy:
            headers = spdy_handshake([PORT_FORWARD_PROTOCOL])
            upgraded = upgrade(client, "POST", target, headers)
            self._core = session
        else:
            headers = client_handshake(new_key(), [TUNNEL_SUBPROTOCOL])
            upgraded = upgrade(client, "GET", target, headers)
            self._core = Tunnelled(session, Tunnel(Role.CLIENT))
        self._connection = upgraded.connection
        self._session = session
        self._pending = self._core.receive_data(upgraded.leftover)
        self._forward = session.open(port)
        self._flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(self, data: bytes) -> None:
        self._session.send_data(self._forward, data)
        self._flush()

    def finish(self) -> None:
        """We send no more."""
        self._session.finish(self._forward)
        self._flush()

    def receive(self) -> Iterator[bytes]:
        """What the pod sends, to its end.

        Raises:
            RuntimeError: the forward failed.
        """
        while True:
            events, self._pending = self._pending, []
            for event in events:
                if isinstance(event, DataReceived):
                    yield event.data
                elif _ended(event):
                    return
            data = self._connection.receive()
            if not data:
                raise RuntimeError("the connection ended")
            self._pending = self._core.receive_data(data)
            self._flush()

    def _flush(self) -> None:
        if buffers := self._core.data_to_send():
            self._connection.send_all(b"".join(buffers))


def _ended(event: PortForwardEvent) -> bool:
    if isinstance(event, ErrorText | ForwardFailed | Closed):
        raise RuntimeError(str(event))
    return isinstance(event, HalfClosed | ForwardClosed)
