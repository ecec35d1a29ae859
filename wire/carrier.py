"""What carries the streams of a session: the seam between remotecommand and the wire.

A carrier moves bytes on numbered channels. A WebSocket with channel messages is
one (`wire.websocket_carrier`); SPDY streams are another.
"""

from __future__ import annotations

from wire.records import dataclass

TYPE_CHECKING = False  # without typing: its import costs the command line 5 ms
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object

__all__ = [
    "Buffer",
    "Carrier",
    "CarrierClosed",
    "CarrierEvent",
    "ChannelData",
    "ChannelEnded",
    "PingReceived",
    "PongReceived",
]

Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class ChannelData:
    """Bytes on one channel; never empty, except the server's opening message."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ChannelEnded:
    """The peer half-closed one channel."""

    channel: int


@dataclass(frozen=True, slots=True)
class PingReceived:
    """The peer pinged; the carrier has answered already."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class PongReceived:
    """The peer answered a ping; a client extends its read deadline by this."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class CarrierClosed:
    """Nothing more will come: a WebSocket close code, or 1006 when there was none."""

    code: int
    reason: str = ""


CarrierEvent = ChannelData | ChannelEnded | PingReceived | PongReceived | CarrierClosed


class Carrier(Protocol):
    """Bytes in, channel events out; channel data in, buffers to send out."""

    @property
    def closed(self) -> bool:
        """Whether nothing may be sent any more."""

    def receive_data(self, data: Buffer) -> list[CarrierEvent]:
        """Never raises: a broken peer ends in `CarrierClosed`."""

    def receive_eof(self) -> list[CarrierEvent]:
        """The connection ended."""

    def send(self, channel: int, data: Buffer) -> None:
        """Queue data on a channel."""

    def end_channel(self, channel: int) -> None:
        """Queue a half-close, where the protocol has one."""

    def ping(self, payload: bytes = b"") -> None:
        """Queue a ping."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Queue the end of the session; the caller then closes the connection."""

    def data_to_send(self) -> list[Buffer]:
        """The queued buffers, in order; the queue is empty afterwards."""
