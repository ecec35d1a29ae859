"""Watcher: one client's view of a resource, as an async iterator of WatchEvents.

It ends cleanly at its deadline, after ``close``, and when its reader is too slow: a
client then watches again from the last revision it saw, so nothing is ever skipped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Self

from apiserver.storage.watch_cache import (
    CachedObject,
    CacheEvent,
    Predicate,
    WatchEvent,
    WatchEventType,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["QUEUE_CAPACITY", "Watcher"]

QUEUE_CAPACITY = 10_000


class Watcher:
    """Filled by a Cacher, read by one request."""

    def __init__(
        self,
        prefix: str,
        predicate: Predicate | None,
        last: int,
        on_close: Callable[[Watcher], None],
        *,
        capacity: int = QUEUE_CAPACITY,
    ) -> None:
        self.prefix = prefix
        self.last = last  # events up to this revision are not for us
        self.too_slow = False
        self._predicate = predicate
        self._on_close = on_close
        self._capacity = capacity
        self._queue: deque[WatchEvent] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchEvent:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    def pending(self) -> list[WatchEvent]:
        """What can be had without waiting; for writing many frames at once."""
        events = list(self._queue)
        self._queue.clear()
        return events

    def offer(self, event: CacheEvent) -> None:
        """Take a change if it is ours and new."""
        if event.revision <= self.last or not event.key.startswith(self.prefix):
            return
        self.last = event.revision
        seen = event.seen_by(self._predicate)
        if seen is not None:
            self._put(seen)

    def start_with(self, items: Iterable[CachedObject]) -> None:
        """Queue the initial state; the limit on the queue does not count it."""
        self._queue.extend(WatchEvent(WatchEventType.ADDED, item) for item in items)
        self._wake()

    def bookmark(self, item: CachedObject) -> None:
        """Queue a BOOKMARK, unless events are waiting that would say the same."""
        if not self._ended:
            self._queue.append(WatchEvent(WatchEventType.BOOKMARK, item))
            self._wake()

    @property
    def idle(self) -> bool:
        return not self._queue

    def _put(self, event: WatchEvent) -> None:
        if self._ended:
            return
        if len(self._queue) >= self._capacity:
            self.too_slow = True
            self.end()
            return
        self._queue.append(event)
        self._wake()

    def end(self) -> None:
        """No more events; those queued are still delivered."""
        if not self._ended:
            self._ended = True
            self._on_close(self)
        self._wake()

    def close(self) -> None:
        """The reader is gone; idempotent."""
        self._queue.clear()
        self.end()

    @property
    def ended(self) -> bool:
        return self._ended

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
