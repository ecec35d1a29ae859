"""History: the last changes in memory, for watches and for reads of the past.

Pure. Revisions of the events grow; ``floor`` is the newest revision that is forgotten,
so that everything after it is known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from apiserver.storage.interface import Compacted, StoreEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["History"]


class History:
    """A bounded list of events in revision order."""

    def __init__(self, capacity: int, floor: int = 0) -> None:
        self._events: deque[StoreEvent] = deque()
        self._capacity = capacity
        self.floor = floor

    def __len__(self) -> int:
        return len(self._events)

    def append(self, event: StoreEvent) -> None:
        """Add the newest event; the oldest goes when there are too many."""
        self._events.append(event)
        if len(self._events) > self._capacity:
            self.floor = self._events.popleft().revision

    def forget(self, revision: int) -> None:
        """Drop events up to and including ``revision``."""
        while self._events and self._events[0].revision <= revision:
            self._events.popleft()
        self.floor = max(self.floor, revision)

    def since(self, revision: int) -> Iterator[StoreEvent]:
        """Events after ``revision``.

        Raises:
            Compacted: some of them are forgotten.
        """
        if revision < self.floor:
            raise Compacted(revision, self.floor)
        start = bisect_right(self._events, revision, key=attrgetter("revision"))
        return islice(self._events, start, None)
