"""WatchTimers: when watches end, and when they are due a bookmark.

Source: kubernetes/apiserver pkg/storage/cacher/cacher.go (watcherBookmarkTimeBuckets):
about once a minute, and shortly before the end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from apiserver.storage.watch_cache import CachedObject
    from apiserver.storage.watcher import Watcher

__all__ = ["WatchTimers"]

LAST_BOOKMARK_SECONDS = 2.0  # before the deadline of a watch


class WatchTimers:
    """The timers of one cacher's watchers.

    ``ask_progress`` makes the store tell how far it is; with its answer the cacher
    calls ``send_bookmarks``.
    """

    def __init__(
        self, bookmark_seconds: float, ask_progress: Callable[[], None]
    ) -> None:
        self._bookmark_seconds = bookmark_seconds
        self._ask_progress = ask_progress
        self._timers: dict[Watcher, list[asyncio.TimerHandle]] = {}
        self._wants_bookmark: set[Watcher] = set()

    def __len__(self) -> int:
        return len(self._timers)

    def start(
        self, watcher: Watcher, *, bookmarks: bool, timeout_seconds: float | None
    ) -> None:
        """Begin to look after a watcher, until ``forget``."""
        if watcher.ended:
            return
        loop = asyncio.get_running_loop()
        timers = self._timers.setdefault(watcher, [])
        if timeout_seconds is not None:
            timers.append(loop.call_later(timeout_seconds, watcher.end))
        if not bookmarks:
            return
        timers.append(loop.call_later(self._bookmark_seconds, self._repeat, watcher))
        if timeout_seconds is not None and timeout_seconds > LAST_BOOKMARK_SECONDS:
            at = timeout_seconds - LAST_BOOKMARK_SECONDS
            timers.append(loop.call_later(at, self._ask, watcher))

    def _repeat(self, watcher: Watcher) -> None:
        self._ask(watcher)
        timers = self._timers.get(watcher)
        if timers is None:
            return
        loop = asyncio.get_running_loop()
        timers[:] = [timer for timer in timers if timer.when() > loop.time()]
        timers.append(loop.call_later(self._bookmark_seconds, self._repeat, watcher))

    def _ask(self, watcher: Watcher) -> None:
        self._wants_bookmark.add(watcher)
        self._ask_progress()

    def send_bookmarks(self, make: Callable[[], CachedObject]) -> None:
        """Give everyone who waits for a bookmark the same one."""
        if not self._wants_bookmark:
            return
        item = make()
        for watcher in self._wants_bookmark:
            watcher.bookmark(item)
        self._wants_bookmark.clear()

    def forget(self, watcher: Watcher) -> None:
        """The watcher has ended."""
        self._wants_bookmark.discard(watcher)
        for timer in self._timers.pop(watcher, ()):
            timer.cancel()
