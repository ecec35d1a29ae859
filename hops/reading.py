"""Reasons not to read from a transport: it reads while there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Hashable

__all__ = ["ReadingHolds"]


class ReadingHolds:
    """Pauses a transport's reading from the first reason to the last."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._reasons: set[Hashable] = set()

    def hold(self, reason: Hashable) -> None:
        """Read nothing until `release` with the same reason; may be said twice."""
        self._reasons.add(reason)
        if not self._transport.is_closing() and self._transport.is_reading():
            self._transport.pause_reading()

    def release(self, reason: Hashable) -> None:
        """Read on, unless there is another reason."""
        self._reasons.discard(reason)
        if self._reasons or self._transport.is_closing():
            return
        if not self._transport.is_reading():
            self._transport.resume_reading()

    def set(self, reason: Hashable, holds: bool) -> None:
        """One of the two."""
        if holds:
            self.hold(reason)
        else:
            self.release(reason)
