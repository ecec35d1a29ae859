"""What a connection carries after 101: WebSocket with its channels, or SPDY."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hops.pipe import Direction
from wire.channels import (
    SUBPROTOCOLS,
    Channel,
    ChannelMessage,
    Codec,
    Subprotocol,
    decode_base64,
    decode_binary,
)
from wire.errors import RemoteProtocolError
from wire.http1 import RequestHead, ResponseHead, get_header
from wire.spdy import frames as spdy
from wire.spdy.frame_decoder import FrameDecoder as SpdyDecoder
from wire.terminal import ResizeDecoder
from wire.websocket import Frame, FrameDecoder, FrameError, Opcode, parse_close

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.taps import Layer, Teller

__all__ = ["RawLayer", "SpdyLayer", "WebSocketLayer", "upgraded_layer"]


def upgraded_layer(
    teller: Teller, head: ResponseHead, request: RequestHead | None
) -> Layer:
    """The decoder of what the answer switches to."""
    upgrade = (get_header(head.headers, "upgrade") or "").lower()
    if upgrade == "websocket":
        chosen = get_header(head.headers, "sec-websocket-protocol") or ""
        return WebSocketLayer(teller, chosen, _path(request))
    if upgrade == "spdy/3.1":
        return SpdyLayer(teller)
    return RawLayer(teller)


def _path(request: RequestHead | None) -> str:
    return request.target.partition("?")[0] if request is not None else ""


class RawLayer:
    """Bytes of a protocol that has no decoder."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    def feed(self, direction: Direction, data: bytes) -> None:
        """Bytes went by."""
        self._teller.tell(direction, "raw", "data", size=len(data))

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""


