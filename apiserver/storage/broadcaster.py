"""Broadcaster: hands committed events to watches, in order, on the event loop.

A watch has a bounded queue. One that falls behind is ended with WatcherTooSlow: it
must never be shown a history with holes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Self, TypeAlias

from apiserver.storage.interface import EventType, StoreEvent, WatcherTooSlow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

__all__ = ["Broadcaster", "QueueWatch"]

QUEUE_CAPACITY = 20_000
ReadBacklog: TypeAlias = "Callable[[], Awaitable[list[StoreEvent]]]"


class QueueWatch:
    """One subscriber: a StoreWatch over a queue that the broadcaster fills."""

    def __init__(
        self, broadcaster: Broadcaster, prefix: str, since_revision: int
    ) -> None:
        self._broadcaster = broadcaster
        self._prefix = prefix
        self._since = since_revision
        self._queue: deque[StoreEvent] = deque()
        self._backlog: deque[StoreEvent] = deque()
        self._read_backlog: ReadBacklog | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    def catch_up(self, read: ReadBacklog) -> None:
        """Deliver pages of older events first, until one is empty."""
        self._read_backlog = read

    async def __anext__(self) -> StoreEvent:
        if self._backlog or self._read_backlog is not None:
            event = await self._older()
            if event is not None:
                return event
        while not self._queue:
            if self._error is not None:
                raise self._error
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    async def _older(self) -> StoreEvent | None:
        if not self._backlog and self._read_backlog is not None:
            self._backlog.extend(await self._read_backlog())
            if not self._backlog:
                self._read_backlog = None
        return self._backlog.popleft() if self._backlog else None

    def offer(self, event: StoreEvent) -> None:
        """Queue an event if it belongs here; older and foreign ones are dropped."""
        if self._closed or self._error is not None:
            return
        if event.type is not EventType.PROGRESS and not self._concerns(event):
            return
        if len(self._queue) >= QUEUE_CAPACITY:
            self.fail(WatcherTooSlow(self._prefix))
            return
        self._queue.append(event)
        self._wake()

    def _concerns(self, event: StoreEvent) -> bool:
        # Not compared with the last event: several keys may change in one revision,
        # when a lease of etcd's ends.
        return event.revision > self._since and event.key.startswith(self._prefix)

    def fail(self, error: Exception) -> None:
        """End the watch; what is queued is still delivered first."""
        self._error = self._error or error
        self._broadcaster.unsubscribe(self)
        self._wake()

    def request_progress(self) -> None:
        revision = self._broadcaster.revision
        self.offer(StoreEvent(EventType.PROGRESS, "", b"", None, revision))

    async def close(self) -> None:
        self._closed = True
        self._queue.clear()
        self._backlog.clear()
        self._read_backlog = None
        self._broadcaster.unsubscribe(self)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Broadcaster:
    """All subscribers of one store. Lives on the event loop; holds no lock."""

    def __init__(self, revision: int = 0) -> None:
        self.revision = revision
        self._watches: dict[QueueWatch, None] = {}

    def subscribe(self, prefix: str, since_revision: int) -> QueueWatch:
        """A watch that gets every event published from now on."""
        watch = QueueWatch(self, prefix, since_revision)
        self._watches[watch] = None
        return watch

    def unsubscribe(self, watch: QueueWatch) -> None:
        self._watches.pop(watch, None)

    def publish(self, events: Iterable[StoreEvent]) -> None:
        """Hand out committed events; their revisions grow."""
        for event in events:
            self.revision = event.revision
            for watch in tuple(self._watches):
                watch.offer(event)

    def fail(self, error: Exception) -> None:
        """End all watches: what comes next does not follow from what was."""
        for watch in tuple(self._watches):
            watch.fail(error)

    async def close(self) -> None:
        for watch in tuple(self._watches):
            await watch.close()
