"""SPDY/3.1 frames, cut where they end, with header blocks that can be written anew.

All header blocks of a direction share one zlib stream. Once a block is not sent as and
when it came (dropped, doubled, moved, changed), every later one is compressed again:
as a deflate stream that goes on where the receiver's stands, and refers to nothing
before itself.

Source: `wire.spdy.frames`, `wire.spdy.headers`; RFC 1950 2.2 (the window's size in the
first byte), RFC 1951 3.2 (blocks stand for themselves).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from struct import Struct
from typing import TYPE_CHECKING

from faults.framing.frame import Frame
from hops.pipe import Direction
from wire.errors import RemoteProtocolError
from wire.spdy.dictionary import DICTIONARY
from wire.spdy.frames import CONTROL_BIT, HEADER_SIZE, VERSION_BITS, Flag, FrameType

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SpdyDecoder", "SpdyFrame"]

_TWO_UINT32 = Struct("!II")
_UINT32 = Struct("!I")
#: What stands before the header block.
_BLOCK_OFFSET = {
    FrameType.SYN_STREAM: 10,
    FrameType.SYN_REPLY: 4,
    FrameType.HEADERS: 4,
}
_MAX_BLOCK = 1024 * 1024
_TYPES = {kind.value: kind.name.lower() for kind in FrameType}
_NAMES = {"stdin", "stdout", "stderr", "error", "resize", "data"}


@dataclass(slots=True, eq=False, kw_only=True)
class SpdyFrame(Frame):
    """One frame.

    Attributes:
        type: of a control frame; 0 of DATA.
        payload: of DATA the data; of a control frame what stands before the header
            block, if it has one, else all.
        block: the pairs, decompressed; None when there is no block.
        ordinal: the n-th block of its direction.
    """

    lane: _BlockWriter
    type: int = 0
    flags: int = 0
    payload: bytes = b""
    block: bytes | None = None
    ordinal: int = -1

    @property
    def fin(self) -> bool:
        """Whether the sender is done with the stream."""
        has_fin = self.type in (0, FrameType.SYN_STREAM, FrameType.SYN_REPLY)
        return has_fin and bool(self.flags & Flag.FIN)

    @property
    def data(self) -> bytes | None:
        """What DATA carries."""
        return None if self.type else self.payload

    @data.setter
    def data(self, value: bytes) -> None:
        if self.type:
            raise TypeError(f"{self.text} carries no data")
        self.payload = value
        self.changed()

    def encode(self) -> bytes:
        """The frame's bytes; a block is compressed again when it must be."""
        if self.block is not None:
            return self.lane.encode(self)
        if self.raw is not None:
            return self.raw
        if self.type:
            return control(self.type, self.payload, self.flags)
        second = (self.flags & 0xFF) << 24 | len(self.payload)
        return _TWO_UINT32.pack(self.channel or 0, second) + self.payload

    def copy(self) -> SpdyFrame:
        return replace(self, ordinal=-1)

    def other(self, kind: FrameType, payload: bytes) -> SpdyFrame:
        """Another control frame of the same sender."""
        return SpdyFrame(
            direction=self.direction,
            kinds={"spdy": _TYPES[kind]},
            request=self.request,
            lane=self.lane,
            type=kind,
            payload=payload,
        )


def control(kind: int, payload: bytes, flags: int = 0) -> bytes:
    """The bytes of a control frame."""
    head = _TWO_UINT32.pack(
        CONTROL_BIT | VERSION_BITS | kind, (flags & 0xFF) << 24 | len(payload)
    )
    return head + payload


class _BlockWriter:
    """Sends the header blocks of one direction; the receiver's zlib stays in step."""

    def __init__(self) -> None:
        self._next = 0  # the block that the receiver must get next as it came
        self._window = 0  # its size as log2, once the first block went by
        self._deflate: zlib._Compress | None = None

    @property
    def anew(self) -> bool:
        return self._deflate is not None

    def encode(self, frame: SpdyFrame) -> bytes:
        in_order = frame.ordinal == self._next and self._deflate is None
        if in_order and frame.raw is not None:
            if not self._next:
                self._window = 8 + (_first_byte(frame) >> 4)
            self._next += 1
            return frame.raw
        block = self._compress(frame.block or b"")
        return control(frame.type, frame.payload + block, frame.flags)

    def _compress(self, plain: bytes) -> bytes:
        if self._deflate is None:
            self._deflate = self._new_stream()
        return self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def _new_stream(self) -> zlib._Compress:
        if not self._next:
            return zlib.compressobj(wbits=15, zdict=DICTIONARY)
        # zlib cannot make a raw stream with a window of 256 bytes.
        return zlib.compressobj(wbits=-max(9, self._window))


