"""SPDY streams as the carrier of an exec or attach session, for either side.

The client opens one stream for each channel, named by its header `streamtype`; the
server accepts them and begins when all that it expects are there. A half-close is a
FIN. Which streams there are follows from the options of the session and the version.

Source: kubernetes/client-go tools/remotecommand/{spdy,v1,v2,v3,v4}.go;
kubernetes/cri-streaming pkg/streaming/remotecommand/httpstream.go; containerd
internal/cri/server/container_exec.go for the order in which a session ends.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from wire.carrier import (
    Buffer,
    CarrierClosed,
    CarrierEvent,
    ChannelData,
    ChannelEnded,
    PingReceived,
    PongReceived,
)
from wire.channels import Channel
from wire.errors import RemoteProtocolError
from wire.spdy.connection import Role, SpdyConnection
from wire.spdy.events import (
    ConnectionClosed,
    DataReceived,
    Event,
    GoneAway,
    PingAnswered,
    Pinged,
    StreamFinished,
    StreamOpened,
    StreamReplied,
    StreamReset,
)
from wire.spdy.headers import header
from wire.spdy.limits import Limits
from wire.websocket import CloseCode

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "STREAM_CREATION_TIMEOUT",
    "SpdyClientCarrier",
    "SpdyServerCarrier",
    "WantedStreams",
    "channels_of_session",
]

STREAM_CREATION_TIMEOUT = 30.0
"""Seconds until all streams are there (server) or accepted (client)."""

# A session has five streams; strangers are accepted, and ignored, up to this number.
_LIMITS = Limits(max_streams=64)

_STREAM_TYPES = {
    "error": Channel.ERROR,
    "stdin": Channel.STDIN,
    "stdout": Channel.STDOUT,
    "stderr": Channel.STDERR,
    "resize": Channel.RESIZE,
}
_NAMES = {channel: name for name, channel in _STREAM_TYPES.items()}
_WITHOUT_RESIZE = ("channel.k8s.io", "v2.channel.k8s.io")
_V1 = "channel.k8s.io"


class WantedStreams(Protocol):
    """The part of `StreamOptions` that matters here."""

    @property
    def stdin(self) -> bool: ...
    @property
    def stdout(self) -> bool: ...
    @property
    def stderr(self) -> bool: ...
    @property
    def tty(self) -> bool: ...


def channels_of_session(protocol: str, wanted: WantedStreams) -> tuple[Channel, ...]:
    """Return the channels of a session, in the order in which client-go opens them.

    A tty has no stderr, and sizes only from v3 on.
    """
    chosen = (
        (Channel.ERROR, True),
        (Channel.STDIN, wanted.stdin),
        (Channel.STDOUT, wanted.stdout),
        (Channel.STDERR, wanted.stderr and not wanted.tty),
        (Channel.RESIZE, wanted.tty and protocol not in _WITHOUT_RESIZE),
    )
    return tuple(channel for channel, is_wanted in chosen if is_wanted)


class _SpdyCarrier:
    """What both sides share: the map of streams, sending, pings and the end."""

    def __init__(self, connection: SpdyConnection, deadline: float) -> None:
        self.connection = connection
        self._stream_of: dict[int, int] = {}  # channel -> stream id
        self._channel_of: dict[int, int] = {}  # stream id -> channel
        self._creation_deadline: float | None = deadline
        self._ended = False
        self.now: float | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing may be sent any more."""
        return self._ended or self.connection.closed

    def receive_data(self, data: Buffer) -> list[CarrierEvent]:
        """Channel events; after `CarrierClosed`, nothing."""
        return self._run(lambda: self.connection.receive_data(data, self.now))

    def receive_eof(self) -> list[CarrierEvent]:
        """The connection ended, without GOAWAY."""
        return self._run(self.connection.receive_eof, CloseCode.ABNORMAL)

    def deadline(self) -> float | None:
        """Return when to call `expire`, None: never."""
        times = (self.connection.deadline(), self._creation_deadline)
        return min((time for time in times if time is not None), default=None)

    def expire(self, now: float) -> list[CarrierEvent]:
        """Send a PING, or end a session that is idle or never became ready."""
        self.now = now
        if self._creation_deadline is not None and self._creation_deadline <= now:
            self._creation_deadline = None
            return self._on_creation_timeout()
        return self._run(lambda: self.connection.expire(now))

    def send(self, channel: int, data: Buffer) -> None:
        """Queue data; nothing when empty, or when the peer dropped the stream."""
        stream_id = self._stream_of.get(channel, 0)
        if data and self.connection.may_send(stream_id):
            self.connection.send_data(stream_id, data)

    def end_channel(self, channel: int) -> None:
        """Queue a half-close, unless the stream is gone."""
        stream_id = self._stream_of.get(channel, 0)
        if self.connection.may_send(stream_id):
            self.connection.finish(stream_id)

    def ping(self, payload: bytes = b"") -> None:
        """Queue a PING. It has no payload, but an id of its own."""
        if not self.connection.closed:
            self.connection.ping()

    def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Queue a reset of what is open, then GOAWAY; there is no close code."""
        self.connection.close()

    def data_to_send(self) -> list[Buffer]:
        """The queued buffers, in order; the queue is empty afterwards."""
        return self.connection.data_to_send(self.now)

    def _run(
        self, step: Callable[[], list[Event]], code: int = CloseCode.PROTOCOL_ERROR
    ) -> list[CarrierEvent]:
        events: list[CarrierEvent] = []
        if self._ended:
            return events
        with contextlib.suppress(RemoteProtocolError):
            for event in step():
                if not self._ended:
                    self._translate(event, events)
        # Raised at once, or kept because events came before it: `error` has it.
        if self.connection.error is not None:
            self._end(code, str(self.connection.error), events)
        return events

    def _end(self, code: int, reason: str, events: list[CarrierEvent]) -> None:
        if not self._ended:
            self._ended = True
            self._creation_deadline = None
            events.append(CarrierClosed(code, reason))

    def _assign(self, channel: int, stream_id: int) -> None:
        # A second stream of one type takes its place; the first is read no more.
        self._channel_of.pop(self._stream_of.get(channel, 0), None)
        self._stream_of[channel] = stream_id
        self._channel_of[stream_id] = channel

    def _translate(self, event: Event, events: list[CarrierEvent]) -> None:
        match event:
            case DataReceived(stream_id, data):
                if stream_id in self._channel_of:
                    channel = self._channel_of[stream_id]
                    self._on_data(ChannelData(channel, data), events)
            case StreamFinished(stream_id) | StreamReset(stream_id):
                channel = self._channel_of.pop(stream_id, -1)
                if channel >= 0:
                    self._on_ended(channel, event, events)
            case Pinged(ping_id):
                events.append(PingReceived(_payload(ping_id)))
            case PingAnswered(ping_id):
                events.append(PongReceived(_payload(ping_id)))
            case _:
                self._on_event(event, events)

    def _on_data(self, event: ChannelData, events: list[CarrierEvent]) -> None:
        events.append(event)

    def _on_ended(self, channel: int, event: Event, events: list[CarrierEvent]) -> None:
        raise NotImplementedError

    def _on_event(self, event: Event, events: list[CarrierEvent]) -> None:
        raise NotImplementedError

    def _on_creation_timeout(self) -> list[CarrierEvent]:
        raise NotImplementedError


def _payload(ping_id: int) -> bytes:
    return ping_id.to_bytes(4, "big")


class SpdyServerCarrier(_SpdyCarrier):
    """The runtime's side: begin when `ready`, since earlier output would be lost.

    Args:
        protocol: the negotiated X-Stream-Protocol-Version.
        wanted: the streams that the request asked for.
        now: the time, for the two timeouts (seconds).
    """

    def __init__(
        self,
        protocol: str,
        wanted: WantedStreams,
        *,
        now: float = 0.0,
        idle_timeout: float | None = None,
        creation_timeout: float = STREAM_CREATION_TIMEOUT,
    ) -> None:
        connection = SpdyConnection(
            Role.SERVER, _LIMITS, now=now, idle_timeout=idle_timeout
        )
        super().__init__(connection, now + creation_timeout)
        self._protocol = protocol
        self._missing = set(channels_of_session(protocol, wanted))

    @property
    def ready(self) -> bool:
        """Whether all expected streams have been there."""
        return not self._missing

    def send(self, channel: int, data: Buffer) -> None:
        """Queue data. The status comes last: stdout and stderr end before it."""
        if channel == Channel.ERROR and data:
            self._end_outputs()
        super().send(channel, data)

    def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Queue the end of the output, a reset of the rest, then GOAWAY."""
        self._end_outputs()
        super().close(code, reason)

    def _end_outputs(self) -> None:
        self.end_channel(Channel.STDOUT)
        self.end_channel(Channel.STDERR)

    def _on_event(self, event: Event, events: list[CarrierEvent]) -> None:
        match event:
            case StreamOpened(stream_id, headers):
                self._on_opened(stream_id, header(headers, "streamtype"))
            case GoneAway():
                self._end(CloseCode.NORMAL, "GOAWAY", events)
            case ConnectionClosed(reason):
                self._end(CloseCode.ABNORMAL, reason, events)

    def _on_opened(self, stream_id: int, stream_type: str) -> None:
        if self.connection.is_open(stream_id):
            self.connection.reply(stream_id)
        # Another type is accepted as well, and reset when the session ends.
        channel = _STREAM_TYPES.get(stream_type)
        is_unknown_resize = (
            channel == Channel.RESIZE and self._protocol in _WITHOUT_RESIZE
        )
        if channel is None or is_unknown_resize:
            return
        self._assign(channel, stream_id)
        if channel in self._missing:
            self._missing.remove(channel)
            if self.ready:
                self._on_ready()

    def _on_ready(self) -> None:
        self._creation_deadline = None
        # Servers of v1 do so since Kubernetes 1.0: no error ever reaches the client.
        if self._protocol == _V1:
            self.end_channel(Channel.STDIN)
            error_stream = self._stream_of[Channel.ERROR]
            if self.connection.is_open(error_stream):
                self.connection.reset(error_stream)

    def _on_ended(self, channel: int, event: Event, events: list[CarrierEvent]) -> None:
        events.append(ChannelEnded(channel))

    def _on_creation_timeout(self) -> list[CarrierEvent]:
        # Unlike upstream: it forgets the session and leaves the connection open.
        events: list[CarrierEvent] = []
        self.close()
        text = "timed out waiting for client to create streams"
        self._end(CloseCode.ABNORMAL, text, events)
        return events


