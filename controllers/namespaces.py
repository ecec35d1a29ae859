"""Deleting a namespace: empty it, type by type, then let it go.

Source: kubernetes/kubernetes pkg/controller/namespace/deletion/
namespaced_resources_deleter.go: everything in it is deleted, and when nothing is left
the finalizer `kubernetes` is taken away by a PUT of the subresource `finalize`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from apimachinery.status import StatusError
from controllers.resources import NAMESPACES
from controllers.work_queue import WorkQueue
from controllers.worker import work_off

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.informer import Informer
    from controllers.resources import ResourceType

__all__ = ["NamespaceController"]

logger = logging.getLogger(__name__)

_FINALIZER: Final = "kubernetes"
_GONE: Final = (404, 409)
_BACKGROUND: Final = {"propagationPolicy": "Background"}
# Upstream waits half of what the pods say they need; here the pods' own deletion
# comes back as soon as the kubelet is through, so a short wait is enough.
_LOOK_AGAIN: Final = 0.1


class NamespaceController:
    """Finalizes namespaces that are being deleted."""

    def __init__(
        self,
        api: Api,
        namespaces: Informer,
        types: Callable[[], Awaitable[list[ResourceType]]],
    ) -> None:
        """`types` tells the namespaced types that can be listed and deleted."""
        self._api = api
        self._namespaces = namespaces
        self._types = types
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        self._namespaces.on_change(self._changed)
        await work_off("namespaces", self._queue, self.reconcile)

    async def reconcile(self, name: str) -> None:
        """Delete what is in the namespace, and finalize it when it is empty."""
        namespace = self._namespaces.get(name)
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            return
        if _FINALIZER not in (namespace["spec"].get("finalizers") or []):
            return
        left = 0
        for resource in await self._types():
            left += await self._empty(resource, name)
        if left:
            self._queue.add_after(name, _LOOK_AGAIN)
        else:
            await self._finalize(namespace)

    async def _empty(self, resource: ResourceType, namespace: str) -> int:
        """Delete all objects of a type; how many are still there."""
        objects = await self._api.list(resource, namespace)
        for obj in objects:
            if obj["metadata"].get("deletionTimestamp"):
                continue
            try:
                await self._api.delete(resource, obj, _BACKGROUND)
            except StatusError as err:
                if err.code not in _GONE:
                    raise
        return len(await self._api.list(resource, namespace)) if objects else 0

    async def _finalize(self, namespace: JsonObject) -> None:
        spec = namespace["spec"]
        kept = [item for item in spec["finalizers"] if item != _FINALIZER]
        document = {**namespace, "spec": {**spec, "finalizers": kept}}
        try:
            await self._api.update(NAMESPACES, document, "finalize")
        except StatusError as err:
            if err.code != 404:
                raise
        logger.info("namespace emptied", extra={"ns": namespace["metadata"]["name"]})

    def _changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        if new is not None and new["metadata"].get("deletionTimestamp"):
            self._queue.add(new["metadata"]["name"])
