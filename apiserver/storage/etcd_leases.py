"""Leases for objects that expire, each shared by many.

A lease costs etcd far more than a key, so one is used again while it lasts long enough
and carries few enough objects. An object may therefore live a little longer than asked.

Source: kubernetes/apiserver pkg/storage/etcd3/lease_manager.go: a lease is granted for
5 % more than the time asked for, at most --lease-reuse-duration-seconds (60), and
carries up to 1000 objects.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["EtcdLeases"]

_REUSE_SECONDS = 60.0
_REUSE_SHARE = 0.05
_MAX_OBJECTS = 1000


class EtcdLeases:
    """Which lease the next object is put under.

    Args:
        grant: asks etcd for a lease of so many seconds; answers its id.
        clock: seconds that only grow.
    """

    def __init__(
        self, grant: Callable[[int], Awaitable[int]], clock: Callable[[], float]
    ) -> None:
        self._grant = grant
        self._clock = clock
        self._lock = asyncio.Lock()
        self._id = 0
        self._ends = 0.0
        self._objects = 0

    async def lease_for(self, ttl: float | None) -> int:
        """The lease of an object that lives `ttl` seconds; 0, none, when it stays."""
        if ttl is None:
            return 0
        async with self._lock:
            now = self._clock()
            seconds = max(math.ceil(ttl), 1)
            extra = int(min(_REUSE_SECONDS, seconds * _REUSE_SHARE))
            # Not too early an end for this object, and not too late a one.
            fits = now + seconds <= self._ends <= now + (seconds + extra)
            self._objects += 1
            if fits and self._objects <= _MAX_OBJECTS:
                return self._id
            self._id = await self._grant(seconds + extra)
            self._ends = now + (seconds + extra)
            self._objects = 1
            return self._id

    def forget(self) -> None:
        """The lease is gone: etcd was restored, or somebody revoked it."""
        self._ends = 0.0
