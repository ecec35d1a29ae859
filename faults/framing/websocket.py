"""WebSocket frames, cut where they end, and the channels in them.

Unlike `wire.websocket.FrameDecoder` this keeps each frame's bytes and its mask, so that
what is not changed goes on as it came, and what is changed keeps its mask.

Source: RFC 6455 5.2; for channels `wire.channels`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from faults.framing.frame import Frame
from hops.pipe import Direction
from wire.channels import (
    SUBPROTOCOLS,
    Channel,
    Codec,
    decode_base64,
    decode_binary,
    encode_base64,
    encode_binary,
)
from wire.errors import RemoteProtocolError
from wire.websocket import Opcode, apply_mask, frame_header

if TYPE_CHECKING:
    from wire.channels import Subprotocol

__all__ = ["WebSocketDecoder", "WebSocketFrame", "whole_messages"]

#: A frame that is longer is not held: the connection is not looked at any more.
MAX_HELD = 64 * 1024 * 1024
_NAMES = {opcode.value: opcode.name.lower() for opcode in Opcode}
_CHANNELS = {channel.value: channel.name.lower() for channel in Channel}


@dataclass(slots=True, eq=False, kw_only=True)
class WebSocketFrame(Frame):
    """One frame; `payload` is unmasked."""

    fin: bool = True
    rsv: int = 0
    opcode: int = Opcode.BINARY
    mask: bytes | None = None
    payload: bytes = b""
    codec: Codec | None = None  # of the channels; None: there are none

    @property
    def data(self) -> bytes | None:
        """Of a message the data behind the channel byte, else the payload."""
        if self.channel is None or self.opcode == Opcode.CONTINUATION:
            return self.payload
        if self.codec is Codec.BASE64:
            return decode_base64(self.payload).data
        return self.payload[1:]

    @data.setter
    def data(self, value: bytes) -> None:
        if self.channel is None or self.opcode == Opcode.CONTINUATION:
            self.payload = value
        else:
            self.payload = self._on_channel(self.channel, value)
        self.changed()

    def move(self, channel: int) -> None:
        """Put the message on another channel."""
        data = self.data
        self.channel = channel
        self.payload = self._on_channel(channel, data or b"")
        self.changed()

    def _on_channel(self, channel: int, data: bytes) -> bytes:
        encode = encode_base64 if self.codec is Codec.BASE64 else encode_binary
        return encode(channel, data)

    def encode(self) -> bytes:
        """The frame's bytes; what was changed has the mask it came with."""
        if self.raw is not None:
            return self.raw
        header = bytearray(
            frame_header(self.opcode, len(self.payload), fin=self.fin, mask=self.mask)
        )
        header[0] |= (self.rsv & 7) << 4
        payload = self.payload
        if self.mask is not None:
            payload = apply_mask(payload, self.mask)
        return bytes(header) + payload

    def copy(self) -> WebSocketFrame:
        return replace(self)

    def like(self, opcode: int, payload: bytes, mask: bytes) -> WebSocketFrame:
        """Another whole frame of the same sender; `mask` is used if it masks."""
        return WebSocketFrame(
            direction=self.direction,
            kinds={"websocket": _NAMES.get(opcode, str(opcode))},
            request=self.request,
            opcode=opcode,
            payload=payload,
            mask=mask if self.mask is not None else None,
            codec=self.codec,
        )


