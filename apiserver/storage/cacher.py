"""Cacher: get, list and watch of one resource, served from memory.

One store watch feeds it. A list at a revision followed by a watch from it gives each
later change exactly once: the state, the history and the set of watchers only change
together, between two awaits.
Source: kubernetes/apiserver pkg/storage/cacher; the meaning of resourceVersion is in
kubernetes.io api-concepts, "Resource versions".
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from typing import TYPE_CHECKING, TypeAlias

from apimachinery.status import (
    StatusError,
    bad_request,
    expired,
    server_timeout,
    too_large_resource_version,
)
from apiserver.storage.continue_token import ContinueToken
from apiserver.storage.interface import (
    Compacted,
    EventType,
    FutureRevision,
    WatcherTooSlow,
)
from apiserver.storage.objects import decode
from apiserver.storage.pages import EXPIRED_CONTINUE, EXPIRED_LIST, CachedList, cut
from apiserver.storage.resource_version import parse_resource_version
from apiserver.storage.watch_cache import (
    CachedObject,
    CacheEvent,
    Predicate,
    WatchCache,
)
from apiserver.storage.watch_timers import WatchTimers
from apiserver.storage.watcher import QUEUE_CAPACITY, Watcher
from hops.clock import answer_timeout
from hops.tasks import spawn

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from apiserver.storage.interface import Store, StoreWatch

__all__ = ["CachedList", "Cacher"]

_Objects: TypeAlias = list[CachedObject]  # in the class, ``list`` is the method
_Events: TypeAlias = list[CacheEvent]

logger = logging.getLogger(__name__)

WAIT_SECONDS = 3.0  # for a revision that has not happened yet
BOOKMARK_SECONDS = 60.0
RESTART_SECONDS = 0.5
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class Cacher:
    """Start it with the first use; end it with ``close``."""

    def __init__(
        self,
        store: Store,
        prefix: str,
        *,
        api_version: str = "v1",
        kind: str = "",
        resource: str = "",
        cache: WatchCache | None = None,
        wait_seconds: float = WAIT_SECONDS,
        bookmark_seconds: float = BOOKMARK_SECONDS,
        watcher_capacity: int = QUEUE_CAPACITY,
    ) -> None:
        self.prefix = prefix
        self._store = store
        self._api_version = api_version
        self._kind = kind
        self._resource = resource or prefix.strip("/").rpartition("/")[2]
        self._cache = cache if cache is not None else WatchCache()
        self._wait_seconds = wait_seconds
        self._watcher_capacity = watcher_capacity
        self._watchers: dict[Watcher, None] = {}
        self._timers = WatchTimers(bookmark_seconds, self._ask_progress)
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._source: StoreWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._closing = False

    # -- reads ------------------------------------------------------------------------

    @property
    def watchers(self) -> int:
        """How many watches are open."""
        return len(self._watchers)

    async def get(self, key: str, *, resource_version: str = "") -> CachedObject | None:
        """One object: unset = now, ``0`` = any state, ``N`` = not older than N.

        Raises:
            StatusError: 400 unreadable version, 504 it has not happened.
        """
        await self._reach(parse_resource_version(resource_version))
        return self._cache.get(key)

    async def list(
        self,
        prefix: str | None = None,
        *,
        resource_version: str = "",
        match: str = "",
        predicate: Predicate | None = None,
        limit: int = 0,
        continue_token: str = "",
    ) -> CachedList:
        """Objects under ``prefix`` (default: all), in key order.

        ``predicate`` says which objects are wanted. The caller has validated the
        combination of parameters (ListOptions.validate).

        Raises:
            StatusError: 400, 410 Expired, 504 as Kubernetes answers them.
        """
        prefix = prefix or self.prefix
        if continue_token:
            if resource_version not in ("", "0"):
                raise bad_request(
                    "specifying resource version is not allowed when using continue"
                )
            return await self._next_page(prefix, continue_token, predicate, limit)
        revision = parse_resource_version(resource_version)
        await self._reach(revision)
        if revision == 0:
            limit = 0  # as upstream: served from the cache, so not cut
        # Before there was a match parameter, a limit with a version meant Exact.
        if revision and (match == "Exact" or (not match and limit)):
            return await self._page(prefix, prefix, revision, predicate, limit)
        return self._page_now(prefix, prefix, predicate, limit)

    async def _next_page(
        self, prefix: str, token: str, predicate: Predicate | None, limit: int
    ) -> CachedList:
        position = ContinueToken.decode(token)
        start = prefix + position.start
        await self._reach(None)
        if position.revision < 0:
            return self._page_now(prefix, start, predicate, limit)
        try:
            return await self._page(prefix, start, position.revision, predicate, limit)
        except StatusError as err:
            if err.code != 410:
                raise
            anew = ContinueToken(-1, position.start).encode()
            raise expired(EXPIRED_CONTINUE, continue_token=anew) from None

    def _page_now(
        self, prefix: str, start: str, predicate: Predicate | None, limit: int
    ) -> CachedList:
        items = list(self._cache.under(prefix, start))
        return cut(items, prefix, self._cache.revision, predicate, limit)

    async def _page(
        self,
        prefix: str,
        start: str,
        revision: int,
        predicate: Predicate | None,
        limit: int,
    ) -> CachedList:
        """A page at exactly ``revision``: from memory, else from the store."""
        try:
            if revision == self._cache.revision:
                items = list(self._cache.under(prefix, start))
            else:
                items = self._cache.under_at(prefix, start, revision)
        except Compacted:
            items = await self._stored(prefix, start, revision)
        return cut(items, prefix, revision, predicate, limit)

    async def _stored(self, prefix: str, start: str, revision: int) -> _Objects:
        try:
            page = await self._store.list(prefix, start=start, revision=revision)
        except Compacted:
            raise expired(EXPIRED_LIST) from None
        except FutureRevision as err:
            raise too_large_resource_version(revision, err.current) from None
        return [
            CachedObject(each.key, decode(each.value, each.revision), each.revision)
            for each in page.items
        ]

    # -- watches ----------------------------------------------------------------------

    async def watch(
        self,
        prefix: str | None = None,
        *,
        resource_version: str = "",
        predicate: Predicate | None = None,
        bookmarks: bool = False,
        send_initial_events: bool | None = None,
        timeout_seconds: float | None = None,
    ) -> Watcher:
        """Changes under ``prefix``; the caller closes the watcher.

        From version N: what came after it. From none or ``0``: the current objects as
        ADDED, then changes. ``send_initial_events`` is WatchList: the objects of a
        state not older than N, then a BOOKMARK that says so.

        Raises:
            StatusError: 410 Expired, N is older than the kept history; 504.
        """
        prefix = prefix or self.prefix
        revision = parse_resource_version(resource_version)
        # A plain watch from N needs no N here and now; the others need its state.
        await self._reach(revision if send_initial_events or not revision else 0)
        # No await from here on: state, history and subscription are one moment.
        watcher = self._subscribe(prefix, predicate, revision, send_initial_events)
        if bookmarks and send_initial_events:
            watcher.bookmark(self._bookmark({INITIAL_EVENTS_END: "true"}))
        self._timers.start(
            watcher, bookmarks=bookmarks, timeout_seconds=timeout_seconds
        )
        return watcher

    def _subscribe(
        self,
        prefix: str,
        predicate: Predicate | None,
        revision: int | None,
        send_initial_events: bool | None,
    ) -> Watcher:
        with_state = send_initial_events
        if send_initial_events is None:
            with_state = not revision
        start = self._cache.revision if with_state or not revision else revision
        watcher = Watcher(
            prefix, predicate, start, self._forget, capacity=self._watcher_capacity
        )
        if with_state:
            items = self._cache.under(prefix)
            watcher.start_with(
                item for item in items if predicate is None or predicate(item.object)
            )
        else:
            for event in self._since(start):
                watcher.offer(event)
        if not watcher.ended:
            self._watchers[watcher] = None
        return watcher

    def _since(self, revision: int) -> _Events:
        try:
            return list(self._cache.since(revision))
        except Compacted as err:
            text = f"too old resource version: {revision} ({err.compact_revision})"
            raise expired(text) from None

    def _forget(self, watcher: Watcher) -> None:
        self._watchers.pop(watcher, None)
        self._timers.forget(watcher)

    def _ask_progress(self) -> None:
        if self._source is not None:
            self._source.request_progress()

    def _bookmark(self, annotations: dict[str, str] | None = None) -> CachedObject:
        revision = self._cache.revision
        metadata: JsonObject = {
            "resourceVersion": str(revision),
            "creationTimestamp": None,
        }
        if annotations:
            metadata["annotations"] = annotations
        obj = {
            "kind": self._kind,
            "apiVersion": self._api_version,
            "metadata": metadata,
        }
        return CachedObject("", obj, revision)

    # -- freshness --------------------------------------------------------------------

    async def _reach(self, revision: int | None) -> None:
        """Wait until the cache knows ``revision``; None stands for everything so far."""
        self._start()
        if not self._ready.is_set():
            await self._wait_ready()
        if revision is None:
            revision = await self._store.current_revision()
        if self._cache.revision >= revision:
            return
        waiter = asyncio.get_running_loop().create_future()
        entry = (revision, waiter)
        self._waiting.append(entry)
        self._ask_progress()
        try:
            async with answer_timeout(self._wait_seconds):
                await waiter
        except TimeoutError:
            raise too_large_resource_version(revision, self._cache.revision) from None
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    async def _wait_ready(self) -> None:
        try:
            async with answer_timeout(self._wait_seconds):
                await self._ready.wait()
        except TimeoutError:
            raise server_timeout(self._resource, "list") from None

    def _release_waiters(self) -> None:
        if not self._waiting:
            return
        known = self._cache.revision
        for revision, waiter in self._waiting:
            if revision <= known and not waiter.done():
                waiter.set_result(None)

    # -- feed -------------------------------------------------------------------------

    def _start(self) -> None:
        if self._task is None:
            # Whoever asks first begins it; it works for all.
            self._task = Context().run(spawn, f"cacher {self.prefix}", self._run())

    async def _run(self) -> None:
        """List, then follow; over again when the store's watch breaks."""
        while not self._closing:
            try:
                await self._follow()
            except (Compacted, WatcherTooSlow, OSError) as err:
                logger.warning(
                    "cacher restarts", extra={"prefix": self.prefix, "error": str(err)}
                )
            self._ready.clear()
            self._end_watchers()
            if not self._closing:
                await asyncio.sleep(RESTART_SECONDS)

    async def _follow(self) -> None:
        page = await self._store.list(self.prefix)
        items = (
            CachedObject(each.key, decode(each.value, each.revision), each.revision)
            for each in page.items
        )
        self._cache.replace(items, page.revision)
        self._source = source = self._store.watch(self.prefix, page.revision)
        self._ready.set()
        self._release_waiters()
        now = asyncio.get_running_loop().time
        async for change in source:
            event = self._cache.apply(change, now())
            if event is not None:
                for watcher in tuple(self._watchers):
                    watcher.offer(event)
            elif change.type is EventType.PROGRESS:
                self._timers.send_bookmarks(self._bookmark)
            self._release_waiters()

    def _end_watchers(self) -> None:
        for watcher in tuple(self._watchers):
            watcher.end()

    async def close(self) -> None:
        """End all watches and the feed; idempotent."""
        self._closing = True
        self._end_watchers()
        if self._source is not None:
            await self._source.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
