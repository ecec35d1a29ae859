"""Port-forward over plain WebSocket channels, the form of most client libraries.

The ports stand in the query. Port number i of it has two channels, 2i for data both
ways and 2i + 1 for an error text. On each the server first sends the port, as two
bytes, little-endian. There is one connection a port, opened at once; no half-close, and
the end comes when all ports have ended.

Source: kubernetes/cri-streaming pkg/streaming/portforward/websocket.go;
portforward.md section 4.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wire.channels import (
    ChannelMessage,
    Codec,
    decode_base64,
    decode_binary,
    encode_base64,
    encode_binary,
)
from wire.errors import RemoteProtocolError
from wire.portforward_events import (
    Closed,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardOpened,
    PortForwardEvent,
)
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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wire.carrier import Buffer

__all__ = [
    "MAX_PORTS",
    "PORT_FORWARD_SUBPROTOCOLS",
    "PortForwardChannelClient",
    "PortForwardChannelServer",
]

PORT_FORWARD_SUBPROTOCOLS = ("", "v4.channel.k8s.io", "v4.base64.channel.k8s.io")
"""What a runtime accepts; "" is a client that offers none."""

MAX_PORTS = 127
"""A channel number has one byte."""

_MAX_DATA = 32 * 1024  # of one message; some clients refuse more than 64 KiB
_CODECS = {
    "": Codec.BINARY,
    "v4.channel.k8s.io": Codec.BINARY,
    "v4.base64.channel.k8s.io": Codec.BASE64,
}


class _ChannelSession:
    """What both sides share: frames, the codec, pings and the close frame."""

    def __init__(
        self, subprotocol: str, ports: Sequence[int], decoder: FrameDecoder
    ) -> None:
        if not 0 < len(ports) <= MAX_PORTS:
            raise RemoteProtocolError(f"{len(ports)} ports: 1 to {MAX_PORTS} expected")
        self._codec = _CODECS[subprotocol]
        self._ports = tuple(ports)
        self._decoder = decoder
        self._queue: list[Buffer] = []
        self._ended = False
        self._close_sent = False

    @property
    def closed(self) -> bool:
        """Nothing more comes or may be sent: flush, then close the transport."""
        return self._ended or self._close_sent

    def receive_data(
        self, data: Buffer, now: float | None = None
    ) -> list[PortForwardEvent]:
        """What the peer did. Never raises: bad bytes end in `Closed`."""
        events: list[PortForwardEvent] = []
        if self._ended:
            return events
        try:
            try:
                frames = self._decoder.receive_data(data)
            except FrameError as err:
                self._on_frames(err.frames, events)
                raise
            self._on_frames(frames, events)
        except RemoteProtocolError as err:
            self._fail(err.code or CloseCode.PROTOCOL_ERROR)
            self._end(str(err), events)
        return events

    def receive_eof(self) -> list[PortForwardEvent]:
        """The connection ended."""
        events: list[PortForwardEvent] = []
        self._end("unexpected EOF", events)
        return events

    def send_data(self, forward: int, data: Buffer) -> None:
        """Queue data of a forward; nothing when the session is over.

        `data` must not change before `data_to_send` was written.
        """
        if self.closed:
            return
        with memoryview(data) as view:
            for start in range(0, len(view), _MAX_DATA):
                self._send(2 * forward, bytes(view[start : start + _MAX_DATA]))

    def close(self) -> None:
        """Queue the close frame."""
        self._close(CloseCode.NORMAL)

    def data_to_send(self, now: float | None = None) -> list[Buffer]:
        """The queued buffers, in order; the queue is empty afterwards."""
        queue, self._queue = self._queue, []
        return queue

    def deadline(self) -> float | None:
        """None: this form has no timers of its own."""

    def expire(self, now: float) -> list[PortForwardEvent]:
        """Nothing is ever due."""
        return []

    def _on_frames(self, frames: list[Frame], events: list[PortForwardEvent]) -> None:
        for frame in frames:
            if self._ended:
                return
            match frame.opcode:
                case Opcode.PING:
                    if not self._close_sent:
                        self._frame(Opcode.PONG, frame.payload[:125])
                case Opcode.PONG:
                    pass
                case Opcode.CLOSE:
                    self._close(CloseCode.NORMAL)
                    self._end(_close_reason(frame.payload), events)
                case _:
                    self._on_message(frame, events)

    def _decode(self, payload: bytes) -> ChannelMessage:
        if self._codec is Codec.BINARY:
            return decode_binary(payload)
        message = decode_base64(payload)
        return ChannelMessage(message.channel % 256, message.data)

    def _send(self, channel: int, data: bytes) -> None:
        if self._codec is Codec.BINARY:
            payload = encode_binary(channel, data)
        else:
            # Go adds '0' to the channel in one byte, which overflows with many ports.
            is_overflow = channel + 0x30 > 255
            payload = encode_base64(channel - 256 if is_overflow else channel, data)
        self._frame(Opcode(self._codec), payload)

    def _close(self, code: int) -> None:
        if not self._close_sent:
            self._frame(Opcode.CLOSE, close_payload(code))
            self._close_sent = True

    def _fail(self, code: int) -> None:
        """Say what is wrong with the peer's bytes."""
        self._close(code)

    def _end(self, reason: str, events: list[PortForwardEvent]) -> None:
        if not self._ended:
            self._ended = True
            events += map(ForwardClosed, self._forget_all())
            events.append(Closed(reason))

    def _frame(self, opcode: Opcode, payload: bytes) -> None:
        raise NotImplementedError

    def _on_message(self, frame: Frame, events: list[PortForwardEvent]) -> None:
        raise NotImplementedError

    def _forget_all(self) -> list[int]:
        raise NotImplementedError


