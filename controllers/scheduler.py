"""The scheduler: binds pods that have no node, within milliseconds of their creation.

Source: kubernetes/kubernetes pkg/scheduler/schedule_one.go (the cycle), eventhandlers.go
(what makes pods worth another try), framework/preemption (not done here: no pod is
evicted for another).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from apimachinery.meta import name_of, namespace_of, namespaced_name, rfc3339, uid_of
from controllers.api import Trouble
from controllers.resources import PODS
from controllers.scheduling.choice import best
from controllers.scheduling.fit import Refusal, explain, refuse
from controllers.scheduling.snapshot import Snapshot
from controllers.work_queue import WorkQueue
from controllers.worker import work_off
from hops.tasks import spawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.events import EventRecorder
    from controllers.informer import Informer

__all__ = ["Scheduler"]

logger = logging.getLogger(__name__)

_NAME: Final = "default-scheduler"
_FINISHED: Final = ("Succeeded", "Failed")
# pkg/scheduler/backend/queue: what waits in vain is looked at again after 5 minutes.
_FLUSH_AFTER: Final = 300.0


class Scheduler:
    """One queue of pods, one snapshot of nodes."""

    def __init__(
        self,
        api: Api,
        pods: Informer,
        nodes: Informer,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._pods = pods
        self._nodes = nodes
        self._events = events
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue()
        self._unschedulable: set[str] = set()
        self._snapshot = Snapshot()

    async def run(self) -> None:
        """Schedule until cancelled."""
        self._nodes.on_change(self._node_changed)
        self._pods.on_change(self._pod_changed)
        # A pod looked at before the nodes are known would be called unschedulable.
        await self._nodes.synced.wait()
        await self._pods.synced.wait()
        await work_off("scheduler", self._queue, self.schedule)

    async def schedule(self, key: str) -> None:
        """Bind the pod called `key`, or say why it cannot be."""
        pod = self._pods.get(key)
        if pod is None or not _is_ours(pod):
            self._unschedulable.discard(key)
            return
        refusals: dict[str, Refusal] = {}
        fitting = []
        for info in self._snapshot.node_infos():
            refusal = refuse(pod, info)
            if refusal is None:
                fitting.append(info)
            else:
                refusals[info.name] = refusal
        if fitting:
            await self._bind(pod, best(pod, fitting).name)
        else:
            await self._refuse(pod, explain(refusals))

    async def _bind(self, pod: JsonObject, node: str) -> None:
        key, name, namespace = namespaced_name(pod), name_of(pod), namespace_of(pod)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": uid_of(pod)},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        self._snapshot.place(pod, node)
        try:
            await self._api.post(PODS, pod, "binding", binding)
        except Trouble:
            self._snapshot.remove(uid_of(pod))
            raise
        self._unschedulable.discard(key)
        logger.info("pod bound", extra={"pod": key, "node": node})
        message = f"Successfully assigned {key} to {node}"
        # The next pod need not wait for the word about this one.
        spawn(
            "scheduled event",
            self._events.record(PODS, pod, "Normal", "Scheduled", "Binding", message),
        )

    async def _refuse(self, pod: JsonObject, message: str) -> None:
        key = namespaced_name(pod)
        self._unschedulable.add(key)
        self._queue.add_after(key, _FLUSH_AFTER)
        await self._events.record(
            PODS, pod, "Warning", "FailedScheduling", "Scheduling", message
        )
        if _is_told(pod, message):
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": rfc3339(self._clock()),
        }
        change = {"status": {"conditions": [condition]}}
        await self._api.patch(PODS, pod, change, "status")

    def _node_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        if new is None:
            if old is not None:
                self._snapshot.remove_node(old)
            return
        self._snapshot.set_node(new)
        if old is None or _matters(old) != _matters(new):
            self._try_again()

    def _pod_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        if new is not None and _is_ours(new):
            # A pod that only got its own condition is not worth another look.
            if old is None or not _is_ours(old) or old["spec"] != new["spec"]:
                self._queue.add(namespaced_name(new))
            return
        pod = new or old
        if pod is None:
            return
        node = pod["spec"].get("nodeName")
        if new is None or pod.get("status", {}).get("phase") in _FINISHED:
            self._unschedulable.discard(namespaced_name(pod))
            self._snapshot.remove(uid_of(pod))
            if node:
                self._try_again()
        elif node:
            self._snapshot.place(pod, node)

    def _try_again(self) -> None:
        for key in self._unschedulable:
            self._queue.add(key)


def _is_ours(pod: JsonObject) -> bool:
    """Whether the pod waits for this scheduler to bind it."""
    spec = pod["spec"]
    return (
        not spec.get("nodeName")
        and spec.get("schedulerName", _NAME) == _NAME
        and not spec.get("schedulingGates")
        and not pod["metadata"].get("deletionTimestamp")
        and pod.get("status", {}).get("phase") not in _FINISHED
    )


def _is_told(pod: JsonObject, message: str) -> bool:
    """Whether the pod's condition says this already."""
    return any(
        condition.get("type") == "PodScheduled"
        and condition.get("status") == "False"
        and condition.get("message") == message
        for condition in pod.get("status", {}).get("conditions") or []
    )


def _matters(node: JsonObject) -> tuple[object, ...]:
    """What of a node decides whether pods fit: heartbeats do not."""
    return (
        node["spec"],
        node["metadata"].get("labels"),
        node.get("status", {}).get("allocatable"),
    )
