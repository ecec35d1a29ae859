"""HTTP/2 frames, enough of them to watch gRPC go by.

It reads one direction of a connection: frames, header blocks decoded. It keeps no
stream states, since it stands beside the traffic and not in it.

Source: RFC 9113 section 4 (frames), 6 (their payloads).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from wire.errors import RemoteProtocolError
from wire.hpack import HpackDecoder

__all__ = [
    "PREFACE",
    "Http2Flag",
    "Http2Frame",
    "Http2FrameType",
    "Http2Reader",
    "unpadded",
]

#: What a client begins with (3.4).
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_HEADER_SIZE = 9
_MAX_FRAME = 1 << 24
_MAX_BLOCK = 1024 * 1024


class Http2FrameType(IntEnum):
    """Section 6; others are carried as their number."""

    DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
    PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(5, 10)


class Http2Flag(IntEnum):  # with an IntFlag each `&` runs Python, for 1 us
    """Flags, by the frames that have them."""

    END_STREAM = 0x1  # DATA, HEADERS
    ACK = 0x1  # SETTINGS, PING
    END_HEADERS = 0x4
    PADDED = 0x8
    PRIORITY = 0x20


@dataclass(frozen=True, slots=True)
class Http2Frame:
    """One frame; `data` is its payload without padding.

    Attributes:
        headers: of the whole block, on the frame that ends it.
        size: bytes on the wire.
    """

    type: int
    flags: int
    stream: int
    data: bytes
    size: int
    headers: tuple[tuple[str, str], ...] | None = None

    @property
    def name(self) -> str:
        """The name of the type, or its number."""
        try:
            return Http2FrameType(self.type).name
        except ValueError:
            return f"0x{self.type:02x}"

    @property
    def end_stream(self) -> bool:
        """Whether the sender is done with this stream."""
        kinds = (Http2FrameType.DATA, Http2FrameType.HEADERS)
        return self.type in kinds and bool(self.flags & Http2Flag.END_STREAM)


class Http2Reader:
    """One direction: bytes in, frames out.

    Args:
        client: whether this direction is the client's, which begins with the preface.
    """

    def __init__(self, *, client: bool) -> None:
        self._buffer = bytearray()
        self._preface = bytearray(PREFACE if client else b"")
        self._hpack = HpackDecoder(max_table_size=_MAX_FRAME)
        self._block = bytearray()
        self._continues: int | None = None  # the stream whose block is not whole

    @property
    def inside_frame(self) -> bool:
        """Some frame or header block has begun and is not complete."""
        return bool(self._buffer) or bool(self._block)

    def receive_data(self, data: bytes) -> list[Http2Frame]:
        """The frames that are whole now.

        Raises:
            RemoteProtocolError: not HTTP/2, or malformed.
        """
        self._buffer += data
        if self._preface and not self._skip_preface():
            return []
        frames: list[Http2Frame] = []
        position = 0
        while len(self._buffer) - position >= _HEADER_SIZE:
            high, low, kind, flags, stream = struct.unpack_from(
                "!BHBBI", self._buffer, position
            )
            end = position + _HEADER_SIZE + (high << 16 | low)
            if len(self._buffer) < end:
                break
            payload = bytes(self._buffer[position + _HEADER_SIZE : end])
            frames.append(
                self._frame(kind, flags, stream & 0x7FFF_FFFF, payload, end - position)
            )
            position = end
        del self._buffer[:position]
        return frames

    def _skip_preface(self) -> bool:
        size = min(len(self._buffer), len(self._preface))
        if self._buffer[:size] != self._preface[:size]:
            raise RemoteProtocolError("HTTP/2: no connection preface")
        del self._buffer[:size], self._preface[:size]
        return not self._preface

    def _frame(
        self, kind: int, flags: int, stream: int, payload: bytes, size: int
    ) -> Http2Frame:
        if self._continues is not None and (
            kind != Http2FrameType.CONTINUATION or stream != self._continues
        ):
            raise RemoteProtocolError("HTTP/2: a header block was interrupted")
        data = unpadded(kind, flags, payload)
        headers = None
        if kind in (Http2FrameType.HEADERS, Http2FrameType.CONTINUATION):
            headers = self._add_to_block(flags, stream, data)
        return Http2Frame(kind, flags, stream, data, size, headers)

    def _add_to_block(
        self, flags: int, stream: int, fragment: bytes
    ) -> tuple[tuple[str, str], ...] | None:
        self._block += fragment
        if len(self._block) > _MAX_BLOCK:
            raise RemoteProtocolError("HTTP/2: header block too large")
        if not flags & Http2Flag.END_HEADERS:
            self._continues = stream
            return None
        self._continues = None
        block = bytes(self._block)
        self._block.clear()
        return tuple(self._hpack.decode(block))


def unpadded(kind: int, flags: int, payload: bytes) -> bytes:
    """What stands between the pad length, the priority and the padding (6.1, 6.2).

    Raises:
        RemoteProtocolError: there is more padding than payload.
    """
    if kind not in (Http2FrameType.DATA, Http2FrameType.HEADERS):
        return payload
    start, padding = 0, 0
    if flags & Http2Flag.PADDED:
        if not payload:
            raise RemoteProtocolError("HTTP/2: no pad length")
        start, padding = 1, payload[0]
    if kind == Http2FrameType.HEADERS and flags & Http2Flag.PRIORITY:
        start += 5
    end = len(payload) - padding
    if end < start:
        raise RemoteProtocolError("HTTP/2: more padding than payload")
    return payload[start:end]
