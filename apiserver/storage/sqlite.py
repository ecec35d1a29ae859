"""SqliteStore: the Store contract in one file, safe against kill -9.

Write-ahead log with ``synchronous=NORMAL`` by default: a commit is in the kernel's
hands when it is answered, so it survives the death of the process at any moment; the
last commits may be lost when the machine loses power, but the file stays sound.
``FULL`` waits for the disk at each commit as etcd does, which is slower by the time
of an fsync for each group of writes.

One process owns the file: revisions are published to watches by the process that
commits them. A lock file says so to a second one.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import sqlite3
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from apiserver.storage.broadcaster import Broadcaster, QueueWatch
from apiserver.storage.compaction import compact_periodically
from apiserver.storage.interface import (
    Conflict,
    ListResult,
    StoredValue,
    StoreEvent,
    StoreUnavailable,
)
from apiserver.storage.sqlite_log import Change, Expiry, RevisionLog, Synchronous
from apiserver.storage.sqlite_writer import Writer
from hops.clock import wall
from hops.tasks import spawn

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["SqliteStore", "StoreLockedError"]

BACKLOG_PAGE = 1_000
COMPACT_PAGE = 1_000
_Changes: TypeAlias = list[Change]  # in the class, ``list`` is the method
_Expiries: TypeAlias = list[Expiry]


class StoreLockedError(OSError):
    """Another process has this database open."""


class SqliteStore:
    """Open it with ``await SqliteStore.open(path)``."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._broadcaster = Broadcaster()
        self._expiries: _Expiries = []
        self._timer: asyncio.TimerHandle | None = None
        self._lock: int | None = None
        self._writer: Writer

    @classmethod
    async def open(
        cls,
        path: Path | str,
        *,
        synchronous: Synchronous = "NORMAL",
        clock: Callable[[], float] = wall,
    ) -> Self:
        """Open or create the file (mode 0600).

        Raises:
            StoreLockedError: another process has it open.
            StoreUnavailable: it is not a database, or not readable; says what to do.
        """
        store = cls(Path(path), clock)
        store._lock = _take_lock(store._path)
        open_log = partial(RevisionLog, store._path, synchronous=synchronous)
        store._writer = Writer(open_log, store._on_changes)
        try:
            await store._writer.start()
            await store._load()
        except sqlite3.Error as error:
            store._release_lock()
            raise StoreUnavailable(
                f"{store._path}: {error}: restore the file from a copy, or move it away"
                " (and what begins with its name) to start without objects"
            ) from error
        except BaseException:
            store._release_lock()
            raise
        return store

    async def _load(self) -> None:
        call = self._writer.call
        self._broadcaster.revision = await call(RevisionLog.current_revision)
        self._expiries = await call(RevisionLog.expiries)
        heapq.heapify(self._expiries)
        self._set_timer()

    # -- reads ------------------------------------------------------------------------

    async def get(self, key: str) -> StoredValue | None:
        return await self._writer.call(lambda log: log.get(key))

    async def list(
        self,
        prefix: str,
        *,
        limit: int = 0,
        start: str | None = None,
        revision: int = 0,
    ) -> ListResult:
        return await self._writer.call(
            lambda log: log.range(prefix, limit, start, revision)
        )

    async def count(self, prefix: str) -> int:
        return await self._writer.call(lambda log: log.count(prefix))

    async def current_revision(self) -> int:
        return self._broadcaster.revision

    # -- writes -----------------------------------------------------------------------

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        expires_at = self._deadline(ttl)
        change = await self._writer.call(lambda log: log.create(key, value, expires_at))
        return change.event.revision

    async def update(
        self,
        key: str,
        value: bytes,
        expected_revision: int,
        *,
        ttl: float | None = None,
    ) -> int:
        expires_at = self._deadline(ttl)
        change = await self._writer.call(
            lambda log: log.update(key, value, expected_revision, expires_at)
        )
        return change.event.revision

    async def delete(self, key: str, expected_revision: int) -> int:
        change = await self._writer.call(lambda log: log.delete(key, expected_revision))
        return change.event.revision

    def _deadline(self, ttl: float | None) -> float | None:
        return None if ttl is None else self._clock() + ttl

    def _on_changes(self, changes: _Changes) -> None:
        """Publish a committed group, in the order of its revisions."""
        self._broadcaster.publish(change.event for change in changes)
        for change in changes:
            if change.expiry is not None:
                heapq.heappush(self._expiries, change.expiry)
                if self._expiries[0] is change.expiry:
                    self._set_timer()

    # -- watch ------------------------------------------------------------------------

    def watch(self, prefix: str, since_revision: int) -> QueueWatch:
        """Live from now on; what happened in between is read from the table first."""
        joined = self._broadcaster.revision
        watch = self._broadcaster.subscribe(prefix, max(since_revision, joined))
        if since_revision < joined:
            watch.catch_up(_Backlog(self._writer, prefix, since_revision, joined).read)
        return watch

    # -- expiry -----------------------------------------------------------------------

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._expiries:
            # Monotonic time may run a little before the wall clock: look again then.
            delay = max(self._expiries[0][0] - self._clock(), 0.0)
            self._timer = self._writer.loop.call_later(delay, self._expire)

    def _expire(self) -> None:
        due = []
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            due.append(heapq.heappop(self._expiries))
        if due:
            spawn("store expiry", self._delete_expired(due))
        self._set_timer()

    async def _delete_expired(self, due: _Expiries) -> None:
        for _, key, revision in due:
            try:
                await self.delete(key, revision)
            except Conflict:
                continue  # written again, or deleted, in the meantime

    # -- upkeep -----------------------------------------------------------------------

    async def compact(self, revision: int) -> None:
        call = self._writer.call
        while await call(lambda log: log.compact(revision, COMPACT_PAGE)):
            pass  # writes of others go between the pages

    async def compact_periodically(self, interval: float) -> None:
        await compact_periodically(self, interval=interval)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._broadcaster.close()
        await self._writer.close()
        self._release_lock()

    def _release_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class _Backlog:
    """Pages of past events for a watch that joined late."""

    def __init__(self, writer: Writer, prefix: str, after: int, until: int) -> None:
        self._writer = writer
        self._prefix = prefix
        self._after = after
        self._until = until

    async def read(self) -> list[StoreEvent]:
        """The next page; empty when the watch has caught up."""
        page = await self._writer.call(
            lambda log: log.events(self._prefix, self._after, self._until, BACKLOG_PAGE)
        )
        if page:
            self._after = page[-1].revision
        return page


def _take_lock(path: Path) -> int:
    """Hold ``PATH.lock`` for the life of the process; the kernel lets it go at death."""
    fd = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise StoreLockedError(f"{path} is in use by another process") from None
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return fd
