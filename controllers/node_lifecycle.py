"""Nodes whose kubelet is silent become Unknown, and taints follow the conditions.

Source: kubernetes/kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go;
node-monitor-period is 5 s.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from apimachinery.meta import name_of, rfc3339
from controllers.node_health import (
    Heartbeat,
    ready_status,
    unknown_conditions,
    wanted_taints,
)
from controllers.resources import NODES, PODS
from controllers.work_queue import WorkQueue
from controllers.worker import work_off
from hops import clock
from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.events import EventRecorder
    from controllers.informer import Informer

__all__ = ["NodeLifecycle"]

logger = logging.getLogger(__name__)

_MONITOR_PERIOD: Final = 5.0
_LEASES: Final = "kube-node-lease"


class NodeLifecycle:
    """Watches over the health of all nodes."""

    def __init__(
        self,
        api: Api,
        nodes: Informer,
        pods: Informer,
        leases: Informer,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._nodes = nodes
        self._pods = pods
        self._leases = leases
        self._events = events
        self._clock = clock
        self._heartbeats: dict[str, Heartbeat] = {}
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._leases.synced.wait()
        await self._pods.synced.wait()
        self._nodes.on_change(self._node_changed)
        clock.on_advance(self._clock_moved)
        monitor = spawn("node monitor", self._monitor())
        try:
            await work_off("node lifecycle", self._queue, self.reconcile)
        finally:
            await cancel_and_wait(monitor)

    async def reconcile(self, name: str) -> None:
        """Bring one node's conditions and taints in line with what is known of it."""
        node = self._nodes.get(name)
        if node is None:
            self._heartbeats.pop(name, None)
            return
        now = self._clock()
        if self._is_silent(name, node):
            conditions = unknown_conditions(node, now)
            if conditions:
                change = {"status": {"conditions": conditions}}
                node = await self._api.patch(NODES, node, change, "status")
        taints = wanted_taints(node, now)
        if taints is not None:
            # The resource version makes a change in between a conflict, not a loss.
            version = node["metadata"]["resourceVersion"]
            change = {
                "metadata": {"resourceVersion": version},
                "spec": {"taints": taints},
            }
            node = await self._api.patch(NODES, node, change, patch_type="merge")
        if ready_status(node) != "True":
            await self._mark_pods(node, now)

    def _is_silent(self, name: str, node: JsonObject) -> bool:
        loop_time = asyncio.get_running_loop().time()
        sign = self._sign_of_life(name, node)
        heartbeat = self._heartbeats.get(name)
        if heartbeat is None:
            # Seen for the first time: the grace period starts now, whatever the object
            # says, since the cluster may have been down for days.
            self._heartbeats[name] = Heartbeat(sign, loop_time)
            return False
        heartbeat.observe(sign, loop_time)
        return heartbeat.is_stale(loop_time)

    def _sign_of_life(self, name: str, node: JsonObject) -> str:
        """Changes whenever the kubelet renews its lease or posts its status."""
        lease = self._leases.get(f"{_LEASES}/{name}")
        renewed = lease["spec"].get("renewTime") if lease is not None else None
        posted = [
            condition.get("lastHeartbeatTime")
            for condition in node.get("status", {}).get("conditions") or []
            if condition.get("type") == "Ready"
        ]
        return f"{renewed} {posted}"

    async def _mark_pods(self, node: JsonObject, now: float) -> None:
        """Pods on a node that is not ready are not ready either."""
        name = name_of(node)
        for pod in list(self._pods):
            if pod["spec"].get("nodeName") != name or not _is_ready(pod):
                continue
            condition = {
                "type": "Ready",
                "status": "False",
                "reason": None,
                "message": None,
                "lastTransitionTime": rfc3339(now),
            }
            change = {"status": {"conditions": [condition]}}
            await self._api.patch(PODS, pod, change, "status")
            await self._events.record(
                PODS,
                pod,
                "Warning",
                "NodeNotReady",
                "NodeNotReady",
                "Node is not ready",
            )

    async def _clock_moved(self, seconds: float, everywhere: bool) -> None:
        """Kubelets whose clocks went along have had their heartbeats meanwhile."""
        before = asyncio.get_running_loop().time() - seconds
        for name, heartbeat in self._heartbeats.items():
            if (node := self._nodes.get(name)) is not None:
                # The next look would take what came before the move for news.
                heartbeat.observe(self._sign_of_life(name, node), before)
            if everywhere:
                heartbeat.seen += seconds

    async def _monitor(self) -> None:
        while True:
            await asyncio.sleep(_MONITOR_PERIOD)
            for node in self._nodes:
                self._queue.add(name_of(node))

    def _node_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        node = new or old
        if node is None:
            return
        self._queue.add(name_of(node))
        if old is None and new is not None:
            self._tell(
                new, "Normal", "RegisteredNode", "Registered Node {} in Controller"
            )
        elif new is None:
            self._tell(
                node, "Normal", "RemovingNode", "Removing Node {} from Controller"
            )
        elif old is not None and ready_status(old) == "True" != ready_status(new):
            name = name_of(new)
            spawn(
                "node event",
                self._events.record(
                    NODES,
                    new,
                    "Normal",
                    "NodeNotReady",
                    "NodeNotReady",
                    f"Node {name} status is now: NodeNotReady",
                ),
            )

    def _tell(self, node: JsonObject, kind: str, reason: str, text: str) -> None:
        name = name_of(node)
        message = f"Node {name} event: {text.format(name)}"
        spawn(
            "node event",
            self._events.record(NODES, node, kind, reason, reason, message),
        )


def _is_ready(pod: JsonObject) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in pod.get("status", {}).get("conditions") or []
    )
