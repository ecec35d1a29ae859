"""WebSocket frames for one who only looks: heads, lengths, and the begin of payloads.

A tap must say what goes by, not have it. So a payload is neither collected nor unmasked
beyond what somebody wants to see of it: a frame of 32 KiB costs as much as one of 300
bytes.

Source: RFC 6455 section 5.2; read as leniently as `wire.websocket.FrameDecoder` can.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire.websocket import Opcode, apply_mask

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FrameScanner", "ScannedFrame"]


@dataclass(slots=True)
class ScannedFrame:
    """One frame that went by.

    Attributes:
        length: bytes of its payload.
        payload: its first bytes, unmasked; as many as were asked for.
        raw_size: bytes on the wire, with the head.
    """

    fin: bool
    rsv: int
    opcode: int
    masked: bool
    length: int
    raw_size: int
    payload: bytes = b""

    @property
    def is_control(self) -> bool:
        """Whether it may stand between the fragments of a message."""
        return self.opcode >= Opcode.CLOSE

    @property
    def whole(self) -> bool:
        """Whether `payload` is all of it."""
        return len(self.payload) == self.length


class FrameScanner:
    """One direction: bytes in, frames out when their last byte has come.

    Args:
        wanted: answers how many bytes of a payload to keep; it is given the opcode, the
            payload's length, and its first byte, unmasked (-1 when it is empty).
    """

    def __init__(self, wanted: Callable[[int, int, int], int]) -> None:
        self._wanted = wanted
        self._head = bytearray()  # of a frame whose head is not whole
        self._frame: ScannedFrame | None = None
        self._mask = b""
        self._left = 0  # bytes of the payload under way that have not come
        self._want = -1  # bytes of it to keep; -1: its first byte has not come
        self._kept = bytearray()  # still masked

    @property
    def inside_frame(self) -> bool:
        """Some frame has begun and is not complete."""
        return self._frame is not None or bool(self._head)

    def receive_data(self, data: bytes | memoryview) -> list[ScannedFrame]:
        """The frames whose last byte is in `data`. Nothing is refused."""
        frames: list[ScannedFrame] = []
        position, end = 0, len(data)
        while position < end:
            if self._frame is None and not self._head:
                # Most frames come whole, and many in one chunk.
                position = self._read_whole(data, position, end, frames)
                if position == end:
                    break
            frame = self._frame
            if frame is None:
                position = self._read_head(data, position)
            else:
                position = self._read_payload(frame, data, position)
            if self._left == 0:
                self._finish(frames)
        return frames

    def _read_whole(
        self,
        data: bytes | memoryview,
        position: int,
        end: int,
        frames: list[ScannedFrame],
    ) -> int:
        """Read the frames that are whole; answers where the first begins that is not."""
        while end - position >= _MIN_FRAME:
            first, second = data[position], data[position + 1]
            length = second & 0x7F
            start = position + 2
            if length == 126:
                length = data[start] << 8 | data[start + 1]
                start += 2
            elif length == 127:
                return position  # of more than 64 KiB
            masked = second >= 0x80
            if masked:
                start += 4
            stop = start + length
            if stop > end:
                return position
            opcode = first & 0x0F
            payload = b""
            if length:
                head = data[start]
                if masked:
                    head ^= data[start - 4]
                kept = min(self._wanted(opcode, length, head), length)
                payload = bytes(data[start : start + kept])
                if masked:
                    payload = apply_mask(payload, bytes(data[start - 4 : start]))
            frames.append(
                ScannedFrame(
                    first >= 0x80,
                    first >> 4 & 7,
                    opcode,
                    masked,
                    length,
                    stop - position,
                    payload,
                )
            )
            position = stop
        return position

    def _read_head(self, data: bytes | memoryview, position: int) -> int:
        """Go on with a head; answers where it or the data ends."""
        if self._head:
            # As few bytes as complete it: what is behind is payload.
            start = len(self._head)
            self._head += data[position : position + _MAX_HEAD - start]
            used = self._parse(self._head, 0)
            if not used:
                return position + len(self._head) - start
            self._head.clear()
            return position + used - start
        used = self._parse(data, position)
        if not used:
            self._head += data[position:]
            return len(data)
        return position + used

    def _parse(self, data: bytes | bytearray | memoryview, position: int) -> int:
        """Read a head; answers its size, 0 when it is not whole."""
        available = len(data) - position
        if available < 2:
            return 0
        first, second = data[position], data[position + 1]
        masked, length = second & 0x80, second & 0x7F
        size = 2
        if length == 126:
            if available < 4:
                return 0
            (length,) = _UINT16.unpack_from(data, position + 2)
            size = 4
        elif length == 127:
            if available < 10:
                return 0
            (length,) = _UINT64.unpack_from(data, position + 2)
            length &= _MAX_LENGTH  # x/net drops the highest bit
            size = 10
        if masked:
            if available < size + 4:
                return 0
            self._mask = bytes(data[position + size : position + size + 4])
            size += 4
        self._frame = ScannedFrame(
            first >= 0x80,
            first >> 4 & 7,
            first & 0x0F,
            bool(masked),
            length,
            size + length,
        )
        self._left = length
        self._want = -1
        return size

    def _read_payload(
        self, frame: ScannedFrame, data: bytes | memoryview, position: int
    ) -> int:
        if self._want < 0:
            first = data[position]
            if frame.masked:
                first ^= self._mask[0]
            self._want = self._wanted(frame.opcode, frame.length, first)
        size = min(self._left, len(data) - position)
        missing = self._want - len(self._kept)
        if missing > 0:
            self._kept += data[position : position + min(size, missing)]
        self._left -= size
        return position + size

    def _finish(self, frames: list[ScannedFrame]) -> None:
        frame, self._frame = self._frame, None
        if frame is None:
            return  # its head is not whole
        if self._kept:
            kept = bytes(self._kept)
            frame.payload = apply_mask(kept, self._mask) if frame.masked else kept
            self._kept.clear()
        frames.append(frame)


_UINT16 = struct.Struct("!H")
_UINT64 = struct.Struct("!Q")
_MAX_HEAD = 14
_MIN_FRAME = 6  # for the short way; shorter ones take the other
_MAX_LENGTH = 0x7FFF_FFFF_FFFF_FFFF