class WebSocketLayer:
    """Frames; messages of a channel protocol are told a second time as such."""

    def __init__(self, teller: Teller, subprotocol: str, path: str) -> None:
        self._teller = teller
        self._decoders = {
            way: FrameDecoder(None, max_payload=1 << 40, lenient=True)
            for way in Direction
        }
        self._upper = _layer_above(teller, subprotocol, path)

    def feed(self, direction: Direction, data: bytes) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are no frames."""
        try:
            frames = self._decoders[direction].receive_data(data)
        except FrameError as err:
            for frame in err.frames:
                self._on_frame(direction, frame)
            raise
        for frame in frames:
            self._on_frame(direction, frame)

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""

    def _on_frame(self, direction: Direction, frame: Frame) -> None:
        self._teller.tell(
            direction,
            "websocket",
            _opcode_name(frame.opcode),
            size=len(frame.payload),
            info=_frame_info(frame),
        )
        if not frame.is_control and self._upper is not None:
            self._upper(direction, frame)


def _opcode_name(opcode: int) -> str:
    try:
        return Opcode(opcode).name.lower()
    except ValueError:
        return f"opcode-{opcode}"


def _frame_info(frame: Frame) -> dict[str, Any]:
    info: dict[str, Any] = {"wire": frame.raw_size}
    if not frame.fin:
        info["fin"] = False
    if frame.rsv:
        info["rsv"] = frame.rsv
    if frame.opcode == Opcode.CLOSE:
        try:
            info["code"], info["reason"] = parse_close(frame.payload)
        except RemoteProtocolError as err:
            info["error"] = str(err)
    return info


def _layer_above(
    teller: Teller, subprotocol: str, path: str
) -> Callable[[Direction, Frame], None] | None:
    kind = SUBPROTOCOLS.get(subprotocol)
    if kind is None:
        if subprotocol.startswith("SPDY/3.1+"):
            return _Tunnel(teller).on_frame
        return None
    # In the legacy port-forward protocol channels are pairs, two for each port.
    is_command = "portforward" not in path.lower()
    return _Channels(teller, kind, is_command).on_frame


class _Tunnel:
    """SPDY inside WebSocket messages (portforward.md, the tunnel)."""

    def __init__(self, teller: Teller) -> None:
        self._spdy = SpdyLayer(teller)

    def on_frame(self, direction: Direction, frame: Frame) -> None:
        """The messages of a direction together are its SPDY bytes."""
        self._spdy.feed(direction, frame.payload)


class _Channels:
    """channel.k8s.io messages, and what they mean in exec and attach."""

    def __init__(self, teller: Teller, kind: Subprotocol, is_command: bool) -> None:
        self._teller = teller
        self._kind = kind
        self._is_command = is_command
        self._decode = decode_base64 if kind.codec is Codec.BASE64 else decode_binary
        self._resizes = ResizeDecoder()

    def on_frame(self, direction: Direction, frame: Frame) -> None:
        """Each frame is a message, as the servers read it."""
        if not frame.payload:
            return
        try:
            message = self._decode(frame.payload)
        except RemoteProtocolError as err:
            info = {"error": str(err)}
            self._teller.tell(direction, "channel", "undecodable", info=info)
            return
        self._teller.tell(
            direction,
            "channel",
            _channel_name(message.channel) if self._is_command else "data",
            stream=message.channel,
            size=len(message.data),
        )
        if self._is_command:
            self._tell_meaning(direction, message)

    def _tell_meaning(self, direction: Direction, message: ChannelMessage) -> None:
        match message.channel:
            case Channel.RESIZE:
                for size in self._resizes.receive_data(message.data):
                    info = {"width": size.width, "height": size.height}
                    self._tell(direction, "resize", info)
            case Channel.ERROR if message.data:
                self._tell(direction, "status", _status_info(message.data))
            case Channel.CLOSE if self._kind.close_channel and message.data:
                closed = _channel_name(message.data[0])
                self._tell(direction, "close", {"channel": closed})
            case Channel.STDOUT | Channel.STDERR | Channel.ERROR if not message.data:
                self._tell(direction, "ready", {})

    def _tell(self, direction: Direction, kind: str, info: dict[str, Any]) -> None:
        self._teller.tell(direction, "remotecommand", kind, info=info)


def _channel_name(number: int) -> str:
    try:
        return Channel(number).name.lower()
    except ValueError:
        return f"channel-{number}"


def _status_info(data: bytes) -> dict[str, Any]:
    try:
        status = json.loads(data)
    except (ValueError, RecursionError):
        return {"text": data.decode(errors="replace")}
    return {"status": status} if isinstance(status, dict) else {"text": str(status)}


class SpdyLayer:
    """SPDY/3.1 frames; streams of exec, attach and port-forward are named."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._decoders = {way: SpdyDecoder() for way in Direction}
        self._names: dict[int, str] = {}  # of streams, by their streamType

    def feed(self, direction: Direction, data: bytes) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are no SPDY."""
        decoder = self._decoders[direction]
        for frame in decoder.receive_data(data):
            self._on_frame(direction, frame)
        if decoder.error is not None:
            raise decoder.error

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""

    def _on_frame(self, direction: Direction, frame: spdy.Frame) -> None:
        stream = getattr(frame, "stream_id", None)
        info: dict[str, Any] = {}
        if getattr(frame, "fin", False):
            info["fin"] = True
        size = 0
        match frame:
            case spdy.Data(data=data):
                name, size = "data", len(data)
            case spdy.SynStream(headers=headers):
                name = "syn_stream"
                info["headers"] = [list(pair) for pair in headers]
                self._names[frame.stream_id] = dict(headers).get("streamtype", "")
            case spdy.SynReply(headers=headers) | spdy.HeadersFrame(headers=headers):
                name = frame.type.name.lower()
                info["headers"] = [list(pair) for pair in headers]
            case _:
                name = frame.type.name.lower()
                info |= _numbers(frame)
        if stream is not None and self._names.get(stream):
            info["name"] = self._names[stream]
        self._teller.tell(direction, "spdy", name, stream=stream, size=size, info=info)
        if info.get("name") == "error" and isinstance(frame, spdy.Data) and frame.data:
            status = _status_info(frame.data)
            self._teller.tell(direction, "remotecommand", "status", info=status)


def _numbers(frame: spdy.Frame) -> dict[str, Any]:
    names = ("status", "ping_id", "last_good_stream_id", "delta")
    return {name: int(getattr(frame, name)) for name in names if hasattr(frame, name)}
