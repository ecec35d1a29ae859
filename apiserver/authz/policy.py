"""What the authorizers need to know, kept in memory by watching the store.

Authorizing must not wait, so the roles, bindings and pods are followed from the
start; the server is not ready before they are known.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from apimachinery.meta import name_of, namespace_of, namespaced_name
from apimachinery.status import StatusError
from apiserver.resources.cells import read
from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Resource
    from apiserver.services import Cachers

__all__ = ["Followed", "NodePods", "RolePolicy"]

_RETRY_SECONDS = 0.5


class Followed:
    """The objects of one resource by `namespace/name`, always as new as the cache."""

    def __init__(self, cachers: Cachers, resource: Resource) -> None:
        self._cachers = cachers
        self._resource = resource
        self.objects: dict[str, JsonObject] = {}
        self.ready = asyncio.Event()
        self.on_change: Callable[[JsonObject | None, JsonObject | None], None] = (
            lambda before, after: None
        )
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
        self.on_change(before, obj)


class RolePolicy:
    """A `PolicySource` over the four RBAC kinds."""

    def __init__(
        self,
        *,
        cluster_roles: Followed,
        cluster_role_bindings: Followed,
        roles: Followed,
        role_bindings: Followed,
    ) -> None:
        self._cluster_roles = cluster_roles
        self._cluster_role_bindings = cluster_role_bindings
        self._roles = roles
        self._role_bindings = role_bindings

    def cluster_role_bindings(self) -> Iterable[JsonObject]:
        return self._cluster_role_bindings.objects.values()

    def role_bindings(self, namespace: str) -> Iterable[JsonObject]:
        return [
            binding
            for binding in self._role_bindings.objects.values()
            if namespace_of(binding) == namespace
        ]

    def cluster_role(self, name: str) -> JsonObject | None:
        return self._cluster_roles.objects.get(name)

    def role(self, namespace: str, name: str) -> JsonObject | None:
        return self._roles.objects.get(f"{namespace}/{name}")


class NodePods:
    """A `PodSource`: pods by the node they are bound to."""

    def __init__(self, pods: Followed) -> None:
        self._by_node: dict[str, dict[str, JsonObject]] = {}
        pods.on_change = self._changed

    def _changed(self, before: JsonObject | None, after: JsonObject | None) -> None:
        if before is not None:
            node = read(before, "spec.nodeName") or ""
            self._by_node.get(node, {}).pop(_key(before), None)
        if after is not None:
            node = read(after, "spec.nodeName") or ""
            self._by_node.setdefault(node, {})[_key(after)] = after

    def pods_on(self, node: str) -> Iterable[JsonObject]:
        return self._by_node.get(node, {}).values()


def _key(pod: JsonObject) -> str:
    return f"{namespace_of(pod)}/{name_of(pod)}"
