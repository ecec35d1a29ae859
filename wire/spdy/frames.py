"""SPDY/3 frames: what stands in them.

    control: | 1 bit = 1 | 15 bit version | 16 bit type | 8 bit flags | 24 bit length |
    data:    | 1 bit = 0 | 31 bit stream id             | 8 bit flags | 24 bit length |

`length` counts what follows these eight bytes. Numbers are big-endian. The version is
3, also for "3.1", and is not checked, since spdystream does not check it.

Source: SPDY draft 3, section 2.2 and 2.6; moby/spdystream spdy/{types,read,write}.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from wire.spdy.headers import Headers

__all__ = [
    "CONTROL_BIT",
    "HEADER_SIZE",
    "MAX_LENGTH",
    "MAX_STREAM_ID",
    "VERSION_BITS",
    "Buffer",
    "Data",
    "Flag",
    "Frame",
    "FrameType",
    "GoAway",
    "GoAwayStatus",
    "HeadersFrame",
    "Ping",
    "ResetStatus",
    "RstStream",
    "Setting",
    "Settings",
    "SynReply",
    "SynStream",
    "WindowUpdate",
]

Buffer: TypeAlias = bytes | bytearray | memoryview

MAX_STREAM_ID = 0x7FFF_FFFF
MAX_LENGTH = 0xFF_FFFF
HEADER_SIZE = 8

CONTROL_BIT = 0x8000_0000
VERSION_BITS = 0x0003_0000

_TWO_UINT32 = Struct("!II")


class FrameType(IntEnum):
    """Control frames. 5 and 10 (NOOP, CREDENTIAL) exist in older drafts only."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class Flag(IntEnum):  # with an IntFlag each `&` runs Python, for 1 us
    """Flags with a meaning here; others are carried and ignored."""

    NONE = 0
    FIN = 0x01
    UNIDIRECTIONAL = 0x02  # SYN_STREAM only: the receiver may not answer with data


class ResetStatus(IntEnum):
    """Why a stream is reset. Kubernetes sends CANCEL and PROTOCOL_ERROR only."""

    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    UNSUPPORTED_VERSION = 4
    CANCEL = 5
    INTERNAL_ERROR = 6
    FLOW_CONTROL_ERROR = 7
    STREAM_IN_USE = 8
    STREAM_ALREADY_CLOSED = 9
    INVALID_CREDENTIALS = 10
    FRAME_TOO_LARGE = 11


class GoAwayStatus(IntEnum):
    """Why a connection ends. Kubernetes sends OK only."""

    OK = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Control:
    """What all control frames have: flags, and the bytes as they arrived."""

    type: ClassVar[FrameType]
    flags: int = 0
    raw: bytes = field(default=b"", compare=False, repr=False)

    @property
    def fin(self) -> bool:
        """The sender will send nothing more on this stream."""
        return bool(self.flags & Flag.FIN)


@dataclass(frozen=True, slots=True)
class SynStream(_Control):
    """Opens a stream."""

    type: ClassVar[FrameType] = FrameType.SYN_STREAM
    stream_id: int
    headers: Headers = ()
    associated_to: int = 0
    priority: int = 0
    slot: int = 0


@dataclass(frozen=True, slots=True)
class SynReply(_Control):
    """Accepts a stream; Kubernetes sends it without any pair."""

    type: ClassVar[FrameType] = FrameType.SYN_REPLY
    stream_id: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class RstStream(_Control):
    """Ends a stream at once, in both directions."""

    type: ClassVar[FrameType] = FrameType.RST_STREAM
    stream_id: int
    status: int = ResetStatus.CANCEL


@dataclass(frozen=True, slots=True)
class Setting:
    """One entry of SETTINGS."""

    id: int
    value: int
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Settings(_Control):
    """Advice that spdystream reads and ignores."""

    type: ClassVar[FrameType] = FrameType.SETTINGS
    entries: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class Ping(_Control):
    """To be echoed by whoever did not choose its id."""

    type: ClassVar[FrameType] = FrameType.PING
    ping_id: int


@dataclass(frozen=True, slots=True)
class GoAway(_Control):
    """The last frame of a connection as far as its receiver is concerned."""

    type: ClassVar[FrameType] = FrameType.GOAWAY
    last_good_stream_id: int
    status: int = GoAwayStatus.OK


@dataclass(frozen=True, slots=True)
class HeadersFrame(_Control):
    """More headers of an open stream; Kubernetes never sends it."""

    type: ClassVar[FrameType] = FrameType.HEADERS
    stream_id: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class WindowUpdate(_Control):
    """Flow control, which spdystream does not have: read and ignored."""

    type: ClassVar[FrameType] = FrameType.WINDOW_UPDATE
    stream_id: int
    delta: int


@dataclass(frozen=True, slots=True)
class Data:
    """A DATA frame, or one piece of a frame longer than `Limits.max_data_piece`."""

    stream_id: int
    data: bytes
    flags: int = 0
    length: int = -1  # of the whole frame; -1: the same as of `data`
    offset: int = 0  # of this piece in the frame

    @property
    def fin(self) -> bool:
        """The frame has FIN, and this is the end of the frame."""
        is_last = self.length < 0 or self.offset + len(self.data) == self.length
        return is_last and bool(self.flags & Flag.FIN)

    @property
    def raw(self) -> bytes:
        """The bytes as they arrived; the head belongs to the first piece."""
        if self.offset:
            return self.data
        length = len(self.data) if self.length < 0 else self.length
        return _TWO_UINT32.pack(self.stream_id, self.flags << 24 | length) + self.data


Frame: TypeAlias = (
    SynStream
    | SynReply
    | RstStream
    | Settings
    | Ping
    | GoAway
    | HeadersFrame
    | WindowUpdate
    | Data
)
