"""Deleting what is left when its owner is gone: background, foreground, orphan.

Source: kubernetes/kubernetes pkg/controller/garbagecollector/garbagecollector.go.

- An object all of whose owners are gone is deleted. An owner counts as gone only when
  the server itself says so, or another uid has its name; references to owners that are
  gone are dropped as long as another owner is there.
- A deleted owner with the finalizer `foregroundDeletion` has its dependents deleted;
  when none that blocks is left, the finalizer is removed.
- One with the finalizer `orphan` has itself removed from its dependents' references,
  then the finalizer.

Unlike upstream, a type is watched only once it has objects: most of the fifty have
none, and each watch is a connection. Types without are looked at every 30 seconds, the
period in which upstream looks for new types.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from apimachinery.status import StatusError
from controllers.api import Trouble
from controllers.ownership import Node, OwnershipGraph, Reference
from controllers.resources import ResourceType
from controllers.work_queue import WorkQueue
from controllers.worker import work_off
from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.informer import Informer

__all__ = ["GarbageCollector"]

logger = logging.getLogger(__name__)

_FOREGROUND: Final = "foregroundDeletion"
_ORPHAN: Final = "orphan"
_NEW_TYPES_PERIOD: Final = 30.0
_RETRY: Final = 1.0
# What people own things by, and delete with a policy: never found too late.
_ALWAYS: Final = frozenset(
    {
        "configmaps",
        "cronjobs",
        "daemonsets",
        "deployments",
        "jobs",
        "nodes",
        "pods",
        "replicasets",
        "secrets",
        "services",
        "statefulsets",
    }
)


class GarbageCollector:
    """Looks at every object with owners, and at every owner that is being deleted."""

    def __init__(
        self,
        api: Api,
        types: Iterable[ResourceType],
        informer_of: Callable[[ResourceType], Informer],
    ) -> None:
        """`informer_of` gives the informer of a type, and starts it if need be."""
        self._api = api
        self._informer_of = informer_of
        self._types = {(item.api_version, item.kind): item for item in types}
        self._followed: set[ResourceType] = set()
        self._graph = OwnershipGraph()
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._begin_to_follow()
        watch = spawn("garbage collector types", self._keep_following())
        try:
            await work_off("garbage collector", self._queue, self.reconcile)
        finally:
            await cancel_and_wait(watch)

    async def _keep_following(self) -> None:
        while True:
            await asyncio.sleep(_NEW_TYPES_PERIOD)
            try:
                await self._follow_types()
            except Trouble as err:
                logger.debug("types not looked at", extra={"why": str(err)})

    async def _begin_to_follow(self) -> None:
        while True:
            try:
                return await self._follow_types()
            except Trouble as err:
                logger.info("types not looked at yet", extra={"why": str(err)})
            await asyncio.sleep(_RETRY)

    async def _follow_types(self) -> None:
        """Follow the types that matter most, and all that have objects."""
        fresh = []
        for resource in self._types.values():
            if resource in self._followed:
                continue
            if resource.resource in _ALWAYS or await self._has_objects(resource):
                self._followed.add(resource)
                fresh.append(self._informer_of(resource))
        for informer in fresh:
            # With one type missing, its objects would seem to be absent owners; they
            # are asked for before anything is deleted, but that would be a storm.
            await informer.synced.wait()
        for informer in fresh:
            self._follow(informer)

    async def _has_objects(self, resource: ResourceType) -> bool:
        path = f"{resource.location.path()}?limit=1"
        return bool((await self._api.document(path)).get("items"))

    async def reconcile(self, uid: str) -> None:
        """Do for one object what its owners' and its own deletion ask for."""
        node = self._graph.get(uid)
        if node is None:
            return
        if node.waits_for(_ORPHAN):
            await self._orphan_dependents(node)
        elif node.waits_for(_FOREGROUND):
            await self._delete_dependents(node)
        elif node.owners and not node.is_deleting:
            await self._judge(node)

    async def _judge(self, node: Node) -> None:
        """Delete the object if no owner is left; drop references that lead nowhere."""
        solid, waiting, gone = [], [], []
        for owner in node.owners:
            state = await self._look_at(owner, node.namespace)
            if state is None:
                gone.append(owner)
            elif state.waits_for(_FOREGROUND):
                waiting.append(owner)
            else:
                solid.append(owner)
        if solid:
            if gone or waiting:
                await self._drop_references(node, {*gone, *waiting})
        elif waiting:
            # Its own dependents go first, if some block.
            policy = "Foreground" if self._graph.blockers(node.uid) else "Background"
            await self._delete(node, policy)
        else:
            await self._delete(node, _policy_of(node))

    async def _look_at(self, owner: Reference, namespace: str) -> Node | None:
        """The owner as it is now; None when it is gone."""
        known = self._graph.get(owner.uid)
        if known is not None:
            return known
        resource = self._types.get((owner.api_version, owner.kind))
        if resource is None:
            # A type that we do not know may well have it: nothing is deleted for that.
            unknown = ResourceType("", owner.api_version, owner.kind, owner.kind)
            return Node(unknown, namespace, owner.name, owner.uid, (), (), False)
        try:
            obj = await self._api.get(resource, owner.name, namespace)
        except StatusError as err:
            if err.code == 404:
                return None
            raise
        found = Node.of(resource, obj)
        # Another object of that name is not the owner.
        return found if found.uid == owner.uid else None

    async def _delete_dependents(self, owner: Node) -> None:
        blockers = self._graph.blockers(owner.uid)
        if not blockers:
            await self._remove_finalizer(owner, _FOREGROUND)
            return
        for node in self._graph.dependents(owner.uid):
            if not node.is_deleting:
                self._queue.add(node.uid)

    async def _orphan_dependents(self, owner: Node) -> None:
        for node in list(self._graph.dependents(owner.uid)):
            references = {ref for ref in node.owners if ref.uid == owner.uid}
            await self._drop_references(node, references)
        await self._remove_finalizer(owner, _ORPHAN)

    async def _drop_references(self, node: Node, dropped: set[Reference]) -> None:
        uids = {reference.uid for reference in dropped}
        owners = [{"$patch": "delete", "uid": uid} for uid in sorted(uids)]
        await self._patch(node, {"uid": node.uid, "ownerReferences": owners})

    async def _remove_finalizer(self, node: Node, finalizer: str) -> None:
        change = {"uid": node.uid, "$deleteFromPrimitiveList/finalizers": [finalizer]}
        await self._patch(node, change)

    async def _patch(self, node: Node, metadata: JsonObject) -> None:
        try:
            await self._api.patch(node.resource, node.object, {"metadata": metadata})
        except StatusError as err:
            if err.code not in (404, 409):
                raise

    async def _delete(self, node: Node, policy: str) -> None:
        options = {"propagationPolicy": policy, "preconditions": {"uid": node.uid}}
        logger.info("deleting dependent", extra={"object": str(node), "policy": policy})
        try:
            await self._api.delete(node.resource, node.object, options)
        except StatusError as err:
            if err.code not in (404, 409):
                raise

    def _follow(self, informer: Informer) -> None:
        resource = informer.resource

        def changed(old: JsonObject | None, new: JsonObject | None) -> None:
            if new is None:
                if old is not None:
                    self._removed(Node.of(resource, old))
                return
            if old is not None and old["metadata"]["uid"] != new["metadata"]["uid"]:
                self._removed(Node.of(resource, old))
            self._present(resource, new)

        informer.on_change(changed)

    def _present(self, resource: ResourceType, obj: JsonObject) -> None:
        node = Node.of(resource, obj)
        self._graph.put(node)
        if node.owners or node.is_deleting:
            self._queue.add(node.uid)

    def _removed(self, node: Node) -> None:
        dependents = list(self._graph.dependents(node.uid))
        self._graph.remove(node.uid)
        for dependent in dependents:
            self._queue.add(dependent.uid)
        for owner in node.owners:
            # It may have been what the owner's deletion waited for.
            self._queue.add(owner.uid)


def _policy_of(node: Node) -> str:
    """A finalizer on the object says how it wants to be deleted."""
    if _ORPHAN in node.finalizers:
        return "Orphan"
    return "Foreground" if _FOREGROUND in node.finalizers else "Background"
