"""Objects that must be at hand without waiting: kept in memory by watching the store.

Authentication and authorization decide at once, so what they go by is followed from
the start; the server is not ready before it is known.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from apimachinery.meta import namespaced_name
from apimachinery.status import StatusError
from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Resource
    from apiserver.services import Cachers

__all__ = ["Followed", "Following", "Observer"]

_RETRY_SECONDS = 0.5

Observer: TypeAlias = "Callable[[JsonObject | None, JsonObject | None], None]"
"""Told of each change: the object before and after it."""


class Followed:
    """The objects of one resource by `namespace/name`, always as new as the cache."""

    def __init__(self, cachers: Cachers, resource: Resource) -> None:
        self._cachers = cachers
        self._resource = resource
        self.objects: dict[str, JsonObject] = {}
        self.ready = asyncio.Event()
        self.observers: list[Observer] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = spawn(f"follow {self._resource.resource}", self._follow())

    async def close(self) -> None:
        if self._task is not None:
            await cancel_and_wait(self._task)

    async def _follow(self) -> None:
        while True:
            with suppress(StatusError):  # the cache restarts, or history is gone
                await self._list_and_watch()
            await asyncio.sleep(_RETRY_SECONDS)

    async def _list_and_watch(self) -> None:
        cacher = self._cachers.of(self._resource)
        page = await cacher.list(resource_version="0")
        for before in list(self.objects.values()):
            self._put(namespaced_name(before), None)
        for item in page.items:
            self._put(namespaced_name(item.object), item.object)
        self.ready.set()
        watcher = await cacher.watch(resource_version=str(page.revision))
        try:
            async for event in watcher:
                gone = event.type == "DELETED"
                key = namespaced_name(event.object)
                self._put(key, None if gone else event.object)
        finally:
            watcher.close()

    def _put(self, key: str, obj: JsonObject | None) -> None:
        before = self.objects.pop(key, None)
        if obj is not None:
            self.objects[key] = obj
        for observe in self.observers:
            observe(before, obj)


class Following:
    """All that is followed, each resource once."""

    def __init__(self, cachers: Cachers) -> None:
        self._cachers = cachers
        self._followed: dict[str, Followed] = {}

    def of(self, resource: Resource) -> Followed:
        prefix = resource.storage_prefix
        if prefix not in self._followed:
            self._followed[prefix] = Followed(self._cachers, resource)
        return self._followed[prefix]

    def start(self) -> None:
        for followed in self._followed.values():
            followed.start()

    @property
    def is_ready(self) -> bool:
        return all(followed.ready.is_set() for followed in self._followed.values())

    async def ready(self) -> None:
        """Wait until everything is known."""
        for followed in self._followed.values():
            await followed.ready.wait()

    async def close(self) -> None:
        for followed in self._followed.values():
            await followed.close()
