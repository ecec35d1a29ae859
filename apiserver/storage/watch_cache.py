"""WatchCache: the objects of one resource and their last changes, in memory.

Pure: it is told what happened and when. Objects in it are shared by every list and
every watch, so nobody may change one; each is written as JSON once, however many
watchers it goes to.
Source: kubernetes/apiserver pkg/storage/cacher/watch_cache.go.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from apiserver.storage.interface import Compacted, EventType, StoreEvent
from apiserver.storage.objects import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from apimachinery.types import JsonObject

__all__ = [
    "CacheEvent",
    "CachedObject",
    "Predicate",
    "WatchCache",
    "WatchEvent",
    "WatchEventType",
]

Predicate: TypeAlias = "Callable[[JsonObject], bool]"

# Kept at least: so many changes, or those of so many seconds; never more than the cap.
MIN_EVENTS = 1_000
MIN_SECONDS = 300.0
MAX_EVENTS = 50_000


class CachedObject:
    """An object at one revision; read only."""

    __slots__ = ("_json", "key", "object", "revision")

    def __init__(self, key: str, obj: JsonObject, revision: int) -> None:
        self.key = key
        self.object = obj
        self.revision = revision
        self._json: bytes | None = None

    def json(self) -> bytes:
        """The object as compact JSON, written at the first call."""
        if self._json is None:
            text = json.dumps(self.object, separators=(",", ":"), ensure_ascii=False)
            self._json = text.encode()
        return self._json

    def at(self, revision: int) -> CachedObject:
        """The same state with a later resourceVersion: what DELETED carries."""
        metadata = {**self.object["metadata"], "resourceVersion": str(revision)}
        obj = {**self.object, "metadata": metadata}
        return CachedObject(self.key, obj, revision)


class WatchEventType(StrEnum):
    """The types that clients see."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One event for one watcher."""

    type: WatchEventType
    item: CachedObject

    @property
    def object(self) -> JsonObject:
        """The object; it is shared, so copy it before changing it."""
        return self.item.object

    @property
    def revision(self) -> int:
        return self.item.revision

    def frame(self) -> bytes:
        """The event as a line of a JSON watch stream."""
        return b'{"type":"%b","object":%b}\n' % (
            self.type.encode(),
            self.item.json(),
        )


class CacheEvent:
    """A change with the states before and after it; None where there is none."""

    __slots__ = ("_gone", "after", "before", "key", "revision", "seen_at")

    def __init__(
        self,
        key: str,
        before: CachedObject | None,
        after: CachedObject | None,
        revision: int,
        seen_at: float,
    ) -> None:
        self.key = key
        self.before = before
        self.after = after
        self.revision = revision
        self.seen_at = seen_at
        self._gone: CachedObject | None = None

    def gone(self) -> CachedObject:
        """The state before, at the revision of this change."""
        if self._gone is None:
            assert self.before is not None  # noqa: S101 - only asked for when it was
            self._gone = self.before.at(self.revision)
        return self._gone

    def seen_by(self, predicate: Predicate | None) -> WatchEvent | None:
        """The event for a watcher: entering its set is ADDED, leaving it DELETED."""
        before, after = self.before, self.after
        was = before is not None and (predicate is None or predicate(before.object))
        if after is not None and (predicate is None or predicate(after.object)):
            kind = WatchEventType.MODIFIED if was else WatchEventType.ADDED
            return WatchEvent(kind, after)
        return WatchEvent(WatchEventType.DELETED, self.gone()) if was else None


class WatchCache:
    """Current objects in key order, and a bounded list of changes.

    ``revision`` says up to where the cache knows everything; ``floor`` is the newest
    revision whose change is forgotten.
    """

    def __init__(
        self,
        *,
        min_events: int = MIN_EVENTS,
        min_seconds: float = MIN_SECONDS,
        max_events: int = MAX_EVENTS,
    ) -> None:
        self._objects: dict[str, CachedObject] = {}
        self._keys: list[str] = []
        self._events: deque[CacheEvent] = deque()
        self._min_events = min_events
        self._min_seconds = min_seconds
        self._max_events = max_events
        self.revision = 0
        self.floor = 0

    def __len__(self) -> int:
        return len(self._objects)

    def replace(self, objects: Iterable[CachedObject], revision: int) -> None:
        """Start over from a list at ``revision``; history is forgotten."""
        self._objects = {item.key: item for item in objects}
        self._keys = sorted(self._objects)
        self._events.clear()
        self.revision = self.floor = revision

    def apply(self, change: StoreEvent, now: float) -> CacheEvent | None:
        """Take in a change; None when it only tells progress."""
        self.revision = max(self.revision, change.revision)
        if change.type is EventType.PROGRESS:
            return None
        before = self._objects.get(change.key)
        after = None
        if change.type is EventType.DELETED:
            self._remove(change.key)
        else:
            obj = decode(change.value, change.revision)
            after = CachedObject(change.key, obj, change.revision)
            self._put(after)
        event = CacheEvent(change.key, before, after, change.revision, now)
        self._events.append(event)
        self._trim(now)
        return event

    def _put(self, item: CachedObject) -> None:
        if item.key not in self._objects:
            insort(self._keys, item.key)
        self._objects[item.key] = item

    def _remove(self, key: str) -> None:
        if self._objects.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def _trim(self, now: float) -> None:
        events = self._events
        while len(events) > self._min_events:
            old = events[0].seen_at < now - self._min_seconds
            if not old and len(events) <= self._max_events:
                return
            self.floor = events.popleft().revision

    def get(self, key: str) -> CachedObject | None:
        return self._objects.get(key)

    def under(self, prefix: str, start: str = "") -> Iterator[CachedObject]:
        """Current objects under ``prefix``, from ``start`` on, in key order."""
        first = bisect_left(self._keys, max(prefix, start))
        for key in islice(self._keys, first, None):
            if not key.startswith(prefix):
                return
            yield self._objects[key]

    def under_at(self, prefix: str, start: str, revision: int) -> list[CachedObject]:
        """The same at an earlier revision: later changes are undone, newest first.

        Raises:
            Compacted: some of those changes are forgotten.
        """
        at = {item.key: item for item in self.under(prefix, start)}
        for event in reversed(list(self.since(revision))):
            if not event.key.startswith(prefix) or event.key < start:
                continue
            if event.before is None:
                at.pop(event.key, None)
            else:
                at[event.key] = event.before
        return [at[key] for key in sorted(at)]

    def since(self, revision: int) -> Iterator[CacheEvent]:
        """Changes after ``revision``.

        Raises:
            Compacted: some of them are forgotten.
        """
        if revision < self.floor:
            raise Compacted(revision, self.floor)
        first = bisect_right(self._events, revision, key=attrgetter("revision"))
        return islice(self._events, first, None)
