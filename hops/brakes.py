"""Stopping who sends while a fault holds much of it back: else memory would fill.

To the peer it is a receiver who does not read, to the protocol above a full socket: what
a slow or stalled link is to both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HIGH", "LOW", "Brake"]

#: Bytes that are held back: above the one it stops, below the other it goes on.
HIGH = 256 * 1024
LOW = 64 * 1024


class Brake:
    """One direction. Others may stop the same flow: it goes on when nobody does.

    Args:
        stop, go_on: what stops and what resumes the flow; each is called in turn.
        stopped: somebody else stops it already.
    """

    __slots__ = ("_go_on", "_holding", "_others", "_stop")

    def __init__(
        self,
        stop: Callable[[], object],
        go_on: Callable[[], object],
        *,
        stopped: bool = False,
    ) -> None:
        self._stop = stop
        self._go_on = go_on
        self._holding = False  # we stop it
        self._others = stopped  # somebody else does

    def weigh(self, held: int) -> None:
        """So many bytes are held back now."""
        if held > HIGH and not self._holding:
            was_stopped, self._holding = self._others, True
            if not was_stopped:
                self._stop()
        elif held <= LOW and self._holding:
            self._holding = False
            if not self._others:
                self._go_on()

    def others_stop(self) -> None:
        """Somebody else stops the flow."""
        if not self._others:
            self._others = True
            if not self._holding:
                self._stop()

    def others_go_on(self) -> None:
        """Nobody else stops it any more."""
        if self._others:
            self._others = False
            if not self._holding:
                self._go_on()