class SpdyClientCarrier(_SpdyCarrier):
    """kubectl's side: the session is over when stdout, stderr and error are.

    All streams are opened at once; client-go waits for each reply before the next.
    That a cut looks like success there (no status is exit code 0) is not copied:
    a connection that ends in silence, with no word on the error stream, gives 1006,
    also when a GOAWAY came before.
    """

    def __init__(
        self,
        protocol: str,
        wanted: WantedStreams,
        *,
        now: float = 0.0,
        ping_period: float | None = 5.0,
        creation_timeout: float = STREAM_CREATION_TIMEOUT,
    ) -> None:
        connection = SpdyConnection(
            Role.CLIENT, _LIMITS, now=now, ping_period=ping_period
        )
        super().__init__(connection, now + creation_timeout)
        channels = channels_of_session(protocol, wanted)
        for channel in channels:
            stream_id = connection.open_stream((("streamtype", _NAMES[channel]),))
            self._assign(channel, stream_id)
        self._unanswered = set(self._channel_of)
        self._open_outputs = set(channels) - {Channel.STDIN, Channel.RESIZE}
        self._has_status = False

    def send(self, channel: int, data: Buffer) -> None:
        """Queue data; the caller may use its buffer again, as on a WebSocket."""
        super().send(channel, bytes(data))

    def _on_event(self, event: Event, events: list[CarrierEvent]) -> None:
        match event:
            case StreamReplied(stream_id):
                self._unanswered.discard(stream_id)
                if not self._unanswered:
                    self._creation_deadline = None
            case GoneAway() | ConnectionClosed():
                self._on_cut(events)

    def _on_data(self, event: ChannelData, events: list[CarrierEvent]) -> None:
        self._has_status |= event.channel == Channel.ERROR
        events.append(event)

    def _on_ended(self, channel: int, event: Event, events: list[CarrierEvent]) -> None:
        if event.frame is None:  # the connection ended, and tells it later
            return None
        events.append(ChannelEnded(channel))
        if self._stream_of[channel] in self._unanswered:
            self.close()
            return self._end(CloseCode.ABNORMAL, "Stream reset", events)
        self._open_outputs.discard(Channel(channel))
        if not self._open_outputs:
            self.close()
            self._end(CloseCode.NORMAL, "", events)
        return None

    def _on_cut(self, events: list[CarrierEvent]) -> None:
        if self._has_status:
            return self._end(CloseCode.NORMAL, "", events)
        return self._end(CloseCode.ABNORMAL, "unexpected EOF", events)

    def _on_creation_timeout(self) -> list[CarrierEvent]:
        events: list[CarrierEvent] = []
        self.close()
        self._end(CloseCode.ABNORMAL, "Timeout occurred", events)
        return events
