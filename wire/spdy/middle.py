"""Where frames begin in a session that is met in its middle.

The header blocks of a direction are one zlib stream, so nobody who has missed a part of
it can read a later block. All else of a frame stands for itself: what type it is, on
which stream, and how long. Senders write a frame whole, or in pieces that end where it
ends (moby/spdystream writes head and payload each on its own).
"""

from __future__ import annotations

from struct import Struct

from wire.spdy.frames import CONTROL_BIT, HEADER_SIZE, VERSION_BITS, FrameType

__all__ = ["FrameFinder", "is_whole"]

_TWO_UINT32 = Struct("!II")
_LONGEST = 1 << 20  # bytes; a longer frame is taken for no frame
_HIGHEST_STREAM = 1 << 24
_CONTROL = tuple(
    (CONTROL_BIT | VERSION_BITS | kind).to_bytes(4, "big") for kind in FrameType
)


class FrameFinder:
    """Is shown the chunks, or the tunnel's messages, of one direction."""

    def __init__(self) -> None:
        self._begun = b""  # of the frame that a chunk seems to have begun

    def receive(self, chunk: bytes) -> bool:
        """Whether a frame begins behind this chunk."""
        for seen in (self._begun + chunk, chunk):
            begun = _unfinished(seen)
            if begun is not None:
                self._begun = begun
                return not begun and bool(seen)
        self._begun = b""
        return False


def is_whole(chunk: bytes) -> bool:
    """Whether a chunk is nothing but whole frames."""
    return bool(chunk) and _unfinished(chunk) == b""


def _unfinished(data: bytes) -> bytes | None:
    """What is behind the last whole frame; None when there are no frames."""
    position = 0
    while len(data) - position >= HEADER_SIZE:
        first, second = _TWO_UINT32.unpack_from(data, position)
        size = second & 0xFF_FFFF
        known = data[position : position + 4] in _CONTROL
        if size > _LONGEST or not (known or 0 < first < _HIGHEST_STREAM):
            return None
        if position + HEADER_SIZE + size > len(data):
            break
        position += HEADER_SIZE + size
    rest = data[position:]
    return rest if _may_begin(rest) else None


def _may_begin(data: bytes) -> bool:
    """Whether the first bytes may be those of a frame."""
    start = data[:4]
    if len(start) < 4:
        return not start or not start[0] or any(c.startswith(start) for c in _CONTROL)
    return start in _CONTROL or 0 < int.from_bytes(start, "big") < _HIGHEST_STREAM
