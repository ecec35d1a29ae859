"""exec and attach sessions over SPDY/3.1: `wire.remotecommand` on the other carrier.

Same events and methods, and what SPDY adds: `ready`, since a server must wait for the
streams of its client, and timers (`deadline`, `expire`; seconds on the caller's clock).

    session = SpdyRemoteCommandServer("v4.channel.k8s.io", options, now=now)
    events = session.receive_data(chunk, now)
    if session.ready: ...                      # start the command, send its output
    transport.writelines(session.data_to_send(now))

Source: remotecommand.md sections 4, 8 and 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire.carrier import CarrierClosed
from wire.remotecommand import (
    ClientEvent,
    Closed,
    RemoteCommandClient,
    RemoteCommandServer,
    ServerEvent,
    StreamOptions,
)
from wire.spdy_carrier import (
    STREAM_CREATION_TIMEOUT,
    SpdyClientCarrier,
    SpdyServerCarrier,
)

if TYPE_CHECKING:
    from wire.carrier import Buffer

__all__ = ["SPDY_PROTOCOLS", "SpdyRemoteCommandClient", "SpdyRemoteCommandServer"]

SPDY_PROTOCOLS = (
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
)
"""What servers accept. Clients offer v5 in front, which no server takes on SPDY."""


def _status_form(protocol: str) -> str:
    """The WebSocket name of the same error stream: JSON from v4 on, else text."""
    return protocol if protocol == "v4.channel.k8s.io" else "channel.k8s.io"


class SpdyRemoteCommandServer(RemoteCommandServer):
    """A runtime's side of a session; nothing may be sent before it is `ready`."""

    def __init__(
        self,
        protocol: str,
        options: StreamOptions,
        *,
        now: float = 0.0,
        idle_timeout: float | None = None,
        creation_timeout: float = STREAM_CREATION_TIMEOUT,
    ) -> None:
        self._spdy = SpdyServerCarrier(
            protocol,
            options,
            now=now,
            idle_timeout=idle_timeout,
            creation_timeout=creation_timeout,
        )
        super().__init__(_status_form(protocol), options, self._spdy)

    @property
    def ready(self) -> bool:
        """Whether the client has opened all streams of the session."""
        return self._spdy.ready

    def start(self) -> None:
        """Nothing: on SPDY the replies say "ready"."""

    def receive_data(self, data: Buffer, now: float | None = None) -> list[ServerEvent]:
        """What the client did. Never raises: a bad client ends in `PeerClosed`."""
        self._spdy.now = now
        return super().receive_data(data)

    def data_to_send(self, now: float | None = None) -> list[Buffer]:
        """The queued buffers; the queue is empty afterwards."""
        self._spdy.now = now
        return super().data_to_send()

    def deadline(self) -> float | None:
        """Return when to call `expire`, None: never."""
        return self._spdy.deadline()

    def expire(self, now: float) -> list[ServerEvent]:
        """End the session when it is idle, or when streams are still missing."""
        return self._translate(self._spdy.expire(now))


class SpdyRemoteCommandClient(RemoteCommandClient):
    """A client's side of a session; it may send at once."""

    def __init__(
        self,
        protocol: str,
        options: StreamOptions,
        *,
        now: float = 0.0,
        ping_period: float | None = 5.0,
        creation_timeout: float = STREAM_CREATION_TIMEOUT,
    ) -> None:
        self._spdy = SpdyClientCarrier(
            protocol,
            options,
            now=now,
            ping_period=ping_period,
            creation_timeout=creation_timeout,
        )
        super().__init__(_status_form(protocol), options, self._spdy)

    def receive_data(self, data: Buffer, now: float | None = None) -> list[ClientEvent]:
        """What the server did. Never raises: a bad server ends in `Closed`."""
        self._spdy.now = now
        return super().receive_data(data)

    def data_to_send(self, now: float | None = None) -> list[Buffer]:
        """The queued buffers; the queue is empty afterwards."""
        self._spdy.now = now
        return super().data_to_send()

    def deadline(self) -> float | None:
        """Return when to call `expire`, None: never."""
        return self._spdy.deadline()

    def expire(self, now: float) -> list[ClientEvent]:
        """Send a PING, or end a session that the server never accepted."""
        closed = [
            event
            for event in self._spdy.expire(now)
            if isinstance(event, CarrierClosed)
        ]
        return [Closed(event.code, event.reason) for event in closed]
