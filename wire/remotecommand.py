"""exec and attach sessions, server and client side, without I/O.

A session sits on a carrier (`wire.carrier`): WebSocket by default, SPDY streams
when one is passed in. Bytes in, events out; `data_to_send` is for `writelines`.

Source: remotecommand.md sections 3 to 6 and 9.
"""

from __future__ import annotations

from wire.carrier import (
    Buffer,
    Carrier,
    CarrierClosed,
    CarrierEvent,
    ChannelData,
    ChannelEnded,
    PingReceived,
    PongReceived,
)
from wire.channels import SUBPROTOCOLS, Channel
from wire.exit_status import ExitResult, StatusShape, encode, text
from wire.records import dataclass
from wire.terminal import ResizeDecoder, TerminalSize, encode_resize
from wire.websocket import CloseCode
from wire.websocket_carrier import WebSocketClientCarrier, WebSocketServerCarrier

__all__ = [
    "ClientEvent",
    "Closed",
    "PeerClosed",
    "PingReceived",
    "PongReceived",
    "RemoteCommandClient",
    "RemoteCommandServer",
    "Resized",
    "ServerEvent",
    "StatusReceived",
    "StderrReceived",
    "StdinClosed",
    "StdinReceived",
    "StdoutReceived",
    "StreamOptions",
]


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The streams a session has; a tty has no stderr of its own."""

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class StdinReceived:
    """Bytes for the command's standard input."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StdinClosed:
    """End of the command's standard input; the session goes on."""


@dataclass(frozen=True, slots=True)
class Resized:
    """The client's terminal has a new size."""

    size: TerminalSize


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The client left, or broke the protocol: send what is queued and hang up."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StdoutReceived:
    """Bytes of the command's standard output."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StderrReceived:
    """Bytes of the command's standard error."""

    data: bytes


@dataclass(frozen=True, slots=True)
class StatusReceived:
    """A piece of the error stream; the Status is whole only when the session ends."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """The session ended; 1000 is the only good code, 1006 a cut connection."""

    code: int
    reason: str = ""


ServerEvent = (
    StdinReceived | StdinClosed | Resized | PingReceived | PongReceived | PeerClosed
)
ClientEvent = (
    StdoutReceived
    | StderrReceived
    | StatusReceived
    | PingReceived
    | PongReceived
    | Closed
)


class RemoteCommandServer:
    """A runtime's side of a session.

    Call `start` first. When the command has ended and its output is sent:
    `send_result` (or `send_status`), `close`, and close the connection at once.
    """

    def __init__(
        self, subprotocol: str, options: StreamOptions, carrier: Carrier | None = None
    ) -> None:
        self.options = options
        self._carrier = carrier or WebSocketServerCarrier(subprotocol)
        self._json_status = SUBPROTOCOLS[subprotocol].json_status
        self._resizes = ResizeDecoder()
        self._stdin_open = options.stdin

    @property
    def closed(self) -> bool:
        """Whether nothing may be sent any more."""
        return self._carrier.closed

    def start(self) -> None:
        """Queue the empty message that says "ready", on the lowest output channel."""
        if self.options.stdout:
            channel = Channel.STDOUT
        elif self.options.stderr and not self.options.tty:
            channel = Channel.STDERR
        else:
            channel = Channel.ERROR
        self._carrier.send(channel, b"")

    def receive_data(self, data: Buffer) -> list[ServerEvent]:
        """What the client did. Never raises: a bad client ends in `PeerClosed`."""
        return self._translate(self._carrier.receive_data(data))

    def receive_eof(self) -> list[ServerEvent]:
        """The connection ended: stdin ends with it."""
        return self._translate(self._carrier.receive_eof())

    def send_stdout(self, data: Buffer) -> None:
        """Queue output; dropped when the client did not ask for it.

        `data` must not change before `data_to_send` was written.
        """
        if self.options.stdout and data:
            self._carrier.send(Channel.STDOUT, data)

    def send_stderr(self, data: Buffer) -> None:
        """Queue error output; dropped when not asked for, or when there is a tty."""
        if self.options.stderr and not self.options.tty and data:
            self._carrier.send(Channel.STDERR, data)

    def send_status(self, payload: bytes) -> None:
        """Queue the error stream's content as it is; nothing when it is empty."""
        if payload:
            self._carrier.send(Channel.ERROR, payload)

    def send_result(self, result: ExitResult, shape: StatusShape = "compact") -> None:
        """Queue the outcome in the form that the negotiated protocol has for it."""
        self.send_status(encode(result, shape) if self._json_status else text(result))

    def ping(self, payload: bytes = b"") -> None:
        """Queue a ping. Unlike upstream servers, which send none."""
        self._carrier.ping(payload)

    def close(self, code: int = CloseCode.NORMAL) -> None:
        """Queue the end of the session; calling it again does nothing."""
        self._carrier.close(code)

    def data_to_send(self) -> list[Buffer]:
        """The queued buffers; the queue is empty afterwards."""
        return self._carrier.data_to_send()

    def _translate(self, carried: list[CarrierEvent]) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        for event in carried:
            match event:
                case ChannelData(Channel.STDIN, data):
                    if self._stdin_open and data:
                        events.append(StdinReceived(data))
                case ChannelData(Channel.RESIZE, data):
                    if self.options.tty:
                        events.extend(map(Resized, self._resizes.receive_data(data)))
                case ChannelData():
                    pass  # a channel that clients do not write on: dropped
                case ChannelEnded(channel):
                    if channel == Channel.STDIN:
                        self._end_stdin(events)
                case CarrierClosed(code, reason):
                    self._end_stdin(events)
                    events.append(PeerClosed(code, reason))
                case PingReceived() | PongReceived():
                    events.append(event)
        return events

    def _end_stdin(self, events: list[ServerEvent]) -> None:
        if self._stdin_open:
            self._stdin_open = False
            events.append(StdinClosed())


