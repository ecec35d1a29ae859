"""What a decoder of one layer looks like to the one below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hops.pipe import Direction
    from wire.websocket_scan import ScannedFrame

__all__ = ["Layer", "MessageLayer"]


class Layer(Protocol):
    """A decoder of both directions of a connection."""

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by. May raise RemoteProtocolError: then nothing more is fed.

        A view is valid until this returns.
        """

    def eof(self, direction: Direction) -> None:
        """One direction ended."""

    def settled(self, direction: Direction) -> bool:
        """Whether no secret can be in what has come so far and is not whole."""


class MessageLayer(Protocol):
    """What stands above the frames of a WebSocket."""

    def wanted(self, length: int, first: int) -> int:
        """How many bytes of a payload it needs; `first` is its first byte."""

    def on_frame(self, direction: Direction, frame: ScannedFrame) -> None:
        """A data frame went by."""
