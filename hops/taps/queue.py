"""Taps that look a moment later: bytes go on at once, and are decoded in batches.

The next process has them already while this one decodes, a session of small messages
waits for no decoder, and a batch is one write to the file. All taps of a process share
one queue, so that their events stay in order; each has the time at which it went by.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.pipe import Direction, Past, Tap

__all__ = ["DeferredTap", "TapQueue"]

logger = logging.getLogger(__name__)

_MAX_BYTES = 2 << 20  # that wait
_MAX_CALLS = 500
_LARGE = 8 * 1024
_SECONDS = 0.025


class TapQueue:
    """Calls that are made a few milliseconds later, in order.

    Args:
        done: called when a batch was worked through.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        self._done = done
        self._timer: asyncio.TimerHandle | None = None
        self._calls: list[tuple[DeferredTap, Callable[..., None], tuple[Any, ...]]] = []
        self._waiting = 0

    def put(
        self,
        tap: DeferredTap,
        call: Callable[..., None],
        args: tuple[Any, ...],
        size: int = 0,
    ) -> None:
        """Call soon; `size` is how many bytes are held for it."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_SECONDS, self.run)
        self._calls.append((tap, call, args))
        self._waiting += size
        if self._waiting > _MAX_BYTES or len(self._calls) > _MAX_CALLS:
            self.run()

    def call_now(
        self, tap: DeferredTap, call: Callable[..., None], args: tuple[Any, ...]
    ) -> None:
        """Make this call, behind all that wait."""
        self.put(tap, call, args)
        self._work()

    def run(self) -> None:
        """Make all calls that wait, and say so."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._work()
        self._done()

    def _work(self) -> None:
        """Make all calls that wait. A tap that fails is not called again."""
        calls, self._calls, self._waiting = self._calls, [], 0
        for tap, call, args in calls:
            if tap.failed:
                continue
            try:
                call(*args)
            except Exception:  # it must never disturb the traffic
                logger.exception("tap failed")
                tap.failed = True


class DeferredTap:
    """A Tap whose calls wait in a queue."""

    def __init__(self, queue: TapQueue, tap: Tap) -> None:
        self._queue = queue
        self.tap = tap
        self.failed = False

    def connected(self, facts: dict[str, Any], now: float) -> None:
        """See `hops.pipe.Tap`."""
        self._queue.put(self, self.tap.connected, (facts, now))

    def bind_session(self, trace_id: str) -> None:
        """See `hops.pipe.Tap`."""
        self._queue.put(self, self.tap.bind_session, (trace_id,))

    def recall(self, past: Past, now: float) -> None:
        """See `hops.pipe.Tap`."""
        self._queue.put(self, self.tap.recall, (past, now))

    def feed(self, direction: Direction, data: bytes | memoryview, now: float) -> None:
        """See `hops.pipe.Tap`. What is large is looked at now, since a copy costs more."""
        size = len(data)
        if size < _LARGE:
            args = direction, bytes(data), now
            self._queue.put(self, self.tap.feed, args, size)
        else:
            self._queue.call_now(self, self.tap.feed, (direction, data, now))

    def eof(self, direction: Direction, now: float) -> None:
        """See `hops.pipe.Tap`."""
        self._queue.put(self, self.tap.eof, (direction, now))

    def lost(self, reason: str, now: float) -> None:
        """See `hops.pipe.Tap`."""
        self._queue.put(self, self.tap.lost, (reason, now))

    def acted(
        self,
        fault: str,
        direction: Direction,
        kind: str,
        now: float,
        info: dict[str, Any] | None = None,
    ) -> None:
        """See `hops.pipe.Tap`."""
        self._queue.put(self, self.tap.acted, (fault, direction, kind, now, info))
