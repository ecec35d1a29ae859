"""Connections that are met in their middle.

An upgraded one is read from the first chunk on that is nothing but whole frames. An
HTTP/2 one cannot be read, since its header tables are not known: a client that begins a
call is asked to go on with it on a new connection, which then is read from its start.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from faults.framing.frame import Frame, Opaque
from faults.framing.http2 import frame_bytes, whole_frames
from faults.framing.websocket import whole_messages
from hops.pipe import Direction
from wire.http2 import Http2FrameType
from wire.spdy.middle import is_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.framing.frame import Decoder

__all__ = [
    "MovingDecoder",
    "SyncingDecoder",
    "first_call",
    "whole_spdy",
    "whole_websocket",
]

_HEADER_SIZE = 9


class SyncingDecoder:
    """Passes bytes on until a chunk is whole frames; from there on they are read.

    Args:
        inner: the decoder of the layer.
        is_whole: whether a chunk of a direction is nothing but whole frames.
    """

    def __init__(
        self, inner: Decoder, is_whole: Callable[[Direction, bytes], bool]
    ) -> None:
        self._inner = inner
        self._is_whole = is_whole
        self._synced = dict.fromkeys(Direction, False)

    @property
    def rewriting(self) -> bool:
        """See `Decoder`."""
        return self._inner.rewriting

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        if not self._synced[direction]:
            self._synced[direction] = self._is_whole(direction, data)
        if self._synced[direction]:
            self._inner.receive(direction, data, out)
        else:
            out.append(Opaque(direction=direction, content=data, size=len(data)))

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        return self._inner.released()


def whole_websocket(direction: Direction, data: bytes) -> bool:
    """Whether a chunk is WebSocket frames; a client's are masked."""
    return whole_messages(data, masked=direction is Direction.UP)


def whole_spdy(direction: Direction, data: bytes) -> bool:
    """Whether a chunk is SPDY frames."""
    return is_whole(data)


def first_call(data: bytes) -> int | None:
    """The stream that a client's chunk of whole HTTP/2 frames begins, if it does."""
    found = whole_frames(data) or ()
    begun = [s for kind, _, s in found if kind == Http2FrameType.HEADERS and s % 2]
    return min(begun, default=None)


class MovingDecoder:
    """Keeps the calls under way, and sends those from one on to a new connection.

    GOAWAY names the last stream that was or might be acted on; a client may safely
    repeat what is above it (RFC 9113 6.8), and gRPC does so by itself (grpc/proposal A6,
    transparent retries).

    Args:
        first: the first stream that is not let through.
    """

    rewriting = True

    def __init__(self, first: int) -> None:
        self._first = first
        self._buffer = bytearray()

    @property
    def farewell(self) -> Frame:
        """What the client is told."""
        payload = struct.pack("!II", max(0, self._first - 2), 0)
        content = frame_bytes(Http2FrameType.GOAWAY, 0, 0, payload)
        return Opaque(direction=Direction.DOWN, content=content)

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        if direction is Direction.DOWN:
            out.append(Opaque(direction=direction, content=data, size=len(data)))
            return
        self._buffer += data
        while len(self._buffer) >= _HEADER_SIZE:
            size = _HEADER_SIZE + int.from_bytes(self._buffer[:3])
            if len(self._buffer) < size:
                return
            raw = bytes(self._buffer[:size])
            del self._buffer[:size]
            stream = int.from_bytes(raw[5:9]) & 0x7FFF_FFFF
            kept = raw if stream < self._first else b""
            out.append(Opaque(direction=direction, content=kept, size=size))

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        return []
