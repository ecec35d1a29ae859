"""Port-forward over SPDY streams, `portforward.k8s.io`: the side of the pod.

Each forward is a pair of streams on one connection: `error`, which only the server
writes, and `data`. Times are seconds on the caller's clock.

    session = PortForwardServer(now=now)
    for event in session.receive_data(chunk, now):
        match event:
            case ForwardOpened(forward, port): ...        # dial the pod
            case DataReceived(forward, data): ...
    session.send_data(forward, answer)
    session.end(forward)                                  # or session.fail(forward, text)

Source: kubernetes/cri-streaming pkg/streaming/portforward/httpstream.go;
portforward.md section 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.portforward_events import (
    DataReceived,
    ForwardClosed,
    ForwardOpened,
    HalfClosed,
    PortForwardEvent,
)
from wire.portforward_pairs import Pair, PairTable, PortStream, parse_port_stream
from wire.portforward_session import STREAM_CREATION_TIMEOUT, PortForwardSession
from wire.spdy import events as spdy
from wire.spdy.connection import Role, SpdyConnection

if TYPE_CHECKING:
    from wire.spdy.headers import Headers
    from wire.spdy.limits import Limits

__all__ = ["PortForwardServer"]

_MAX_EARLY_DATA = 1024 * 1024  # of all forwards whose error stream is not there yet


class PortForwardServer(PortForwardSession):
    """The runtime's side. A forward is named by the id of its data stream.

    Args:
        now: the time.
        idle_timeout: seconds without any frame until the session ends; 4 h upstream.
        creation_timeout: seconds until the second stream of a pair must be there.
        limits: what the client may cost us.
        name: of the connection, in the text that tells of a timeout.
    """

    def __init__(
        self,
        *,
        now: float = 0.0,
        idle_timeout: float | None = None,
        creation_timeout: float = STREAM_CREATION_TIMEOUT,
        limits: Limits | None = None,
        name: str = "0x0",
    ) -> None:
        connection = SpdyConnection(
            Role.SERVER, limits, now=now, idle_timeout=idle_timeout
        )
        super().__init__(connection, now)
        self._pairs = PairTable(creation_timeout, _MAX_EARLY_DATA)
        self._error_stream_of: dict[int, int] = {}  # by forward
        self._name = name

    def end(self, forward: int) -> None:
        """Queue the good end: FIN on data, then on error, and forget the forward.

        A client waits for the end of both.
        """
        error_stream = self._forget(forward)
        self.finish(forward)
        self.finish(error_stream)

    def fail(self, forward: int, text: str) -> None:
        """Queue the bad end: FIN on data, the text on error, then a reset.

        The text is usually `forwarding_error(...)`. kubectl ends its session with it.
        """
        error_stream = self._forget(forward)
        self.finish(forward)
        self._write_error(error_stream, text)
        self._reset(forward, error_stream)

    def _forget(self, forward: int) -> int:
        error_stream = self._error_stream_of.pop(forward, 0)
        if not error_stream and not self.closed:
            raise LocalProtocolError(f"there is no forward {forward}")
        return error_stream

    def _write_error(self, error_stream: int, text: str) -> None:
        if self.connection.may_send(error_stream):
            self.connection.send_data(error_stream, text.encode("utf-8", "replace"))

    def _on_event(self, event: spdy.Event, events: list[PortForwardEvent]) -> None:
        match event:
            case spdy.StreamOpened(stream_id, headers):
                self._on_opened(stream_id, headers, events)
            case spdy.DataReceived(stream_id, data):
                self._on_data(stream_id, data, events)
            case spdy.StreamFinished(stream_id):
                self._on_finished(stream_id, events)
            case spdy.StreamReset(stream_id):
                self._on_reset(stream_id, events)
            case spdy.ConnectionClosed(reason):
                self._end(reason, events)

    def _on_opened(
        self, stream_id: int, headers: Headers, events: list[PortForwardEvent]
    ) -> None:
        try:
            stream = parse_port_stream(stream_id, headers)
        except RemoteProtocolError:
            return self._reset(stream_id)
        # The same chunk may have its end; the events after this one will tell.
        if self.connection.is_open(stream_id):
            self.connection.reply(stream_id)
        pair = self._pairs.add(stream, self._now)
        if pair is None:
            self._on_duplicate(stream)
        elif pair.is_complete:
            self._open_forward(pair, events)
        return None

    def _on_duplicate(self, stream: PortStream) -> None:
        """Tell on the error stream; the second one is accepted and never used."""
        pair = self._pairs.find(stream.request_id)
        if pair is not None:
            text = (
                f"error processing stream for request {stream.request_id}: "
                f"{stream.type} stream already assigned"
            )
            self._write_error(pair.stream_id("error"), text)

    def _open_forward(self, pair: Pair, events: list[PortForwardEvent]) -> None:
        forward = pair.stream_id("data")
        self._error_stream_of[forward] = pair.stream_id("error")
        port = pair.streams["data"].port
        events.append(ForwardOpened(forward, port, pair.request_id))
        events += (DataReceived(forward, data) for data in pair.early_data)
        if pair.is_finished:
            events.append(HalfClosed(forward))

    def _on_data(
        self, stream_id: int, data: bytes, events: list[PortForwardEvent]
    ) -> None:
        if stream_id in self._error_stream_of:
            events.append(DataReceived(stream_id, data))
            return
        pair = self._pairs.of_data_stream(stream_id)
        if pair is not None and not self._pairs.keep(pair, data):
            self._pairs.remove(pair)
            self._reset(pair.stream_id("data"), pair.stream_id("error"))

    def _on_finished(self, stream_id: int, events: list[PortForwardEvent]) -> None:
        if stream_id in self._error_stream_of:
            events.append(HalfClosed(stream_id))
        elif (pair := self._pairs.of_data_stream(stream_id)) is not None:
            pair.is_finished = True

    def _on_reset(self, stream_id: int, events: list[PortForwardEvent]) -> None:
        if stream_id in self._error_stream_of:
            self.finish(self._forget(stream_id))
            events.append(ForwardClosed(stream_id))
        elif (pair := self._pairs.of_data_stream(stream_id)) is not None:
            self._pairs.remove(pair)
            self.finish(pair.stream_id("error"))

    def _forget_all(self) -> list[int]:
        forwards, self._error_stream_of = list(self._error_stream_of), {}
        return forwards

    def _own_deadline(self) -> float | None:
        return None if self.closed else self._pairs.deadline()

    def _expire_own(self, now: float) -> list[PortForwardEvent]:
        for pair in self._pairs.expire(now):
            text = (
                f"(conn={self._name}, request={pair.request_id}) "
                "timed out waiting for streams"
            )
            error_stream = pair.stream_id("error")
            self._write_error(error_stream, text)
            # Unlike upstream, which leaves the lone stream open for ever.
            self.finish(error_stream)
            self._reset(pair.stream_id("data"))
        return []
