"""channel.k8s.io messages on a WebSocket, server and client side.

The server reads as golang.org/x/net/websocket with wsstream on top does: each
frame is a message, its opcode does not matter, a bad frame ends the session with
the usual close. The client reads as gorilla/websocket with client-go on top does.
Source: remotecommand.md sections 5 and 10.
"""

from __future__ import annotations

import os

from wire.carrier import (
    Buffer,
    CarrierClosed,
    CarrierEvent,
    ChannelData,
    ChannelEnded,
    PingReceived,
    PongReceived,
)
from wire.channels import (
    SUBPROTOCOLS,
    Channel,
    ChannelMessage,
    Codec,
    decode_base64,
    decode_binary,
    encode_base64,
)
from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.websocket import (
    CloseCode,
    Frame,
    FrameDecoder,
    FrameError,
    Opcode,
    close_payload,
    encode_frame,
    frame_header,
    parse_close,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_DATA", "WebSocketClientCarrier", "WebSocketServerCarrier"]

#: Data bytes in one message: Go's io.Copy buffer. Some clients refuse messages of
#: more than 64 KiB (clients.md section 4).
MAX_DATA = 32 * 1024

_DECODERS = {Codec.BINARY: decode_binary, Codec.BASE64: decode_base64}


class _WebSocketCarrier:
    """What both sides share: the queue, the codec, pings and the close frame."""

    def __init__(self, subprotocol: str, decoder: FrameDecoder) -> None:
        if subprotocol not in SUBPROTOCOLS:
            raise LocalProtocolError(f"unknown subprotocol {subprotocol!r}")
        self.subprotocol = SUBPROTOCOLS[subprotocol]
        self._decode = _DECODERS[self.subprotocol.codec]
        self._decoder = decoder
        self._queue: list[Buffer] = []
        self._peer_gone = False
        self.closed = False

    def data_to_send(self) -> list[Buffer]:
        """The queued buffers, in order; the queue is empty afterwards."""
        queue, self._queue = self._queue, []
        return queue

    def ping(self, payload: bytes = b"") -> None:
        """Queue a ping of at most 125 bytes."""
        self._send_frame(Opcode.PING, payload)

    def send(self, channel: int, data: Buffer) -> None:
        """Queue data on a channel, in messages of at most `MAX_DATA`.

        Empty data gives one empty message.
        """
        self._check_open()
        if len(data) <= MAX_DATA:
            self._send_message(channel, data)
            return
        with memoryview(data) as view:
            for start in range(0, len(view), MAX_DATA):
                self._send_message(channel, bytes(view[start : start + MAX_DATA]))

    def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Queue the close frame, once."""
        if not self.closed:
            self._send_frame(Opcode.CLOSE, close_payload(code, reason))
            self.closed = True

    def receive_eof(self) -> list[CarrierEvent]:
        """The connection ended: 1006 unless a close frame came before."""
        return self._end(CloseCode.ABNORMAL, "unexpected EOF")

    def _check_open(self) -> None:
        if self.closed:
            raise LocalProtocolError("the session is closed")

    def _end(self, code: int, reason: str = "") -> list[CarrierEvent]:
        if self._peer_gone:
            return []
        self._peer_gone = True
        return [CarrierClosed(code, reason)]

    def _send_message(self, channel: int, data: Buffer) -> None:
        raise NotImplementedError

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        raise NotImplementedError


class WebSocketServerCarrier(_WebSocketCarrier):
    """The side that a runtime, or a translator, has."""

    def __init__(self, subprotocol: str) -> None:
        super().__init__(subprotocol, FrameDecoder(True, lenient=True))

    def end_channel(self, channel: int) -> None:
        """Nothing: no server sends FF messages (remotecommand.md section 5)."""

    def receive_data(self, data: Buffer) -> list[CarrierEvent]:
        """Channel events; after `CarrierClosed`, nothing."""
        events: list[CarrierEvent] = []
        if self._peer_gone:
            return events
        try:
            frames = self._decoder.receive_data(data)
        except FrameError as err:
            frames = err.frames
            self._read(frames, events)
            return events + self._fail(err)
        self._read(frames, events)
        return events

    def _read(self, frames: list[Frame], events: list[CarrierEvent]) -> None:
        for frame in frames:
            if self._peer_gone:
                return
            match frame.opcode:
                case Opcode.PING:
                    self._on_ping(frame, events)
                case Opcode.PONG:
                    events.append(PongReceived(frame.payload))
                case Opcode.CLOSE:
                    # x/net makes io.EOF of it; wsstream answers with its own 1000.
                    events += self._end(*_lenient_close(frame.payload))
                    self.close()
                case _:
                    self._on_message(frame.payload, events)

    def _on_ping(self, frame: Frame, events: list[CarrierEvent]) -> None:
        payload = frame.payload[:125]  # x/net answers what fits
        if not self.closed:
            self._send_frame(Opcode.PONG, payload)
        events.append(PingReceived(payload))

    def _on_message(self, payload: bytes, events: list[CarrierEvent]) -> None:
        if not payload:
            return
        # v5 reads FF before decoding: it has binary messages only.
        if payload[0] == Channel.CLOSE and self.subprotocol.close_channel:
            self._on_close_channel(payload, events)
            return
        try:
            message = self._decode(payload)
        except RemoteProtocolError:
            return  # wsstream logs it and drops the message
        if 0 <= message.channel <= Channel.RESIZE and message.data:
            events.append(ChannelData(message.channel, message.data))

    def _on_close_channel(self, payload: bytes, events: list[CarrierEvent]) -> None:
        # conn.go: another length, or a channel that does not exist, ends the session
        if len(payload) == 2 and payload[1] <= Channel.RESIZE:
            events.append(ChannelEnded(payload[1]))
            return
        events += self._end(CloseCode.PROTOCOL_ERROR, "bad channel close")
        self.close()

    def _fail(self, err: RemoteProtocolError) -> list[CarrierEvent]:
        """End as x/net does: 1002 for a missing mask, then the usual 1000."""
        ended = self._end(err.code or CloseCode.PROTOCOL_ERROR, str(err))
        if ended and not self.closed:
            if err.code == CloseCode.PROTOCOL_ERROR:
                self._send_frame(Opcode.CLOSE, close_payload(err.code))
            self.close()
        return ended

    def _send_message(self, channel: int, data: Buffer) -> None:
        if self.subprotocol.codec is Codec.BASE64:
            self._send_frame(Opcode.TEXT, encode_base64(channel, data))
            return
        header = frame_header(Opcode.BINARY, len(data) + 1)
        self._queue.append(header + bytes((channel,)))
        if data:
            self._queue.append(data)

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        self._queue.append(encode_frame(opcode, payload))


class WebSocketClientCarrier(_WebSocketCarrier):
    """The side that kubectl has."""

    def __init__(
        self, subprotocol: str, new_mask: Callable[[], bytes] | None = None
    ) -> None:
        """`new_mask` gives 4 fresh random bytes; only tests pass their own."""
        super().__init__(subprotocol, FrameDecoder(False))
        self._new_mask = new_mask or _random_mask
        self._continued: int | None = None  # channel of an unfinished message
        self._opcode = Opcode(self.subprotocol.codec)

    def end_channel(self, channel: int) -> None:
        """Queue `FF channel` on v5; older protocols cannot half-close."""
        self._check_open()
        if self.subprotocol.close_channel:
            self._send_frame(Opcode.BINARY, bytes((Channel.CLOSE, channel)))

    def receive_data(self, data: Buffer) -> list[CarrierEvent]:
        """Channel events; after `CarrierClosed`, nothing."""
        events: list[CarrierEvent] = []
        if self._peer_gone:
            return events
        try:
            self._read(self._decoder.receive_data(data), events)
        except FrameError as err:
            self._fail(err, err.frames, events)
        except RemoteProtocolError as err:
            self._fail(err, [], events)
        return events

    def _fail(
        self, err: RemoteProtocolError, frames: list[Frame], events: list[CarrierEvent]
    ) -> None:
        try:
            self._read(frames, events)
        except RemoteProtocolError as earlier:
            err = earlier
        code = err.code or CloseCode.PROTOCOL_ERROR
        self.close(code)
        events += self._end(code, str(err))

    def _read(self, frames: list[Frame], events: list[CarrierEvent]) -> None:
        for frame in frames:
            if self._peer_gone:
                return
            match frame.opcode:
                case Opcode.PING:
                    if not self.closed:
                        self._send_frame(Opcode.PONG, frame.payload)
                    events.append(PingReceived(frame.payload))
                case Opcode.PONG:
                    events.append(PongReceived(frame.payload))
                case Opcode.CLOSE:
                    self._on_close(frame.payload, events)
                case _:
                    self._on_message(frame, events)

    def _on_close(self, payload: bytes, events: list[CarrierEvent]) -> None:
        code, reason = parse_close(payload)
        # RFC 6455 5.5.1: "an endpoint MUST send a Close frame in response"
        self.close(code if code != CloseCode.NO_STATUS else CloseCode.NORMAL)
        events += self._end(code, reason)

    def _on_message(self, frame: Frame, events: list[CarrierEvent]) -> None:
        if frame.opcode == Opcode.CONTINUATION:
            message: ChannelMessage | None = self._continue(frame)
        else:
            message = self._start(frame)
        if message is None:
            return
        self._continued = None if frame.fin else message.channel
        if message.channel == Channel.CLOSE and self.subprotocol.close_channel:
            events.extend(ChannelEnded(channel) for channel in message.data[:1])
        else:
            events.append(ChannelData(message.channel, message.data))

    def _start(self, frame: Frame) -> ChannelMessage | None:
        if self._continued is not None:
            raise RemoteProtocolError("data before FIN", code=CloseCode.PROTOCOL_ERROR)
        if frame.opcode != self._opcode:
            raise RemoteProtocolError(f"unexpected message type: {frame.opcode}")
        return self._decode(frame.payload) if frame.payload else None

    def _continue(self, frame: Frame) -> ChannelMessage:
        if self._continued is None:
            text = "continuation after FIN"
            raise RemoteProtocolError(text, code=CloseCode.PROTOCOL_ERROR)
        if self.subprotocol.codec is Codec.BASE64:
            return self._decode(b"%c%b" % (0x30 + self._continued, frame.payload))
        return ChannelMessage(self._continued, frame.payload)

    def _send_message(self, channel: int, data: Buffer) -> None:
        if self.subprotocol.codec is Codec.BASE64:
            self._send_frame(Opcode.TEXT, encode_base64(channel, data))
        else:
            self._send_frame(Opcode.BINARY, bytes((channel,)) + data)

    def _send_frame(self, opcode: int, payload: bytes) -> None:
        self._queue.append(encode_frame(opcode, payload, mask=self._new_mask()))


def _random_mask() -> bytes:
    # RFC 6455 5.3: "The masking key needs to be unpredictable"
    return os.urandom(4)


def _lenient_close(payload: bytes) -> tuple[int, str]:
    """x/net does not look into the close frame at all."""
    try:
        return parse_close(payload)
    except RemoteProtocolError:
        return CloseCode.NO_STATUS, ""