class WebSocketDecoder:
    """Both directions of a WebSocket connection.

    Args:
        subprotocol: that was chosen; names the codec of channels.
        is_command: exec or attach, where channels have names and a meaning.
    """

    def __init__(self, subprotocol: str, *, is_command: bool) -> None:
        self._kind = SUBPROTOCOLS.get(subprotocol)
        self._is_command = is_command
        self._buffers = {way: bytearray() for way in Direction}
        self._messages: dict[Direction, Frame | None] = dict.fromkeys(Direction)

    @property
    def rewriting(self) -> bool:
        """See `Decoder`."""
        return False

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        buffer = self._buffers[direction]
        buffer += data
        while (size := _whole(buffer)) is not None:
            raw = bytes(buffer[:size])
            del buffer[:size]
            out.append(self._read(direction, raw))

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        return []

    def _read(self, direction: Direction, raw: bytes) -> Frame:
        frame = _parse(direction, raw)
        if frame.opcode >= Opcode.CLOSE or self._kind is None:
            return frame
        if frame.opcode == Opcode.CONTINUATION:
            self._continue(frame)
        else:
            self._begin(frame, self._kind)
        if frame.fin:
            self._messages[direction] = None
        return frame

    def _begin(self, frame: WebSocketFrame, kind: Subprotocol) -> None:
        """A message begins: its first byte is the channel."""
        self._messages[frame.direction] = frame
        if not frame.payload:
            return
        decode = decode_base64 if kind.codec is Codec.BASE64 else decode_binary
        try:
            message = decode(frame.payload)
        except RemoteProtocolError:
            return
        frame.codec = kind.codec
        frame.channel = message.channel
        frame.name = _CHANNELS.get(message.channel, "") if self._is_command else ""
        frame.kinds["channel"] = frame.name or "data"
        if self._is_command:
            meaning = _meaning(message.channel, message.data, frame.direction)
            if meaning:
                frame.kinds["remotecommand"] = meaning

    def _continue(self, frame: WebSocketFrame) -> None:
        first = self._messages[frame.direction]
        if first is not None and first.channel is not None:
            frame.channel, frame.name = first.channel, first.name
            frame.kinds["channel"] = first.kinds["channel"]


def _meaning(channel: int, data: bytes, direction: Direction) -> str:
    """What a message of exec or attach says, in the words of traces."""
    down = direction is Direction.DOWN
    if channel == Channel.ERROR and data:
        return "status"
    if channel == Channel.RESIZE and data:
        return "resize"
    if channel == Channel.CLOSE and data:
        return "close"
    if down and not data and channel <= Channel.ERROR:
        return "ready"
    return ""


def whole_messages(data: bytes, *, masked: bool) -> bool:
    """Whether bytes are nothing but whole frames of one sender, as far as one can tell."""
    buffer = bytearray(data)
    while buffer:
        known = buffer[0] & 0x0F in _NAMES and not buffer[0] & 0x70
        if not known or (len(buffer) > 1 and bool(buffer[1] & 0x80) != masked):
            return False
        try:
            size = _whole(buffer)
        except RemoteProtocolError:
            return False
        if size is None:
            return False
        del buffer[:size]
    return bool(data)


def _whole(buffer: bytearray) -> int | None:
    """The size of the first frame when it is whole.

    Raises:
        RemoteProtocolError: it is longer than we hold.
    """
    if len(buffer) < 2:
        return None
    length, start = buffer[1] & 0x7F, 2
    if length == 126:
        start = 4
    elif length == 127:
        start = 10
    if len(buffer) < start:
        return None
    if length == 126:
        (length,) = struct.unpack_from("!H", buffer, 2)
    elif length == 127:
        (length,) = struct.unpack_from("!Q", buffer, 2)
    if length > MAX_HELD:
        raise RemoteProtocolError(f"frame of {length} bytes")
    size = start + (4 if buffer[1] & 0x80 else 0) + int(length)
    return size if len(buffer) >= size else None


def _parse(direction: Direction, raw: bytes) -> WebSocketFrame:
    length = raw[1] & 0x7F
    start = 2 + {126: 2, 127: 8}.get(length, 0)
    mask = raw[start : start + 4] if raw[1] & 0x80 else None
    payload = raw[start + (4 if mask is not None else 0) :]
    opcode = raw[0] & 0x0F
    return WebSocketFrame(
        direction=direction,
        kinds={"websocket": _NAMES.get(opcode, f"opcode-{opcode}")},
        raw=raw,
        fin=bool(raw[0] & 0x80),
        rsv=raw[0] >> 4 & 7,
        opcode=opcode,
        mask=mask,
        payload=payload if mask is None else apply_mask(payload, mask),
    )
