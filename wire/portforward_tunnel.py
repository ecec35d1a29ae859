"""SPDY inside WebSocket: the tunnel that kubectl uses for port-forward since 1.31.

The SPDY bytes are cut anywhere into binary messages, empty ones included; there is no
channel byte. The subprotocol is that of SPDY after `SPDY/3.1+`.

Source: kubernetes/client-go tools/portforward/tunneling_connection.go;
kubernetes/apiserver pkg/util/proxy/streamtunnel.go; portforward.md section 3.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from wire.errors import RemoteProtocolError
from wire.http1_head import Headers, get_header
from wire.portforward_events import PORT_FORWARD_PROTOCOL, PortForwardEvent
from wire.spdy.streams import Role
from wire.websocket import (
    CloseCode,
    Frame,
    FrameDecoder,
    FrameError,
    Opcode,
    apply_mask,
    close_payload,
    encode_frame,
    frame_header,
    parse_close,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from wire.carrier import Buffer

__all__ = [
    "TUNNEL_PREFIX",
    "TUNNEL_SUBPROTOCOL",
    "Role",
    "Tunnel",
    "TunnelClosed",
    "TunnelData",
    "TunnelEvent",
    "Tunnelled",
    "is_tunnel_request",
    "tunnelled_protocols",
]

TUNNEL_PREFIX = "SPDY/3.1+"
TUNNEL_SUBPROTOCOL = TUNNEL_PREFIX + PORT_FORWARD_PROTOCOL
_SUFFIX = ".k8s.io"

_MAX_PAYLOAD = 1024 * 1024  # of one message that we take; client-go's have 32 KiB
_MAX_SENT = 64 * 1024  # of one message that we send, about


def tunnelled_protocols(headers: Headers) -> list[str]:
    """The SPDY protocols that a WebSocket request offers to tunnel, without prefix.

    Only the first Sec-WebSocket-Protocol line counts.
    """
    line = get_header(headers, "sec-websocket-protocol") or ""
    names = (name.strip() for name in line.split(","))
    return [
        name.removeprefix(TUNNEL_PREFIX)
        for name in names
        if name.startswith(TUNNEL_PREFIX) and name.endswith(_SUFFIX)
    ]


def is_tunnel_request(headers: Headers) -> bool:
    """Whether a WebSocket request is for a tunnel, and not for channels."""
    return bool(tunnelled_protocols(headers))


@dataclass(frozen=True, slots=True)
class TunnelData:
    """Bytes of SPDY; never empty."""

    data: bytes


@dataclass(frozen=True, slots=True)
class TunnelClosed:
    """Nothing more comes; 1000 is the end of the file, any other code an error."""

    code: int
    reason: str = ""


TunnelEvent = TunnelData | TunnelClosed


class Tunnel:
    """The WebSocket of a tunnel; what is inside is for someone else.

    Args:
        role: SERVER takes masked messages, CLIENT sends them.
        new_mask: gives 4 fresh random bytes; only tests pass their own.
    """

    def __init__(self, role: Role, new_mask: Callable[[], bytes] | None = None) -> None:
        is_server = role is Role.SERVER
        self._decoder = FrameDecoder(is_server, _MAX_PAYLOAD)
        self._new_mask = None if is_server else new_mask or _random_mask
        self._in_message = False
        self._queue: list[Buffer] = []
        self._ended = False
        self._close_sent = False

    @property
    def closed(self) -> bool:
        """Nothing may be sent any more."""
        return self._ended or self._close_sent

    def receive_data(self, data: Buffer) -> list[TunnelEvent]:
        """What came. Never raises: a bad peer ends in `TunnelClosed`."""
        events: list[TunnelEvent] = []
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
            code = err.code or CloseCode.PROTOCOL_ERROR
            self.close(code)
            self._end(code, str(err), events)
        return events

    def receive_eof(self) -> list[TunnelEvent]:
        """The connection ended: 1006 unless a close frame came before."""
        events: list[TunnelEvent] = []
        self._end(CloseCode.ABNORMAL, "unexpected EOF", events)
        return events

    def send(self, buffers: Iterable[Buffer]) -> None:
        """Queue bytes of SPDY, few messages for many buffers."""
        message: list[Buffer] = []
        size = 0
        for buffer in buffers:
            message.append(buffer)
            size += len(buffer)
            if size >= _MAX_SENT:
                self._send_message(message, size)
                message, size = [], 0
        if size:
            self._send_message(message, size)

    def close(self, code: int = CloseCode.NORMAL) -> None:
        """Queue the close frame, once."""
        if not self._close_sent:
            mask = self._new_mask() if self._new_mask else None
            self._queue.append(
                encode_frame(Opcode.CLOSE, close_payload(code), mask=mask)
            )
            self._close_sent = True

    def data_to_send(self) -> list[Buffer]:
        """The queued buffers, in order; the queue is empty afterwards."""
        queue, self._queue = self._queue, []
        return queue

    def _send_message(self, buffers: list[Buffer], size: int) -> None:
        if self._close_sent:
            return
        if self._new_mask is None:
            self._queue += (frame_header(Opcode.BINARY, size), *buffers)
            return
        mask = self._new_mask()
        masked = apply_mask(b"".join(buffers), mask)
        self._queue += (frame_header(Opcode.BINARY, size, mask=mask), masked)

    def _on_frames(self, frames: list[Frame], events: list[TunnelEvent]) -> None:
        for frame in frames:
            if not self._ended:
                self._on_frame(frame, events)

    def _on_frame(self, frame: Frame, events: list[TunnelEvent]) -> None:
        match frame.opcode:
            case Opcode.PING:
                if not self._close_sent:
                    mask = self._new_mask() if self._new_mask else None
                    self._queue.append(
                        encode_frame(Opcode.PONG, frame.payload, mask=mask)
                    )
            case Opcode.PONG:
                pass
            case Opcode.CLOSE:
                code, reason = parse_close(frame.payload)
                self.close()
                self._end(code, reason, events)
            case _:
                self._on_message(frame, events)

    def _on_message(self, frame: Frame, events: list[TunnelEvent]) -> None:
        is_continuation = frame.opcode == Opcode.CONTINUATION
        if is_continuation != self._in_message:
            text = "continuation after FIN" if is_continuation else "data before FIN"
            raise RemoteProtocolError(text, code=CloseCode.PROTOCOL_ERROR)
        if frame.opcode == Opcode.TEXT:
            raise RemoteProtocolError("invalid message type received")
        self._in_message = not frame.fin
        # An empty message is no end of the file: Go writes a FIN as 4, 4 and 0 bytes.
        if frame.payload:
            events.append(TunnelData(frame.payload))

    def _end(self, code: int, reason: str, events: list[TunnelEvent]) -> None:
        if not self._ended:
            self._ended = True
            events.append(TunnelClosed(code, reason))


class _SpdySession(Protocol):
    """The part of `PortForwardServer` and `PortForwardClient` that moves bytes."""

    @property
    def closed(self) -> bool: ...
    def receive_data(
        self, data: Buffer, now: float | None = None
    ) -> list[PortForwardEvent]: ...
    def receive_eof(self) -> list[PortForwardEvent]: ...
    def data_to_send(self, now: float | None = None) -> list[Buffer]: ...
    def deadline(self) -> float | None: ...
    def expire(self, now: float) -> list[PortForwardEvent]: ...


SessionT = TypeVar("SessionT", bound=_SpdySession)


class Tunnelled(Generic[SessionT]):
    """A port-forward session whose bytes go through a tunnel.

    Move bytes here, and do all else on `session`. When the session is closed the
    close frame follows its last bytes.
    """

    def __init__(self, session: SessionT, tunnel: Tunnel) -> None:
        self.session = session
        self._tunnel = tunnel

    @property
    def closed(self) -> bool:
        """Nothing more comes or may be sent: flush, then close the transport."""
        return self.session.closed or self._tunnel.closed

    def receive_data(
        self, data: Buffer, now: float | None = None
    ) -> list[PortForwardEvent]:
        """What the peer did. Never raises: bad bytes end in `Closed`."""
        events: list[PortForwardEvent] = []
        for event in self._tunnel.receive_data(data):
            match event:
                case TunnelData(data):
                    events += self.session.receive_data(data, now)
                case TunnelClosed():
                    events += self.session.receive_eof()
        return events

    def receive_eof(self) -> list[PortForwardEvent]:
        """The connection ended."""
        self._tunnel.receive_eof()
        return self.session.receive_eof()

    def data_to_send(self, now: float | None = None) -> list[Buffer]:
        """The queued buffers, in order; the queue is empty afterwards."""
        self._tunnel.send(self.session.data_to_send(now))
        if self.session.closed:
            self._tunnel.close()
        return self._tunnel.data_to_send()

    def deadline(self) -> float | None:
        """Return when to call `expire`, None: never."""
        return self.session.deadline()

    def expire(self, now: float) -> list[PortForwardEvent]:
        """Do what is due in the session."""
        return self.session.expire(now)


def _random_mask() -> bytes:
    # RFC 6455 5.3: "The masking key needs to be unpredictable"
    return os.urandom(4)
