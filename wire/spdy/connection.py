"""A SPDY/3.1 connection, client or server end, as moby/spdystream behaves.

There is no preface, no flow control and no negotiation: streams are opened with
SYN_STREAM, accepted with SYN_REPLY, carry DATA both ways, and end with a FIN from each
end or one RST_STREAM. Odd or stale frames are ignored, malformed ones are fatal, and
GOAWAY is an end, not an announcement.

    conn = SpdyConnection(Role.SERVER)
    for event in conn.receive_data(chunk):
        match event:
            case StreamOpened(stream_id=stream_id):
                conn.reply(stream_id)
    conn.send_data(stream_id, b"hi")
    transport.writelines(conn.data_to_send())

Since there is no flow control, back-pressure is the caller's: stop reading while what
`data_to_send` gave is not written. Then a peer costs what `Limits` says, and about
forty times the largest chunk for the events in it.

Source: moby/spdystream connection.go and stream.go; kubernetes/streaming
pkg/httpstream/spdy/connection.go for `close`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.spdy.events import (
    ConnectionClosed,
    DataReceived,
    Event,
    FrameIgnored,
    GoneAway,
    HeadersReceived,
    PingAnswered,
    Pinged,
    SettingsReceived,
    StreamFinished,
    StreamOpened,
    StreamReplied,
    StreamReset,
)
from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.frames import (
    Buffer,
    Data,
    Flag,
    Frame,
    GoAway,
    GoAwayStatus,
    HeadersFrame,
    Ping,
    ResetStatus,
    RstStream,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wire.spdy.limits import Limits
from wire.spdy.output import Output
from wire.spdy.streams import Action, Role, Stream, StreamTable, Verdict
from wire.spdy.timers import Timer, Timers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Role", "SpdyConnection"]

_LARGEST_PING_ID = 0x7FFF_FFFE


class SpdyConnection:
    """One end of a connection, without its transport.

    Args:
        role: which end we are.
        limits: what the peer may cost us.
        now: the time. `receive_data` and `data_to_send` take it too, so that the idle
            time is exact; without, a connection may last up to twice as long.
        ping_period: seconds between our PINGs. While one is unanswered none follows,
            and that it is missing is no error.
        idle_timeout: seconds without any frame until we reset all streams and close.
    """

    def __init__(
        self,
        role: Role,
        limits: Limits | None = None,
        *,
        now: float = 0.0,
        ping_period: float | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        self.role = role
        self._limits = limits or Limits()
        self._decoder = FrameDecoder(self._limits)
        self._streams = StreamTable(role, self._limits.max_streams)
        self._timers = Timers(now, ping_period, idle_timeout)
        self._next_ping_id = role.first_id
        self._pings: set[int] = set()
        self._output = Output(self._limits)
        self._invalid_streams = 0
        self._events: list[Event] = []
        self._goaway_sent = False
        self._closed = False
        self.error: RemoteProtocolError | None = None

    # What the user may ask

    @property
    def closed(self) -> bool:
        """Nothing more will come or may be sent: flush, then close the transport."""
        return self._closed or (self._goaway_sent and not self._streams)

    @property
    def stream_count(self) -> int:
        """How many streams are open, half-closed ones included."""
        return len(self._streams)

    def is_open(self, stream_id: int) -> bool:
        """Whether a stream may be replied to or reset.

        Ask before answering an event: the same chunk may have brought its end.
        """
        return not self._closed and self._streams.get(stream_id) is not None

    def may_send(self, stream_id: int) -> bool:
        """Whether `send_data` on this stream is allowed now."""
        stream = self._streams.get(stream_id)
        return (
            stream is not None
            and stream.may_send
            and (stream.is_ours or stream.is_replied)
            and not self._closed
        )

    # What comes in

    def receive_data(self, data: Buffer, now: float | None = None) -> list[Event]:
        """Take bytes of the peer; return what happened.

        `data` is copied: the caller may use its buffer again. When bytes are bad, the
        events before them are returned, `error` is set, and the next call (also of
        `expire`, with `deadline` in the past) raises it; without such events it is
        raised at once. So the cut of the chunks never decides what is seen.

        Raises:
            RemoteProtocolError: the peer speaks no SPDY, or wants too much of us.
        """
        self._raise_error()
        if self.closed:
            return []
        try:
            for frame in self._decoder.receive_data(data):
                self._timers.frame_passed(now)
                self._HANDLERS[type(frame)](self, frame)
                if self._closed:
                    return self._take_events()
            if self._decoder.error is not None:
                raise self._decoder.error
        except RemoteProtocolError as err:
            self._fail(err)
        return self._take_events()

    def receive_eof(self) -> list[Event]:
        """Take the end of the peer's bytes; all streams are at their end.

        Raises:
            RemoteProtocolError: the end came inside a frame.
        """
        self._raise_error()
        if self._closed:
            return []
        if self._decoder.inside_frame:
            self._fail(RemoteProtocolError("connection ended inside a SPDY frame"))
        self._end("end of connection")
        return self._take_events()

    # What goes out

    def open_stream(
        self, headers: Iterable[tuple[str, str]] = (), *, fin: bool = False
    ) -> int:
        """Open a stream and return its id. Data may follow before the reply."""
        self._check_not_closed()
        if self._goaway_sent:
            raise LocalProtocolError("no new stream after GOAWAY")
        stream = self._streams.open()
        if stream is None:
            raise LocalProtocolError("no stream id left on this connection")
        flags = Flag.FIN if fin else Flag.NONE
        self._output.frame(SynStream(stream.stream_id, tuple(headers), flags=flags))
        if fin:
            self._streams.apply(stream, Action.SEND_FIN)
        return stream.stream_id

    def reply(
        self,
        stream_id: int,
        headers: Iterable[tuple[str, str]] = (),
        *,
        fin: bool = False,
    ) -> None:
        """Accept a stream of the peer. The peer discards DATA that comes earlier."""
        stream = self._stream(stream_id)
        if stream.is_ours or stream.is_replied:
            raise LocalProtocolError(f"stream {stream_id} needs no reply")
        flags = Flag.FIN if fin else Flag.NONE
        self._output.frame(SynReply(stream_id, tuple(headers), flags=flags))
        stream.is_replied = True
        if fin and stream.may_send:
            self._streams.apply(stream, Action.SEND_FIN)

    def send_data(self, stream_id: int, data: Buffer, *, fin: bool = False) -> None:
        """Send data, in several frames when it is long.

        The buffer is not copied: leave it unchanged until it is written.
        """
        stream = self._stream(stream_id)
        if not stream.may_send:
            raise LocalProtocolError(f"stream {stream_id}: FIN was sent")
        if not (stream.is_ours or stream.is_replied):
            raise LocalProtocolError(f"stream {stream_id}: DATA before the reply")
        self._output.data(stream_id, data, fin=fin)
        if fin:
            self._streams.apply(stream, Action.SEND_FIN)

    def finish(self, stream_id: int) -> None:
        """Say that we send no more on a stream: an empty DATA frame with FIN.

        So does spdystream, which never puts FIN on the last data.
        """
        self.send_data(stream_id, b"", fin=True)

    def reset(self, stream_id: int, status: int = ResetStatus.CANCEL) -> None:
        """Drop a stream in both directions.

        After our FIN nothing goes on the wire, as in spdystream: the peer, which may
        go on sending, is ignored.
        """
        stream = self._stream(stream_id)
        if stream.may_send:
            self._output.frame(RstStream(stream_id, status))
        self._streams.apply(stream, Action.RESET)

    def ping(self) -> int:
        """Send a PING and return its id; `PingAnswered` will have it."""
        self._check_not_closed()
        ping_id = self._next_ping_id
        is_last = ping_id > _LARGEST_PING_ID
        self._next_ping_id = ping_id - _LARGEST_PING_ID if is_last else ping_id + 2
        self._pings.add(ping_id)
        self._output.frame(Ping(ping_id))
        return ping_id

    def goaway(self, status: int = GoAwayStatus.OK) -> None:
        """Announce the end; streams that are open may go on here.

        The peer however stops reading at once, so do this when all is said.
        """
        if self._goaway_sent or self._closed:
            return
        self._output.frame(GoAway(self._streams.highest_received, status))
        self._goaway_sent = True

    def close(self) -> None:
        """Reset all streams, then GOAWAY: the usual end of httpstream connections."""
        if not self._closed:
            for stream in self._streams:
                self.reset(stream.stream_id)
            self.goaway()

    def data_to_send(self, now: float | None = None) -> list[Buffer]:
        """Hand over what is to be written, in order."""
        buffers = self._output.take()
        if buffers:
            self._timers.frame_passed(now)
        return buffers

    # Time

    def deadline(self) -> float | None:
        """Return when to call `expire`, None: never."""
        if self.error is not None:
            return float("-inf")
        return None if self.closed else self._timers.deadline()

    def expire(self, now: float) -> list[Event]:
        """Do what is due: send a PING, or close for idleness."""
        self._raise_error()
        if self.closed:
            return []
        due = self._timers.due(now)
        if Timer.IDLE in due:
            self.close()
            self._end("idle timeout")
        elif Timer.PING in due and not self._pings:
            self.ping()
        return self._take_events()

    # Frames of the peer

    def _on_syn_stream(self, frame: SynStream) -> None:
        if self._goaway_sent:
            return self._ignore(frame.stream_id, "opened after our GOAWAY", frame)
        match self._streams.accept(frame.stream_id):
            case Verdict.ACCEPTED:
                self._opened(frame)
            case Verdict.REFUSED:
                self._refuse(frame, ResetStatus.REFUSED_STREAM, "too many streams")
            case Verdict.INVALID:
                self._count_invalid()
                self._refuse(frame, ResetStatus.PROTOCOL_ERROR, "id out of order")
            case Verdict.IN_USE:
                raise RemoteProtocolError(f"stream {frame.stream_id} is ours")
        return None

    def _opened(self, frame: SynStream) -> None:
        stream = self._stream(frame.stream_id)
        is_unidirectional = bool(frame.flags & Flag.UNIDIRECTIONAL)
        self._emit(
            StreamOpened(frame.stream_id, frame.headers, is_unidirectional, frame=frame)
        )
        if is_unidirectional:
            self._streams.apply(stream, Action.SEND_FIN)
        if frame.fin:
            self._finished(stream, frame)

    def _refuse(self, frame: SynStream, status: ResetStatus, reason: str) -> None:
        self._output.answer(RstStream(frame.stream_id, status))
        self._ignore(frame.stream_id, reason, frame)

    def _count_invalid(self) -> None:
        self._invalid_streams += 1
        if self._invalid_streams > self._limits.max_invalid_streams:
            raise RemoteProtocolError("too many streams with an id out of order")

    def _on_syn_reply(self, frame: SynReply) -> None:
        stream = self._streams.get(frame.stream_id)
        if stream is None or not stream.is_ours or stream.is_replied:
            return self._ignore(frame.stream_id, "no stream waits for it", frame)
        stream.is_replied = True
        self._emit(StreamReplied(frame.stream_id, frame.headers, frame=frame))
        if frame.fin:
            self._finished(stream, frame)
        return None

    def _on_data(self, frame: Data) -> None:
        stream = self._streams.get(frame.stream_id)
        if stream is None or not stream.may_receive:
            return self._ignore(frame.stream_id, "stream is at its end", frame)
        # The acceptor replies when it sees StreamOpened, maybe in the same chunk, so
        # only data for streams of ours can come too early.
        if stream.is_ours and not stream.is_replied:
            return self._ignore(frame.stream_id, "data before the reply", frame)
        if frame.data:
            self._emit(DataReceived(frame.stream_id, frame.data, frame=frame))
        if frame.fin:
            self._finished(stream, frame)
        return None

    def _on_headers(self, frame: HeadersFrame) -> None:
        stream = self._streams.get(frame.stream_id)
        if stream is None or not stream.may_receive:
            return self._ignore(frame.stream_id, "stream is at its end", frame)
        if stream.is_ours and not stream.is_replied:
            return self._ignore(frame.stream_id, "headers before the reply", frame)
        self._emit(HeadersReceived(frame.stream_id, frame.headers, frame=frame))
        if frame.fin:
            self._finished(stream, frame)
        return None

    def _on_rst_stream(self, frame: RstStream) -> None:
        stream = self._streams.get(frame.stream_id)
        if stream is None:
            return self._ignore(frame.stream_id, "stream is at its end", frame)
        self._streams.apply(stream, Action.RESET)
        self._emit(StreamReset(frame.stream_id, frame.status, frame=frame))
        return None

    def _on_ping(self, frame: Ping) -> None:
        # An id of the peer's parity is echoed byte for byte, one of ours is an answer.
        if frame.ping_id % 2 != self._next_ping_id % 2:
            self._output.answer(frame)
            self._emit(Pinged(frame.ping_id, frame=frame))
        elif frame.ping_id in self._pings:
            self._pings.discard(frame.ping_id)
            self._emit(PingAnswered(frame.ping_id, frame=frame))
        else:
            self._ignore(0, "answer to no PING of ours", frame)

    def _on_goaway(self, frame: GoAway) -> None:
        self._emit(GoneAway(frame.last_good_stream_id, frame.status, frame=frame))
        self._end("GOAWAY")

    def _on_advice(self, frame: Settings | WindowUpdate) -> None:
        self._emit(SettingsReceived(frame=frame))

    # The small parts

    def _finished(self, stream: Stream, frame: Frame) -> None:
        self._streams.apply(stream, Action.RECEIVE_FIN)
        self._emit(StreamFinished(stream.stream_id, frame=frame))

    def _end(self, reason: str) -> None:
        for stream in self._streams:
            if stream.may_receive:
                self._emit(StreamFinished(stream.stream_id))
        self._streams.clear()
        self._closed = True
        self._emit(ConnectionClosed(reason))

    def _fail(self, error: RemoteProtocolError) -> None:
        self.error = error
        self._closed = True
        self._streams.clear()
        if not self._events:
            raise error

    def _raise_error(self) -> None:
        if self.error is not None:
            raise self.error

    def _emit(self, event: Event) -> None:
        self._events.append(event)

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def _ignore(self, stream_id: int, reason: str, frame: Frame) -> None:
        self._emit(FrameIgnored(stream_id, reason, frame=frame))

    def _stream(self, stream_id: int) -> Stream:
        self._check_not_closed()
        stream = self._streams.get(stream_id)
        if stream is None:
            raise LocalProtocolError(f"stream {stream_id} is not open")
        return stream

    def _check_not_closed(self) -> None:
        if self._closed:
            raise LocalProtocolError("the connection is closed")

    _HANDLERS: ClassVar[dict[type[Frame], Callable[[Any, Any], None]]] = {
        SynStream: _on_syn_stream,
        SynReply: _on_syn_reply,
        RstStream: _on_rst_stream,
        Settings: _on_advice,
        Ping: _on_ping,
        GoAway: _on_goaway,
        HeadersFrame: _on_headers,
        WindowUpdate: _on_advice,
        Data: _on_data,
    }
