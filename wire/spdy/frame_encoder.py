"""From frames to bytes, for one direction of a connection.

Source: moby/spdystream spdy/write.go.
"""

from __future__ import annotations

from struct import Struct

from wire.spdy.frames import (
    CONTROL_BIT,
    VERSION_BITS,
    Data,
    Flag,
    Frame,
    GoAway,
    HeadersFrame,
    Ping,
    RstStream,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wire.spdy.headers import HeaderEncoder

__all__ = ["FrameEncoder", "data_header"]

_UINT32 = Struct("!I")
_TWO_UINT32 = Struct("!II")


def data_header(stream_id: int, length: int, *, fin: bool = False) -> bytes:
    """Return the eight bytes before `length` bytes of data."""
    return _TWO_UINT32.pack(stream_id, (Flag.FIN if fin else 0) << 24 | length)


class FrameEncoder:
    """Turns frames into the bytes of one direction; they must be sent in order."""

    def __init__(self) -> None:
        self._headers = HeaderEncoder()

    def encode(self, frame: Frame) -> bytes:
        """Return the bytes of a frame; of a piece of DATA, its share of the frame."""
        if isinstance(frame, Data):
            return frame.raw
        payload = self._payload(frame)
        second = frame.flags << 24 | len(payload)
        return (
            _TWO_UINT32.pack(CONTROL_BIT | VERSION_BITS | frame.type, second) + payload
        )

    def _payload(self, frame: Frame) -> bytes:
        match frame:
            case SynStream():
                numbers = _TWO_UINT32.pack(frame.stream_id, frame.associated_to)
                priority_and_slot = bytes((frame.priority << 5, frame.slot))
                return numbers + priority_and_slot + self._headers.encode(frame.headers)
            case SynReply() | HeadersFrame():
                block = self._headers.encode(frame.headers)
                return _UINT32.pack(frame.stream_id) + block
            case RstStream():
                return _TWO_UINT32.pack(frame.stream_id, frame.status)
            case Ping():
                return _UINT32.pack(frame.ping_id)
            case GoAway():
                return _TWO_UINT32.pack(frame.last_good_stream_id, frame.status)
            case WindowUpdate():
                return _TWO_UINT32.pack(frame.stream_id, frame.delta)
            case Settings():
                entries = (
                    _TWO_UINT32.pack(entry.flags << 24 | entry.id, entry.value)
                    for entry in frame.entries
                )
                return _UINT32.pack(len(frame.entries)) + b"".join(entries)
            case Data():
                return frame.data
