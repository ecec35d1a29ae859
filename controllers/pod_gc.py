"""Pods that nobody will ever finish: of nodes that are gone, or never had one.

Source: kubernetes/kubernetes pkg/controller/podgc/gc_controller.go: a pod whose Node
object is gone is marked Failed and deleted at once, as is a terminating pod that was
never scheduled; of terminated pods the oldest beyond a threshold are deleted.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from apimachinery.meta import namespaced_name, rfc3339, uid_of
from apimachinery.status import StatusError
from controllers.resources import NODES, PODS
from controllers.work_queue import WorkQueue
from controllers.worker import work_off
from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.informer import Informer

__all__ = ["PodGarbageCollector"]

logger = logging.getLogger(__name__)

_PERIOD: Final = 20.0
_QUARANTINE: Final = 40.0
_FINISHED: Final = ("Succeeded", "Failed")
_THRESHOLD: Final = 12500


class PodGarbageCollector:
    """Deletes pods whose kubelet will not do it."""

    def __init__(
        self, api: Api, nodes: Informer, pods: Informer, clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._nodes = nodes
        self._pods = pods
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._nodes.synced.wait()
        await self._pods.synced.wait()
        self._nodes.on_change(self._node_changed)
        tick = spawn("pod gc tick", self._tick())
        try:
            await work_off("pod gc", self._queue, self.reconcile)
        finally:
            await cancel_and_wait(tick)

    async def reconcile(self, key: str) -> None:
        """Delete the pod if it is orphaned, or is terminating without a node."""
        pod = self._pods.get(key)
        if pod is None:
            return
        node = pod["spec"].get("nodeName")
        if not node:
            if pod["metadata"].get("deletionTimestamp"):
                await self._delete(pod)
        elif self._nodes.get(node) is None and await self._is_gone(node):
            await self._fail(pod)
            await self._delete(pod)

    async def _is_gone(self, node: str) -> bool:
        """Ask the server itself: a cache may be behind."""
        try:
            await self._api.get(NODES, node)
        except StatusError as err:
            if err.code == 404:
                return True
            raise
        return False

    async def _fail(self, pod: JsonObject) -> None:
        if pod.get("status", {}).get("phase") in _FINISHED:
            return
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
            "lastTransitionTime": rfc3339(self._clock()),
        }
        change = {"status": {"phase": "Failed", "conditions": [condition]}}
        await self._api.patch(PODS, pod, change, "status")

    async def _delete(self, pod: JsonObject) -> None:
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid_of(pod)}}
        try:
            await self._api.delete(PODS, pod, options)
        except StatusError as err:
            if err.code not in (404, 409):
                raise
        logger.info("pod collected", extra={"pod": namespaced_name(pod)})

    async def _delete_terminated(self) -> None:
        finished = [
            pod for pod in self._pods if pod.get("status", {}).get("phase") in _FINISHED
        ]
        finished.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
        for pod in finished[: max(len(finished) - _THRESHOLD, 0)]:
            await self._delete(pod)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD)
            for pod in list(self._pods):
                node = pod["spec"].get("nodeName")
                if not node or self._nodes.get(node) is None:
                    self._queue.add(namespaced_name(pod))
            await self._delete_terminated()

    def _node_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        """A node went: it has a while to come back, as upstream has it."""
        if new is not None or old is None:
            return
        name = old["metadata"]["name"]
        for pod in self._pods:
            if pod["spec"].get("nodeName") == name:
                self._queue.add_after(namespaced_name(pod), _QUARANTINE)