class RemoteCommandClient:
    """A client's side of a session; it never closes first on success."""

    def __init__(
        self, subprotocol: str, options: StreamOptions, carrier: Carrier | None = None
    ) -> None:
        self.options = options
        self._carrier = carrier or WebSocketClientCarrier(subprotocol)
        self._stdin_open = options.stdin

    @property
    def closed(self) -> bool:
        """Whether nothing may be sent any more."""
        return self._carrier.closed

    def receive_data(self, data: Buffer) -> list[ClientEvent]:
        """What the server did. Never raises: a bad server ends in `Closed`."""
        return _translate_for_client(self._carrier.receive_data(data))

    def receive_eof(self) -> list[ClientEvent]:
        """The connection ended; 1006 unless a close frame came before."""
        return _translate_for_client(self._carrier.receive_eof())

    def send_stdin(self, data: Buffer) -> None:
        """Queue input; `data` may be reused at once, it is copied by masking."""
        if self._stdin_open and data and not self._carrier.closed:
            self._carrier.send(Channel.STDIN, data)

    def close_stdin(self) -> None:
        """Queue the end of input (v5 and SPDY); older WebSocket protocols cannot."""
        if self._stdin_open and not self._carrier.closed:
            self._carrier.end_channel(Channel.STDIN)
        self._stdin_open = False

    def send_resize(self, size: TerminalSize) -> None:
        """Queue a terminal size; only a tty session has the channel for it."""
        if self.options.tty and not self._carrier.closed:
            self._carrier.send(Channel.RESIZE, encode_resize(size))

    def ping(self, payload: bytes = b"") -> None:
        """Queue a ping; client-go sends one each 5 s."""
        if not self._carrier.closed:
            self._carrier.ping(payload)

    def close(self, code: int = CloseCode.NORMAL) -> None:
        """Queue the end of the session, to leave before the server ends it."""
        self._carrier.close(code)

    def data_to_send(self) -> list[Buffer]:
        """The queued buffers; the queue is empty afterwards."""
        return self._carrier.data_to_send()


_CLIENT_EVENTS: dict[int, type[StdoutReceived | StderrReceived | StatusReceived]] = {
    Channel.STDOUT: StdoutReceived,
    Channel.STDERR: StderrReceived,
    Channel.ERROR: StatusReceived,
}


def _translate_for_client(carried: list[CarrierEvent]) -> list[ClientEvent]:
    events: list[ClientEvent] = []
    for event in carried:
        match event:
            case ChannelData(channel, data):
                made = _CLIENT_EVENTS.get(channel)
                # Empty messages open a session; unknown channels are skipped.
                if made is not None and data:
                    events.append(made(data))
            case CarrierClosed(code, reason):
                events.append(Closed(code, reason))
            case PingReceived() | PongReceived():
                events.append(event)
            case ChannelEnded():
                pass
    return events
