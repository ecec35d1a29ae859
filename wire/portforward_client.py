"""Port-forward over SPDY streams, `portforward.k8s.io`: the side of kubectl.

Source: kubernetes/client-go tools/portforward/portforward.go; portforward.md section 2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wire.portforward_events import (
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardFailed,
    ForwardOpened,
    HalfClosed,
    PortForwardEvent,
)
from wire.portforward_session import STREAM_CREATION_TIMEOUT, PortForwardSession
from wire.spdy import events as spdy
from wire.spdy.connection import Role, SpdyConnection

__all__ = ["PortForwardClient"]

_MAX_ERROR_TEXT = 64 * 1024  # bytes of one error stream that are kept


@dataclass(slots=True)
class _ClientForward:
    """A forward as its client sees it, under the id of its data stream."""

    port: int
    request_id: str
    error_stream: int
    deadline: float
    unanswered: set[int]
    data_ended: bool = False
    error_ended: bool = False
    error_text: bytearray = field(default_factory=bytearray)


class PortForwardClient(PortForwardSession):
    """kubectl's side. A forward is named by the id of its data stream.

    Args:
        now: the time.
        ping_period: seconds between PINGs: 5 on SPDY, 10 inside a WebSocket.
        creation_timeout: seconds until the server must have accepted both streams.
    """

    def __init__(
        self,
        *,
        now: float = 0.0,
        ping_period: float | None = 5.0,
        creation_timeout: float = STREAM_CREATION_TIMEOUT,
    ) -> None:
        super().__init__(
            SpdyConnection(Role.CLIENT, now=now, ping_period=ping_period), now
        )
        self._creation_timeout = creation_timeout
        self._forwards: dict[int, _ClientForward] = {}
        self._forward_of_error: dict[int, int] = {}
        self._next_request_id = 0

    def open(self, port: int, now: float | None = None) -> int:
        """Open a forward to a port of the pod and return its name.

        Data may follow at once. client-go waits for each reply before it goes on.
        """
        if now is not None:
            self._now = now
        request_id = str(self._next_request_id)
        self._next_request_id += 1
        common = (("port", str(port)), ("requestid", request_id))
        error_stream = self.connection.open_stream((("streamtype", "error"), *common))
        # "we're not writing to this stream"
        self.connection.finish(error_stream)
        forward = self.connection.open_stream((("streamtype", "data"), *common))
        deadline = self._now + self._creation_timeout
        self._forwards[forward] = _ClientForward(
            port, request_id, error_stream, deadline, {error_stream, forward}
        )
        self._forward_of_error[error_stream] = forward
        return forward

    def reset(self, forward: int) -> None:
        """Drop the data stream; client-go 0.32 does so when the local side is done.

        The error stream stays until the server ends it: `ForwardClosed` tells, unless
        it has ended before.
        """
        self._reset(forward)
        known = self._forwards.get(forward)
        if known is not None:
            known.data_ended = True
            if known.error_ended:
                self._forget(forward)

    def _on_event(self, event: spdy.Event, events: list[PortForwardEvent]) -> None:
        match event:
            case spdy.StreamReplied(stream_id):
                self._on_replied(stream_id, events)
            case spdy.DataReceived(stream_id, data):
                self._on_data(stream_id, data, events)
            case spdy.StreamFinished(stream_id) | spdy.StreamReset(stream_id):
                # Without a frame it is the connection that ends; `Closed` follows.
                if event.frame is not None:
                    self._on_stream_ended(stream_id, events)
            case spdy.ConnectionClosed(reason):
                self._end(reason, events)

    def _find(self, stream_id: int) -> tuple[int, _ClientForward | None]:
        name = self._forward_of_error.get(stream_id, stream_id)
        return name, self._forwards.get(name)

    def _on_replied(self, stream_id: int, events: list[PortForwardEvent]) -> None:
        name, forward = self._find(stream_id)
        if forward is None:
            return
        forward.unanswered.discard(stream_id)
        if not forward.unanswered:
            events.append(ForwardOpened(name, forward.port, forward.request_id))

    def _on_data(
        self, stream_id: int, data: bytes, events: list[PortForwardEvent]
    ) -> None:
        name, forward = self._find(stream_id)
        if forward is None:
            return
        if stream_id == name:
            events.append(DataReceived(name, data))
        else:
            forward.error_text += data[: _MAX_ERROR_TEXT - len(forward.error_text)]

    def _on_stream_ended(self, stream_id: int, events: list[PortForwardEvent]) -> None:
        name, forward = self._find(stream_id)
        if forward is None:
            return
        if stream_id in forward.unanswered:
            self._fail(name, "Stream reset", events)
        elif stream_id == name:
            if not forward.data_ended:
                forward.data_ended = True
                events.append(HalfClosed(name))
        elif not forward.error_ended:
            forward.error_ended = True
            if forward.error_text:
                text = forward.error_text.decode(errors="replace")
                events.append(ErrorText(name, text))
        if forward.data_ended and forward.error_ended:
            self._forget(name)
            events.append(ForwardClosed(name))

    def _fail(self, name: int, reason: str, events: list[PortForwardEvent]) -> None:
        forward = self._forget(name)
        self._reset(name, forward.error_stream)
        events.append(ForwardFailed(name, reason))

    def _forget(self, name: int) -> _ClientForward:
        forward = self._forwards.pop(name)
        del self._forward_of_error[forward.error_stream]
        return forward

    def _forget_all(self) -> list[int]:
        forwards, self._forwards = list(self._forwards), {}
        self._forward_of_error.clear()
        return forwards

    def _own_deadline(self) -> float | None:
        deadlines = (f.deadline for f in self._forwards.values() if f.unanswered)
        return next(deadlines, None)

    def _expire_own(self, now: float) -> list[PortForwardEvent]:
        events: list[PortForwardEvent] = []
        late = [
            name
            for name, forward in self._forwards.items()
            if forward.unanswered and forward.deadline <= now
        ]
        for name in late:
            self._fail(name, "Timeout occurred", events)
        return events
