"""From bytes to frames, for one direction of a connection.

Source: moby/spdystream spdy/read.go, and what makes it fail there.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError
from wire.spdy.frames import (
    CONTROL_BIT,
    HEADER_SIZE,
    MAX_LENGTH,
    Buffer,
    Data,
    Frame,
    FrameType,
    GoAway,
    HeadersFrame,
    Ping,
    RstStream,
    Setting,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wire.spdy.headers import AnyHeaderDecoder, HeaderDecoder, Headers, UnreadHeaders
from wire.spdy.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FrameDecoder"]

_UINT32 = Struct("!I")
_TWO_UINT32 = Struct("!II")

# RFC 9113 8.2.2 forbids the like: they speak of the connection, not of the stream.
_FORBIDDEN_IN_REPLY = frozenset(
    ("connection", "keep-alive", "proxy-connection", "transfer-encoding")
)
_FORBIDDEN_IN_REQUEST = _FORBIDDEN_IN_REPLY | {"host"}


class FrameDecoder:
    """Cuts one direction of a connection into frames, whatever the chunks.

    Control frames come whole. DATA frames come whole up to `Limits.max_data_piece`
    and in pieces of that size beyond. At most one such unit is held back.

    After bad bytes `error` is set: frames before them are still returned, and the
    next call raises it.

    Args:
        late: header blocks went by that were not seen, so that none can be read: frames
            that have one come without headers.
    """

    def __init__(self, limits: Limits | None = None, *, late: bool = False) -> None:
        self._limits = limits or Limits()
        known = HeaderDecoder(self._limits)
        self._headers: AnyHeaderDecoder = UnreadHeaders() if late else known
        self._partial = bytearray()  # the beginning of the next unit
        self._need = HEADER_SIZE  # its whole size
        self._head: tuple[int, int] | None = None  # of the frame under way
        self._offset = 0  # in the payload of a DATA frame
        self._frames: list[Frame] = []
        self.error: RemoteProtocolError | None = None

    @property
    def inside_frame(self) -> bool:
        """Some frame has begun and is not complete."""
        return self._head is not None or bool(self._partial)

    def receive_data(self, data: Buffer) -> list[Frame]:
        """Take the next bytes; return the frames they complete.

        Raises:
            RemoteProtocolError: these bytes, or those of the call before, are no SPDY.
        """
        if self.error is None:
            try:
                self._cut(memoryview(data))
            except RemoteProtocolError as err:
                self.error = err
                self._partial.clear()
        frames, self._frames = self._frames, []
        if self.error is not None and not frames:
            raise self.error
        return frames

    def _cut(self, view: memoryview) -> None:
        position, end, partial = 0, len(view), self._partial
        while True:
            stop = position + self._need - len(partial)
            if stop > end:
                partial += view[position:]
                return
            unit = view[position:stop]
            position = stop
            if partial:
                partial += unit
                unit, partial = memoryview(partial), bytearray()
                self._partial = partial
            if self._head is None:
                self._begin(unit)
            else:
                self._complete(unit)

    def _begin(self, unit: memoryview) -> None:
        first, second = self._head = _TWO_UINT32.unpack(unit)
        length = second & MAX_LENGTH
        if first & CONTROL_BIT:
            _check_head(first & 0xFFFF, second >> 24, length, self._limits)
            self._need = length
            return
        if not first:
            raise RemoteProtocolError("DATA frame on stream 0")
        self._need = min(length, self._limits.max_data_piece)
        self._offset = 0

    def _complete(self, unit: memoryview) -> None:
        assert self._head is not None  # noqa: S101 - for the type checker
        first, second = self._head
        flags, length = second >> 24, second & MAX_LENGTH
        if first & CONTROL_BIT:
            raw = _TWO_UINT32.pack(first, second) + unit
            parse = _PARSERS[first & 0xFFFF]
            self._frames.append(parse(flags, raw, self._headers))
            return self._next_frame()
        piece = Data(first, bytes(unit), flags, length, self._offset)
        self._frames.append(piece)
        self._offset += len(unit)
        self._need = min(length - self._offset, self._limits.max_data_piece)
        if not self._need:
            self._next_frame()
        return None

    def _next_frame(self) -> None:
        self._head = None
        self._need = HEADER_SIZE


# Frames of one size. spdystream reads that size for RST_STREAM and PING whatever the
# length says, and then takes the rest for the next frame. Unlike it we give up there.
_FIXED_LENGTH = {
    FrameType.RST_STREAM: 8,
    FrameType.PING: 4,
    FrameType.GOAWAY: 8,
    FrameType.WINDOW_UPDATE: 8,
}
# What stands before the header block.
_BLOCK_OFFSET = {
    FrameType.SYN_STREAM: 10,
    FrameType.SYN_REPLY: 4,
    FrameType.HEADERS: 4,
}
_WITHOUT_FLAGS = (FrameType.PING, FrameType.GOAWAY, FrameType.WINDOW_UPDATE)


def _check_head(type_number: int, flags: int, length: int, limits: Limits) -> None:
    """Refuse by its head any control frame that cannot be right, before it is read."""
    try:
        frame_type = FrameType(type_number)
    except ValueError:
        raise RemoteProtocolError(f"unknown control frame {type_number}") from None
    if flags and frame_type in _WITHOUT_FLAGS:
        raise RemoteProtocolError(f"{frame_type.name} with flags {flags:#04x}")
    smallest, largest = _length_range(frame_type, limits)
    if not smallest <= length <= largest:
        expected = f"{smallest} to {largest}" if smallest < largest else f"{smallest}"
        raise RemoteProtocolError(
            f"{frame_type.name} of length {length}: expected {expected}"
        )


def _length_range(frame_type: FrameType, limits: Limits) -> tuple[int, int]:
    if frame_type in _FIXED_LENGTH:
        return (_FIXED_LENGTH[frame_type],) * 2
    if frame_type is FrameType.SETTINGS:
        return 4, 4 + 8 * limits.max_settings
    smallest = _BLOCK_OFFSET[frame_type]
    return smallest, smallest + limits.max_header_size


def _numbers(raw: bytes) -> tuple[int, int]:
    numbers: tuple[int, int] = _TWO_UINT32.unpack_from(raw, HEADER_SIZE)
    return numbers


def _block(
    frame_type: FrameType,
    raw: bytes,
    decoder: AnyHeaderDecoder,
    forbidden: frozenset[str],
) -> tuple[int, Headers]:
    """Read the stream id and the header block of a frame that has both."""
    (stream_id,) = _UINT32.unpack_from(raw, HEADER_SIZE)
    headers = decoder.decode(raw[HEADER_SIZE + _BLOCK_OFFSET[frame_type] :])
    if not stream_id:
        raise RemoteProtocolError(f"{frame_type.name} for stream 0")
    for name, _ in headers:
        if name in forbidden:
            raise RemoteProtocolError(f"{frame_type.name} with header {name!r}")
    return stream_id, headers


def _syn_stream(flags: int, raw: bytes, decoder: AnyHeaderDecoder) -> SynStream:
    stream_id, headers = _block(
        FrameType.SYN_STREAM, raw, decoder, _FORBIDDEN_IN_REQUEST
    )
    _, associated_to = _numbers(raw)
    priority, slot = raw[16] >> 5, raw[17]
    return SynStream(
        stream_id, headers, associated_to, priority, slot, flags=flags, raw=raw
    )


def _syn_reply(flags: int, raw: bytes, decoder: AnyHeaderDecoder) -> SynReply:
    stream_id, headers = _block(FrameType.SYN_REPLY, raw, decoder, _FORBIDDEN_IN_REPLY)
    return SynReply(stream_id, headers, flags=flags, raw=raw)


def _headers_frame(flags: int, raw: bytes, decoder: AnyHeaderDecoder) -> HeadersFrame:
    # spdystream takes an even stream id for a request, an odd one for a reply.
    is_odd = raw[HEADER_SIZE + 3] & 1
    forbidden = _FORBIDDEN_IN_REPLY if is_odd else _FORBIDDEN_IN_REQUEST
    stream_id, headers = _block(FrameType.HEADERS, raw, decoder, forbidden)
    return HeadersFrame(stream_id, headers, flags=flags, raw=raw)


def _rst_stream(flags: int, raw: bytes, _: AnyHeaderDecoder) -> RstStream:
    stream_id, status = _numbers(raw)
    if not status:
        raise RemoteProtocolError("RST_STREAM with status 0")
    if not stream_id:
        raise RemoteProtocolError("RST_STREAM for stream 0")
    return RstStream(stream_id, status, flags=flags, raw=raw)


def _settings(flags: int, raw: bytes, _: AnyHeaderDecoder) -> Settings:
    (count,) = _UINT32.unpack_from(raw, HEADER_SIZE)
    first = HEADER_SIZE + 4
    if len(raw) != first + 8 * count:
        raise RemoteProtocolError(
            f"SETTINGS with {count} entries in {len(raw) - HEADER_SIZE} bytes"
        )
    entries = tuple(
        Setting(number & 0xFF_FFFF, value, flags=number >> 24)
        for number, value in _TWO_UINT32.iter_unpack(raw[first:])
    )
    return Settings(entries, flags=flags, raw=raw)


def _ping(flags: int, raw: bytes, _: AnyHeaderDecoder) -> Ping:
    (ping_id,) = _UINT32.unpack_from(raw, HEADER_SIZE)
    if not ping_id:
        raise RemoteProtocolError("PING with id 0")
    return Ping(ping_id, flags=flags, raw=raw)


def _go_away(flags: int, raw: bytes, _: AnyHeaderDecoder) -> GoAway:
    return GoAway(*_numbers(raw), flags=flags, raw=raw)


def _window_update(flags: int, raw: bytes, _: AnyHeaderDecoder) -> WindowUpdate:
    return WindowUpdate(*_numbers(raw), flags=flags, raw=raw)


_PARSERS: dict[int, Callable[[int, bytes, AnyHeaderDecoder], Frame]] = {
    FrameType.SYN_STREAM: _syn_stream,
    FrameType.SYN_REPLY: _syn_reply,
    FrameType.RST_STREAM: _rst_stream,
    FrameType.SETTINGS: _settings,
    FrameType.PING: _ping,
    FrameType.GOAWAY: _go_away,
    FrameType.HEADERS: _headers_frame,
    FrameType.WINDOW_UPDATE: _window_update,
}