def _first_byte(frame: SpdyFrame) -> int:
    raw = frame.raw or b""
    start = HEADER_SIZE + _BLOCK_OFFSET[FrameType(frame.type)]
    return raw[start] if len(raw) > start else 0x78


class _Lane:
    def __init__(self) -> None:
        self.buffer = bytearray()
        self.inflate = zlib.decompressobj(zdict=DICTIONARY)
        self.writer = _BlockWriter()
        self.blocks = 0


class SpdyDecoder:
    """Both directions of a SPDY connection; streams are called by their streamType.

    Args:
        late: header blocks went by that were not seen, so that later ones, and the names
            of streams, cannot be read. Frames with a block are of no kind then: the
            receiver must get each, or it can read no later one.
    """

    def __init__(self, *, late: bool = False) -> None:
        self._late = late
        self._lanes = {way: _Lane() for way in Direction}
        self._names: dict[int, str] = {}

    @property
    def rewriting(self) -> bool:
        """See `Decoder`."""
        return any(lane.writer.anew for lane in self._lanes.values())

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        lane = self._lanes[direction]
        lane.buffer += data
        while len(lane.buffer) >= HEADER_SIZE:
            first, second = _TWO_UINT32.unpack_from(lane.buffer)
            size = HEADER_SIZE + (second & 0xFF_FFFF)
            if len(lane.buffer) < size:
                break
            raw = bytes(lane.buffer[:size])
            del lane.buffer[:size]
            out.append(self._read(direction, lane, first, second >> 24, raw))

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        return []

    def inside(self, direction: Direction) -> bool:
        """Whether a frame has begun and is not whole."""
        return bool(self._lanes[direction].buffer)

    def _read(
        self, direction: Direction, lane: _Lane, first: int, flags: int, raw: bytes
    ) -> Frame:
        payload = raw[HEADER_SIZE:]
        kind = first & 0xFFFF if first & CONTROL_BIT else 0
        frame = SpdyFrame(
            direction=direction,
            raw=raw,
            lane=lane.writer,
            type=kind,
            flags=flags,
            payload=payload,
        )
        if not first & CONTROL_BIT:
            frame.channel = first
            frame.kinds["spdy"] = "data"
        else:
            if not (self._late and kind in _BLOCK_OFFSET):
                frame.kinds["spdy"] = _TYPES.get(kind, f"type-{kind}")
            self._read_control(lane, frame)
        self._name(frame)
        return frame

    def _read_control(self, lane: _Lane, frame: SpdyFrame) -> None:
        if frame.type in (FrameType.PING, FrameType.SETTINGS, FrameType.GOAWAY):
            return
        if len(frame.payload) >= 4:
            (number,) = _UINT32.unpack_from(frame.payload)
            frame.channel = number & 0x7FFF_FFFF
        try:
            offset = _BLOCK_OFFSET[FrameType(frame.type)]
        except (KeyError, ValueError):
            return
        if self._late:
            return
        try:
            frame.block = lane.inflate.decompress(frame.payload[offset:], _MAX_BLOCK)
        except zlib.error as err:
            raise RemoteProtocolError(f"header block: {err}") from None
        if lane.inflate.unconsumed_tail:
            raise RemoteProtocolError("header block too large")
        frame.payload = frame.payload[:offset]
        frame.ordinal = lane.blocks
        lane.blocks += 1
        if frame.type == FrameType.SYN_STREAM and frame.channel is not None:
            name = dict(_pairs(frame.block)).get("streamtype", "").lower()
            self._names[frame.channel] = name if name in _NAMES else ""

    def _name(self, frame: SpdyFrame) -> None:
        frame.name = self._names.get(frame.channel or 0, "")
        if frame.type or not frame.name:
            return
        frame.kinds["channel"] = frame.name
        if frame.name == "error" and frame.payload:
            frame.kinds["remotecommand"] = "status"
        elif frame.name == "resize" and frame.payload:
            frame.kinds["remotecommand"] = "resize"


def _pairs(block: bytes) -> Iterable[tuple[str, str]]:
    """The pairs of a decompressed block, as far as they are whole."""
    position = 4
    texts: list[str] = []
    while position + 4 <= len(block):
        (size,) = _UINT32.unpack_from(block, position)
        position += 4 + size
        if position > len(block):
            break
        texts.append(block[position - size : position].decode("utf-8", "replace"))
    return zip(texts[::2], texts[1::2], strict=False)
