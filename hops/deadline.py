"""The one timer of a core that says itself when it is next due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DeadlineTimer"]


class DeadlineTimer:
    """Calls `expire(now)` when `deadline()` has come; times are of `loop.time()`.

    `update` after each use of the core costs next to nothing: a deadline that moves away,
    as an idle timeout does, is looked at only when the timer fires. Who makes it calls
    `cancel`.
    """

    def __init__(
        self,
        deadline: Callable[[], float | None],
        expire: Callable[[float], None],
    ) -> None:
        self._deadline = deadline
        self._expire = expire
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._cancelled = False

    def update(self) -> None:
        """Look at the deadline, which may have come nearer."""
        due = self._deadline()
        if due is None or self._cancelled:
            return
        if self._handle is not None:
            if self._handle.when() <= due:
                return
            self._handle.cancel()
        self._handle = self._loop.call_at(due, self._fire)

    def cancel(self) -> None:
        """Never fire again."""
        self._cancelled = True
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _fire(self) -> None:
        self._handle = None
        due, now = self._deadline(), self._loop.time()
        if due is not None and due <= now:
            self._expire(now)
        self.update()
