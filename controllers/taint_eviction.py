"""Pods that do not tolerate their node's NoExecute taints are deleted in time.

Source: kubernetes/kubernetes pkg/controller/tainteviction/taint_eviction.go: a pod that
tolerates all of them for ever stays; one that tolerates them for a time goes when the
shortest of these is over, counted from when the taint was added; one that does not, goes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from apimachinery.meta import name_of, namespaced_name, parse_time, rfc3339, uid_of
from apimachinery.status import StatusError
from controllers.resources import PODS
from controllers.scheduling.taints import tolerates
from controllers.work_queue import WorkQueue
from controllers.worker import work_off

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.events import EventRecorder
    from controllers.informer import Informer

__all__ = ["TaintEviction", "eviction_time"]

logger = logging.getLogger(__name__)

_EFFECT: Final = "NoExecute"


class TaintEviction:
    """Deletes pods from nodes that repel them."""

    def __init__(
        self,
        api: Api,
        nodes: Informer,
        pods: Informer,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._nodes = nodes
        self._pods = pods
        self._events = events
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._nodes.synced.wait()
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)
        await work_off("taint eviction", self._queue, self.reconcile)

    async def reconcile(self, key: str) -> None:
        """Delete the pod if its time has come, else look again then."""
        pod = self._pods.get(key)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return
        node = self._nodes.get(pod["spec"].get("nodeName") or "")
        taints = [] if node is None else _repelling(node)
        now = self._clock()
        moment = eviction_time(taints, pod["spec"].get("tolerations") or [], now)
        if moment is None:
            return
        if moment > now:
            self._queue.add_after(key, moment - now)
            return
        await self._evict(pod, now)

    async def _evict(self, pod: JsonObject, now: float) -> None:
        key = namespaced_name(pod)
        logger.info("deleting pod from tainted node", extra={"pod": key})
        await self._events.record(
            PODS,
            pod,
            "Normal",
            "TaintManagerEviction",
            "TaintManagerEviction",
            f"Marking for deletion Pod {key}",
        )
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastTransitionTime": rfc3339(now),
        }
        try:
            change = {"status": {"conditions": [condition]}}
            await self._api.patch(PODS, pod, change, "status")
            options = {"preconditions": {"uid": uid_of(pod)}}
            await self._api.delete(PODS, pod, options)
        except StatusError as err:
            if err.code not in (404, 409):
                raise

    def _node_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        if new is None or (old is not None and _repelling(old) == _repelling(new)):
            return
        name = name_of(new)
        for pod in self._pods:
            if pod["spec"].get("nodeName") == name:
                self._queue.add(namespaced_name(pod))

    def _pod_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        if new is None or not new["spec"].get("nodeName"):
            return
        if old is None or old["spec"] != new["spec"]:
            self._queue.add(namespaced_name(new))


def eviction_time(
    taints: Collection[JsonObject], tolerations: Collection[JsonObject], now: float
) -> float | None:
    """When a pod with these tolerations has to go; None: never."""
    moments = []
    for taint in taints:
        matching = [item for item in tolerations if tolerates(item, taint)]
        if not matching:
            return now
        limits = [
            max(float(item["tolerationSeconds"]), 0.0)
            for item in matching
            if item.get("tolerationSeconds") is not None
        ]
        if limits:
            added = parse_time(taint.get("timeAdded"))
            moments.append((now if added is None else added) + min(limits))
    return min(moments, default=None)


def _repelling(node: JsonObject) -> list[JsonObject]:
    taints = node["spec"].get("taints") or []
    return [taint for taint in taints if taint.get("effect") == _EFFECT]
