"""MemoryStore: the Store contract in a dict, for tests and throw-away clusters.

Everything happens on the event loop without a pause between reading and writing, so
the loop itself is the lock under which a revision is assigned and published.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from typing import TypeAlias

from apiserver.storage.broadcaster import Broadcaster, QueueWatch
from apiserver.storage.compaction import compact_periodically
from apiserver.storage.history import History
from apiserver.storage.interface import (
    Compacted,
    Conflict,
    EventType,
    FutureRevision,
    KeyExists,
    ListResult,
    StoredValue,
    StoreEvent,
)

__all__ = ["MemoryStore"]

HISTORY_CAPACITY = 20_000
_Values: TypeAlias = list[StoredValue]  # in the class, ``list`` is the method


class MemoryStore:
    """A Store that forgets everything at the end of the process."""

    def __init__(self, *, history_capacity: int = HISTORY_CAPACITY) -> None:
        self._values: dict[str, StoredValue] = {}
        self._keys: list[str] = []
        self._history = History(history_capacity)
        self._past: dict[int, StoredValue] = {}
        self._broadcaster = Broadcaster()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def get(self, key: str) -> StoredValue | None:
        return self._values.get(key)

    async def list(
        self,
        prefix: str,
        *,
        limit: int = 0,
        start: str | None = None,
        revision: int = 0,
    ) -> ListResult:
        current = self._broadcaster.revision
        if revision > current:
            raise FutureRevision(revision, current)
        values = self._under(prefix, start)
        if revision and revision < current:
            values = self._rewind(values, prefix, start, revision)
        page = values[:limit] if limit else values
        more = len(page) < len(values)
        return ListResult(page, revision or current, more, len(values))

    def _under(self, prefix: str, start: str | None) -> _Values:
        first = bisect_left(self._keys, max(prefix, start or ""))
        found = []
        for key in self._keys[first:]:
            if not key.startswith(prefix):
                break
            found.append(self._values[key])
        return found

    def _rewind(
        self, values: _Values, prefix: str, start: str | None, revision: int
    ) -> _Values:
        """Undo, newest first, what happened under the prefix after ``revision``."""
        at = {value.key: value for value in values}
        for event in reversed(list(self._history.since(revision))):
            if not event.key.startswith(prefix) or event.key < (start or ""):
                continue
            before = self._past.get(event.revision)
            if before is None:
                at.pop(event.key, None)
            else:
                at[event.key] = before
        return [at[key] for key in sorted(at)]

    async def count(self, prefix: str) -> int:
        return len(self._under(prefix, None))

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        before = self._values.get(key)
        if before is not None:
            raise KeyExists(key, before.revision)
        revision = self._broadcaster.revision + 1
        insort(self._keys, key)
        self._values[key] = StoredValue(key, value, revision, revision)
        self._set_timer(key, ttl)
        return self._publish(EventType.CREATED, key, value, None, revision)

    async def update(
        self,
        key: str,
        value: bytes,
        expected_revision: int,
        *,
        ttl: float | None = None,
    ) -> int:
        before = self._expect(key, expected_revision)
        revision = self._broadcaster.revision + 1
        self._values[key] = StoredValue(key, value, revision, before.create_revision)
        self._set_timer(key, ttl)
        return self._publish(EventType.MODIFIED, key, value, before, revision)

    async def delete(self, key: str, expected_revision: int) -> int:
        before = self._expect(key, expected_revision)
        return self._remove(key, before)

    def _remove(self, key: str, before: StoredValue) -> int:
        revision = self._broadcaster.revision + 1
        del self._values[key]
        del self._keys[bisect_left(self._keys, key)]
        self._set_timer(key, None)
        return self._publish(EventType.DELETED, key, b"", before, revision)

    def _expect(self, key: str, revision: int) -> StoredValue:
        current = self._values.get(key)
        if current is None or current.revision != revision:
            raise Conflict(key, current)
        return current

    def _publish(
        self,
        kind: EventType,
        key: str,
        value: bytes,
        before: StoredValue | None,
        revision: int,
    ) -> int:
        prev_value = before.value if before else None
        event = StoreEvent(kind, key, value, prev_value, revision)
        floor = self._history.floor
        self._history.append(event)
        if before is not None:
            self._past[revision] = before
        if self._history.floor != floor:
            self._past.pop(self._history.floor, None)
        self._broadcaster.publish([event])
        return revision

    def _set_timer(self, key: str, ttl: float | None) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if ttl is not None:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(ttl, self._expire, key)

    def _expire(self, key: str) -> None:
        self._timers.pop(key, None)
        before = self._values.get(key)
        if before is not None:
            self._remove(key, before)

    def watch(self, prefix: str, since_revision: int) -> QueueWatch:
        watch = self._broadcaster.subscribe(prefix, since_revision)
        try:
            missed = list(self._history.since(since_revision))
        except Compacted as err:
            watch.fail(err)
            return watch
        for event in missed:
            watch.offer(event)
        return watch

    async def current_revision(self) -> int:
        return self._broadcaster.revision

    async def compact(self, revision: int) -> None:
        revision = min(revision, self._broadcaster.revision)
        self._history.forget(revision)
        for past in [key for key in self._past if key <= revision]:
            del self._past[past]

    async def compact_periodically(self, interval: float) -> None:
        await compact_periodically(self, interval=interval)

    async def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        await self._broadcaster.close()
