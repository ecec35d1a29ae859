"""HTTP/2 frames and the gRPC calls in them, cut where they end.

A header block is one frame here, its CONTINUATIONs included. Once a block is not sent as
and when it came, every later one of that direction is written anew, without a table:
literals that are never indexed leave the receiver's table as it is.

Source: RFC 9113 4, 6; RFC 7541 6.2.2; grpc/grpc doc/PROTOCOL-HTTP2.md.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from faults.framing.frame import Frame
from faults.selectors import RequestFacts, request_facts
from hops.pipe import Direction
from wire.errors import RemoteProtocolError
from wire.grpc_messages import grpc_status, is_grpc
from wire.hpack import HpackDecoder
from wire.http2 import PREFACE, Http2Flag, Http2FrameType, unpadded

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Http2Decoder", "Http2Unit", "encode_block", "frame_bytes", "whole_frames"]

_HEADER_SIZE = 9
_MAX_PAYLOAD = 16384  # 4.2: what every receiver takes
_MAX_TABLE = 1 << 24
_TYPES = {kind.value: kind.name.lower() for kind in Http2FrameType}
Headers = tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False, kw_only=True)
class Http2Unit(Frame):
    """One frame, or one header block.

    Attributes:
        payload: without padding and priority; of a header block nothing.
        headers: of a header block.
        ordinal: the n-th header block of its direction.
        flow: what it counts against the flow-control windows, in bytes.
    """

    lane: _BlockWriter
    type: int = 0
    flags: int = 0
    payload: bytes = b""
    headers: Headers | None = None
    ordinal: int = -1
    flow: int = 0

    @property
    def stream(self) -> int:
        """The stream; 0 is the connection."""
        return self.channel or 0

    @property
    def end_stream(self) -> bool:
        """Whether the sender is done with this stream."""
        kinds = (Http2FrameType.DATA, Http2FrameType.HEADERS)
        return self.type in kinds and bool(self.flags & Http2Flag.END_STREAM)

    @property
    def data(self) -> bytes | None:
        """What DATA carries."""
        return self.payload if self.type == Http2FrameType.DATA else None

    @data.setter
    def data(self, value: bytes) -> None:
        if self.type != Http2FrameType.DATA:
            raise TypeError(f"{self.text} carries no data")
        self.payload = value
        self.changed()

    def encode(self) -> bytes:
        """The frame's bytes."""
        if self.headers is not None:
            return self.lane.encode(self)
        if self.raw is not None:
            return self.raw
        flags = self.flags & ~(Http2Flag.PADDED if self.type == 0 else 0)
        return frame_bytes(self.type, flags, self.stream, self.payload)

    def copy(self) -> Http2Unit:
        return replace(self, ordinal=-1)

    def other(
        self,
        kind: Http2FrameType,
        payload: bytes = b"",
        *,
        flags: int = 0,
        stream: int | None = None,
        headers: Headers | None = None,
    ) -> Http2Unit:
        """Another frame of the same sender."""
        return Http2Unit(
            direction=self.direction,
            kinds={"http2": _TYPES[kind]},
            request=self.request,
            lane=self.lane,
            type=kind,
            flags=flags,
            payload=payload,
            headers=headers,
            channel=self.channel if stream is None else stream,
        )


