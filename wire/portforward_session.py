"""What both sides of port-forward over SPDY share: the connection, its end, its clocks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError
from wire.portforward_events import Closed, ForwardClosed, PortForwardEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from wire.spdy.connection import SpdyConnection
    from wire.spdy.events import Event
    from wire.spdy.frames import Buffer

__all__ = ["STREAM_CREATION_TIMEOUT", "PortForwardSession"]

STREAM_CREATION_TIMEOUT = 30.0
"""Seconds until the second stream is there (server) or both are accepted (client)."""


class PortForwardSession:
    """Bytes in, events out, buffers to send; which stream is what, a side knows."""

    def __init__(self, connection: SpdyConnection, now: float) -> None:
        self.connection = connection
        self._now = now
        self._ended = False

    @property
    def closed(self) -> bool:
        """Nothing more comes or may be sent: flush, then close the transport."""
        return self._ended or self.connection.closed

    def receive_data(
        self, data: Buffer, now: float | None = None
    ) -> list[PortForwardEvent]:
        """What the peer did. Never raises: bad bytes end in `Closed`."""
        if now is not None:
            self._now = now
        return self._run(lambda: self.connection.receive_data(data, now))

    def receive_eof(self) -> list[PortForwardEvent]:
        """The connection ended."""
        return self._run(self.connection.receive_eof)

    def send_data(self, forward: int, data: Buffer) -> None:
        """Queue data; nothing when the peer has dropped the forward.

        `data` must not change before `data_to_send` was written.
        """
        if self.connection.may_send(forward):
            self.connection.send_data(forward, data)

    def finish(self, forward: int) -> None:
        """Queue a half-close: no more data from us on this forward."""
        if self.connection.may_send(forward):
            self.connection.finish(forward)

    def close(self) -> None:
        """Queue a reset of all streams, then GOAWAY."""
        self.connection.close()

    def data_to_send(self, now: float | None = None) -> list[Buffer]:
        """The queued buffers, in order; the queue is empty afterwards."""
        return self.connection.data_to_send(now)

    def deadline(self) -> float | None:
        """Return when to call `expire`, None: never."""
        times = (self.connection.deadline(), self._own_deadline())
        return min((time for time in times if time is not None), default=None)

    def expire(self, now: float) -> list[PortForwardEvent]:
        """Do what is due: PING, late streams, idleness."""
        self._now = now
        events = self._expire_own(now)
        return events + self._run(lambda: self.connection.expire(now))

    def _run(self, step: Callable[[], list[Event]]) -> list[PortForwardEvent]:
        events: list[PortForwardEvent] = []
        if self._ended:
            return events
        with contextlib.suppress(RemoteProtocolError):
            for event in step():
                self._on_event(event, events)
        # Raised at once, or kept because events came before it: `error` has it.
        if self.connection.error is not None:
            self._end(str(self.connection.error), events)
        return events

    def _end(self, reason: str, events: list[PortForwardEvent]) -> None:
        if not self._ended:
            self._ended = True
            events += map(ForwardClosed, self._forget_all())
            events.append(Closed(reason))

    def _reset(self, *stream_ids: int) -> None:
        for stream_id in stream_ids:
            if self.connection.is_open(stream_id):
                self.connection.reset(stream_id)

    def _on_event(self, event: Event, events: list[PortForwardEvent]) -> None:
        raise NotImplementedError

    def _forget_all(self) -> list[int]:
        raise NotImplementedError

    def _own_deadline(self) -> float | None:
        raise NotImplementedError

    def _expire_own(self, now: float) -> list[PortForwardEvent]:
        raise NotImplementedError
