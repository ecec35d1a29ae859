"""A queue of keys to look at: each at most once, failed ones again after a while.

Source: kubernetes/client-go util/workqueue: a key that is added while it is worked on
is worked on again afterwards, never at the same time; failures back off by doubling
from 5 ms (here to one minute, upstream to 1000 s).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["WorkQueue"]

_FIRST_DELAY: Final = 0.005
_LONGEST_DELAY: Final = 60.0

Key = TypeVar("Key", bound="Hashable")


class WorkQueue(Generic[Key]):
    """Keys in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[Key] = deque()
        self._dirty: set[Key] = set()
        self._working: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._something = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Have the key looked at, once, as soon as may be."""
        self._cancel_timer(key)
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._working:
            self._waiting.append(key)
            self._something.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Have the key looked at later; the earliest of several times counts."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= loop.time() + seconds:
            return
        self._cancel_timer(key)
        self._timers[key] = loop.call_later(seconds, self.add, key)

    def retry(self, key: Key) -> None:
        """Have a key that failed looked at again, later with each failure."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(_FIRST_DELAY * 2.0**failures, _LONGEST_DELAY))

    def forget(self, key: Key) -> None:
        """The key did well: its next failure is a first one."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """The next key, which is the caller's until `done`."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        key = self._waiting.popleft()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    def done(self, key: Key) -> None:
        """The caller is through with the key."""
        self._working.discard(key)
        if key in self._dirty:
            self._waiting.append(key)
            self._something.set()

    def close(self) -> None:
        """Drop what waits for its time."""
        for key in list(self._timers):
            self._cancel_timer(key)

    def _cancel_timer(self, key: Key) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