def frame_bytes(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """The bytes of one frame."""
    size = len(payload)
    head = struct.pack("!BHBBI", size >> 16, size & 0xFFFF, kind, flags, stream)
    return head + payload


def encode_block(headers: Iterable[tuple[str, str]]) -> bytes:
    """A header block of literals that are not indexed, names included."""
    parts = bytearray()
    for name, value in headers:
        parts += b"\x00"
        for text in (name, value):
            data = text.encode("latin-1", "replace")
            parts += _integer(len(data)) + data
    return bytes(parts)


def _integer(value: int) -> bytes:
    """RFC 7541 5.1 with a prefix of 7 bits, the eighth (Huffman) being 0."""
    if value < 127:
        return bytes((value,))
    out = bytearray((127,))
    value -= 127
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


class _BlockWriter:
    """Sends the header blocks of one direction; the receiver's table stays in step."""

    def __init__(self) -> None:
        self._next = 0  # the block that the receiver must get next as it came
        self.anew = False

    def encode(self, unit: Http2Unit) -> bytes:
        in_order = unit.ordinal == self._next and not self.anew
        if in_order and unit.raw is not None:
            self._next += 1
            return unit.raw
        self.anew = True
        block = encode_block(unit.headers or ())
        flags: int = unit.flags & Http2Flag.END_STREAM
        kind: int = Http2FrameType.HEADERS
        out = bytearray()
        while True:
            piece, block = block[:_MAX_PAYLOAD], block[_MAX_PAYLOAD:]
            last = 0 if block else Http2Flag.END_HEADERS
            out += frame_bytes(kind, flags | last, unit.stream, piece)
            if not block:
                return bytes(out)
            kind, flags = Http2FrameType.CONTINUATION, 0


class _Lane:
    def __init__(self, preface: bytes) -> None:
        self.buffer = bytearray()
        self.preface = preface
        self.hpack = HpackDecoder(max_table_size=_MAX_TABLE)
        self.writer = _BlockWriter()
        self.blocks = 0
        self.open_block: Http2Unit | None = None  # waits for its CONTINUATIONs
        self.fragments = b""


class Http2Decoder:
    """Both directions of an HTTP/2 connection; gRPC calls are known by their stream."""

    def __init__(self) -> None:
        self.lanes = {
            Direction.UP: _Lane(PREFACE),
            Direction.DOWN: _Lane(b""),
        }
        self._calls: dict[int, RequestFacts] = {}

    @property
    def rewriting(self) -> bool:
        """See `Decoder`."""
        return any(lane.writer.anew for lane in self.lanes.values())

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        lane = self.lanes[direction]
        lane.buffer += data
        if lane.preface and not self._read_preface(direction, lane, out):
            return
        while len(lane.buffer) >= _HEADER_SIZE:
            size = _HEADER_SIZE + int.from_bytes(lane.buffer[:3])
            if len(lane.buffer) < size:
                break
            raw = bytes(lane.buffer[:size])
            del lane.buffer[:size]
            unit = self._read(direction, lane, raw)
            if unit is not None:
                self._note_call(unit)
                out.append(unit)

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        return []

    def make(
        self,
        direction: Direction,
        kind: Http2FrameType,
        stream: int,
        payload: bytes = b"",
        *,
        flags: int = 0,
        headers: Headers | None = None,
    ) -> Http2Unit:
        """A frame of our own."""
        return Http2Unit(
            direction=direction,
            kinds={"http2": _TYPES[kind]},
            request=self._calls.get(stream),
            lane=self.lanes[direction].writer,
            type=kind,
            flags=flags,
            channel=stream,
            payload=payload,
            headers=headers,
        )

    def _read_preface(
        self, direction: Direction, lane: _Lane, frames: list[Frame]
    ) -> bool:
        if len(lane.buffer) < len(lane.preface):
            return False
        if not lane.buffer.startswith(lane.preface):
            raise RemoteProtocolError("HTTP/2: no connection preface")
        frames.append(
            Http2Unit(
                direction=direction,
                kinds={"http2": "preface"},
                raw=lane.preface,
                lane=lane.writer,
                type=-1,
            )
        )
        del lane.buffer[: len(lane.preface)]
        lane.preface = b""
        return True

    def _read(self, direction: Direction, lane: _Lane, raw: bytes) -> Http2Unit | None:
        kind, flags = raw[3], raw[4]
        stream = int.from_bytes(raw[5:9], "big") & 0x7FFF_FFFF
        unit = Http2Unit(
            direction=direction,
            kinds={"http2": _TYPES.get(kind, f"0x{kind:02x}")},
            raw=raw,
            lane=lane.writer,
            type=kind,
            flags=flags,
            payload=unpadded(kind, flags, raw[_HEADER_SIZE:]),
            channel=stream,
            flow=len(raw) - _HEADER_SIZE if kind == Http2FrameType.DATA else 0,
        )
        if lane.open_block is not None and kind != Http2FrameType.CONTINUATION:
            raise RemoteProtocolError("HTTP/2: a header block was interrupted")
        if kind in (Http2FrameType.HEADERS, Http2FrameType.CONTINUATION):
            return self._read_block(lane, unit)
        return unit

    def _read_block(self, lane: _Lane, unit: Http2Unit) -> Http2Unit | None:
        first = lane.open_block
        if first is None:
            first, lane.fragments = unit, b""
        else:
            first.raw = (first.raw or b"") + (unit.raw or b"")
            first.size = len(first.raw)
        lane.fragments += unit.payload
        if not unit.flags & Http2Flag.END_HEADERS:
            lane.open_block = first
            return None
        lane.open_block = None
        first.headers = tuple(lane.hpack.decode(lane.fragments))
        first.payload = b""
        first.ordinal = lane.blocks
        lane.blocks += 1
        return first

    def _note_call(self, unit: Http2Unit) -> None:
        up = unit.direction is Direction.UP
        if unit.headers is not None and up and unit.stream not in self._calls:
            values = dict(unit.headers)
            call = is_grpc(unit.headers)
            facts = request_facts(
                values.get(":method", ""),
                values.get(":path", ""),
                unit.headers,
                is_call=call,
            )
            self._calls[unit.stream] = facts
            if call:
                unit.kinds["grpc"] = "call"
        unit.request = self._calls.get(unit.stream)
        if unit.request is not None and unit.request.is_call:
            if unit.type == Http2FrameType.DATA:
                unit.kinds["grpc"] = "message"
            elif unit.headers is not None and not up and grpc_status(unit.headers):
                unit.kinds["grpc"] = "status"
        over = unit.end_stream and not up
        if over or unit.type == Http2FrameType.RST_STREAM:
            self._calls.pop(unit.stream, None)


def whole_frames(data: bytes) -> list[tuple[int, int, int]] | None:
    """(type, flags, stream) of each frame when `data` is nothing but whole frames.

    For bytes from the middle of a connection: None when they are not, or hardly are.
    """
    found = []
    position = 0
    while position < len(data):
        head = data[position : position + _HEADER_SIZE]
        if len(head) < _HEADER_SIZE:
            return None
        size = int.from_bytes(head[:3], "big")
        kind, stream = head[3], int.from_bytes(head[5:9], "big")
        on_connection = kind in (4, 6, 7)
        if kind > 9 or stream >> 31 or (on_connection and stream):
            return None
        found.append((kind, head[4], stream))
        position += _HEADER_SIZE + size
    return found if position == len(data) else None
