"""What happened on a SPDY connection, in the order of its frames.

Each event keeps the frame that brought it, and the frame its bytes (`event.frame.raw`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from wire.spdy.frames import Frame
    from wire.spdy.headers import Headers

__all__ = [
    "ConnectionClosed",
    "DataReceived",
    "Event",
    "FrameIgnored",
    "GoneAway",
    "HeadersReceived",
    "PingAnswered",
    "Pinged",
    "SettingsReceived",
    "StreamFinished",
    "StreamOpened",
    "StreamReplied",
    "StreamReset",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FrameEvent:
    """What all events have. `frame` is None when no frame of the peer was the cause."""

    frame: Frame | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StreamOpened(_FrameEvent):
    """The peer opened a stream: `reply` or `reset` it."""

    stream_id: int
    headers: Headers = ()
    unidirectional: bool = False


@dataclass(frozen=True, slots=True)
class StreamReplied(_FrameEvent):
    """The peer accepted a stream of ours."""

    stream_id: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class HeadersReceived(_FrameEvent):
    """The peer sent more headers on a stream."""

    stream_id: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class DataReceived(_FrameEvent):
    """Data on a stream; never empty."""

    stream_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class StreamFinished(_FrameEvent):
    """The peer will send nothing more on this stream; we still may."""

    stream_id: int


@dataclass(frozen=True, slots=True)
class StreamReset(_FrameEvent):
    """The stream is gone in both directions; readers take it for its end."""

    stream_id: int
    status: int


@dataclass(frozen=True, slots=True)
class Pinged(_FrameEvent):
    """The peer sent a PING; the echo is already on its way."""

    ping_id: int


@dataclass(frozen=True, slots=True)
class PingAnswered(_FrameEvent):
    """The peer echoed a PING of ours."""

    ping_id: int


@dataclass(frozen=True, slots=True)
class SettingsReceived(_FrameEvent):
    """SETTINGS or WINDOW_UPDATE came; neither has an effect."""


@dataclass(frozen=True, slots=True)
class FrameIgnored(_FrameEvent):
    """A frame without effect, as it happens when both ends close at once."""

    stream_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class GoneAway(_FrameEvent):
    """The peer sent GOAWAY: nothing after it is read. `ConnectionClosed` follows."""

    last_good_stream_id: int
    status: int


@dataclass(frozen=True, slots=True)
class ConnectionClosed(_FrameEvent):
    """All streams are at their end; close the transport. Comes once, as the last."""

    reason: str


Event: TypeAlias = (
    StreamOpened
    | StreamReplied
    | HeadersReceived
    | DataReceived
    | StreamFinished
    | StreamReset
    | Pinged
    | PingAnswered
    | SettingsReceived
    | FrameIgnored
    | GoneAway
    | ConnectionClosed
)