def _close_reason(payload: bytes) -> str:
    try:
        code, reason = parse_close(payload)
    except RemoteProtocolError:
        code, reason = CloseCode.NO_STATUS, ""
    return f"websocket: close {code}" + (f": {reason}" if reason else "")


class PortForwardChannelServer(_ChannelSession):
    """The runtime's side; forward i is port i of the query.

    Call `start` first. The close frame goes out when all forwards have ended.
    """

    def __init__(self, subprotocol: str, ports: Sequence[int]) -> None:
        super().__init__(subprotocol, ports, FrameDecoder(True, lenient=True))
        self._open_forwards = set(range(len(ports)))

    def start(self) -> list[PortForwardEvent]:
        """Queue the port on each channel; return the forwards to connect."""
        for forward, port in enumerate(self._ports):
            for channel in (2 * forward, 2 * forward + 1):
                # As Go makes a uint16 of it; the forward then fails.
                self._send(channel, (port & 0xFFFF).to_bytes(2, "little"))
        return [
            ForwardOpened(forward, port) for forward, port in enumerate(self._ports)
        ]

    def send_data(self, forward: int, data: Buffer) -> None:
        """Queue data; nothing when the forward has ended."""
        if forward in self._open_forwards:
            super().send_data(forward, data)

    def finish(self, forward: int) -> None:
        """Nothing: this form has no half-close."""

    def end(self, forward: int) -> None:
        """The forward has ended, which shows only when it is the last."""
        self._open_forwards.discard(forward)
        if not self._open_forwards:
            self.close()

    def fail(self, forward: int, text: str) -> None:
        """Queue the error text of a forward, then end it."""
        if not self.closed and forward in self._open_forwards:
            self._send(2 * forward + 1, text.encode("utf-8", "replace"))
        self.end(forward)

    def _on_message(self, frame: Frame, events: list[PortForwardEvent]) -> None:
        try:
            message = self._decode(frame.payload)
        except RemoteProtocolError:
            return  # wsstream logs it and drops the message
        forward, is_error_channel = divmod(message.channel, 2)
        # Channels of no port, and of a port that has ended, are ignored.
        if forward in self._open_forwards and not is_error_channel and message.data:
            events.append(DataReceived(forward, message.data))

    def _fail(self, code: int) -> None:
        # x/net answers a missing mask with 1002, wsstream any error with its own 1000
        if code == CloseCode.PROTOCOL_ERROR and not self._close_sent:
            self._frame(Opcode.CLOSE, close_payload(code))
        self._close(CloseCode.NORMAL)

    def _frame(self, opcode: Opcode, payload: bytes) -> None:
        self._queue += (frame_header(opcode, len(payload)), payload)

    def _forget_all(self) -> list[int]:
        forwards, self._open_forwards = sorted(self._open_forwards), set()
        return forwards


class PortForwardChannelClient(_ChannelSession):
    """A client library's side; forward i is the i-th port that it asked for."""

    def __init__(
        self,
        subprotocol: str,
        ports: Sequence[int],
        new_mask: Callable[[], bytes] | None = None,
    ) -> None:
        """`new_mask` gives 4 fresh random bytes; only tests pass their own."""
        super().__init__(subprotocol, ports, FrameDecoder(False))
        self._new_mask = new_mask or _random_mask
        self._unannounced = set(range(2 * len(ports)))

    def _on_message(self, frame: Frame, events: list[PortForwardEvent]) -> None:
        if frame.opcode != self._codec or not frame.fin:
            raise RemoteProtocolError(f"unexpected message type: {frame.opcode}")
        message = self._decode(frame.payload)
        if not 0 <= message.channel < 2 * len(self._ports):
            raise RemoteProtocolError(f"unexpected channel number: {message.channel}")
        forward, is_error_channel = divmod(message.channel, 2)
        if message.channel in self._unannounced:
            self._on_announced(message, events)
        elif is_error_channel:
            text = message.data.decode(errors="replace")
            events.append(ErrorText(forward, text))
        elif message.data:
            events.append(DataReceived(forward, message.data))

    def _on_announced(
        self, message: ChannelMessage, events: list[PortForwardEvent]
    ) -> None:
        forward = message.channel // 2
        port = self._ports[forward]
        if message.data != port.to_bytes(2, "little"):
            raise RemoteProtocolError(
                f"channel {message.channel} begins with {message.data[:8].hex()!r}: "
                f"expected port {port}"
            )
        self._unannounced.remove(message.channel)
        if not {2 * forward, 2 * forward + 1} & self._unannounced:
            events.append(ForwardOpened(forward, port))

    def _frame(self, opcode: Opcode, payload: bytes) -> None:
        self._queue.append(encode_frame(opcode, payload, mask=self._new_mask()))

    def _forget_all(self) -> list[int]:
        return list(range(len(self._ports)))


def _random_mask() -> bytes:
    # RFC 6455 5.3: "The masking key needs to be unpredictable"
    return os.urandom(4)
