"""The node's record at the API server: registration, status, heartbeats.

Registers as soon as the runtime has said how it is; then a status goes out when
something changed, and every five minutes anyway.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_node_status.go (registerWithAPIServer,
tryUpdateNodeStatus).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from apimachinery.meta import annotations_of, labels_of, uid_of
from apimachinery.status import StatusError
from hops.clock import monotonic
from kube_client.reflector import Trouble
from kube_client.resources import NODES
from kubelet.events import node_reference
from kubelet.node_status import (
    initial_node,
    node_labels,
    node_status,
    status_changes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kube_client.client import KubeClient
    from kubelet.events import EventRecorder
    from kubelet.node_status import NodeIdentity, NodeMoment

__all__ = ["NodeRegistration"]

logger = logging.getLogger(__name__)

REPORT_SECONDS = 300.0
_FIRST_RETRY, _LONGEST_RETRY = 0.02, 7.0

_TRANSITION_EVENTS = {
    ("MemoryPressure", "False"): "NodeHasSufficientMemory",
    ("DiskPressure", "False"): "NodeHasNoDiskPressure",
    ("PIDPressure", "False"): "NodeHasSufficientPID",
    ("Ready", "True"): "NodeReady",
    ("Ready", "False"): "NodeNotReady",
}


class NodeRegistration:
    """Keeps one Node object.

    Args:
        update_frequency: seconds between two looks at its status.

    Attributes:
        registered: set once the API server has the node.
        node: the object as last seen.
    """

    def __init__(
        self,
        client: KubeClient,
        identity: NodeIdentity,
        moment: Callable[[], NodeMoment],
        recorder: EventRecorder,
        on_pod_cidr: Callable[[str], None] = lambda pod_cidr: None,
        update_frequency: float = 10.0,
    ) -> None:
        self._client = client
        self._identity = identity
        self._moment = moment
        self._recorder = recorder
        self._on_pod_cidr = on_pod_cidr
        self._update_frequency = update_frequency
        self._pod_cidr = ""
        self._changed = asyncio.Event()
        self._reported_at = 0.0
        self._told: dict[str, str] = {}
        self.node: JsonObject = {}
        self.registered = asyncio.Event()

    def refresh(self) -> None:
        """Something the status shows has changed: look at once."""
        self._changed.set()

    async def run(self, known: JsonObject | None = None) -> None:
        """Register, then keep the status until cancelled.

        Args:
            known: the node as the API server has it, when that was asked already.
        """
        await self._register(known)
        self.registered.set()
        while True:
            try:
                async with asyncio.timeout(self._update_frequency):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            await self._update()

    async def _register(self, known: JsonObject | None) -> None:
        delay = _FIRST_RETRY
        while True:
            try:
                await self._register_once(known)
            except Trouble as err:
                logger.info("node not registered yet", extra={"error": str(err)})
            else:
                return
            known = None
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_RETRY)

    async def _register_once(self, known: JsonObject | None) -> None:
        if known is None:
            node = initial_node(self._identity, self._moment())
            try:
                self.node = await self._client.create(NODES, node)
            except StatusError as err:
                if err.code != 409:
                    raise
                known = await self._client.get(NODES, self._identity.name)
            else:
                self._note(self.node)
                return
        self.node = known
        await self._adopt()

    async def _adopt(self) -> None:
        """The node is there from an earlier run: make it ours again."""
        wanted = initial_node(self._identity, self._moment())["metadata"]
        missing = {
            field: {n: v for n, v in wanted[field].items() if have.get(n) != v}
            for field, have in (
                ("labels", labels_of(self.node)),
                ("annotations", annotations_of(self.node)),
            )
        }
        if self._rebooted():
            boot_id = self._identity.machine.boot_id
            name = self._identity.name
            self._recorder.warning(
                node_reference(name),
                "Rebooted",
                f"Node {name} has been rebooted, boot id: {boot_id}",
            )
        await self._write(node_status(self._identity, self._moment(), self._status))
        if any(missing.values()):
            patch = {
                "metadata": {name: value for name, value in missing.items() if value}
            }
            self.node = await self._client.patch(NODES, self._identity.name, patch)

    def _rebooted(self) -> bool:
        before = (self._status.get("nodeInfo") or {}).get("bootID")
        return bool(before) and before != self._identity.machine.boot_id

    async def _update(self) -> None:
        try:
            # Others write the node too, such as a controller that found us gone.
            self.node = await self._client.get(NODES, self._identity.name)
            self._look_at_pod_cidr()
            status = node_status(self._identity, self._moment(), self._status)
            overdue = monotonic() - self._reported_at >= REPORT_SECONDS
            if overdue or status_changes(self._status, status):
                await self._write(status)
        except StatusError as err:
            if err.code == 404:
                # Somebody deleted the node. The kubelet does not make it again before
                # its next start; unlike it, we do: there is no other way back here.
                await self._register(None)
            logger.warning("node status refused", extra={"error": err.message})
        except Trouble as err:
            logger.warning("node status not written", extra={"error": str(err)})

    async def _write(self, status: JsonObject) -> None:
        changes = {
            **status_changes(self._status, status),
            "conditions": status["conditions"],
        }
        self.node = await self._client.patch(
            NODES, self._identity.name, {"status": changes}, subresource="status"
        )
        self._note(self.node)

    def _look_at_pod_cidr(self) -> None:
        """Runtimes that make their network configuration themselves wait for it."""
        pod_cidr = (self.node.get("spec") or {}).get("podCIDR", "")
        if pod_cidr and pod_cidr != self._pod_cidr:
            self._pod_cidr = pod_cidr
            self._on_pod_cidr(pod_cidr)

    def _note(self, node: JsonObject) -> None:
        """Remember what was written, and tell of conditions that changed."""
        self._reported_at = monotonic()
        name = self._identity.name
        for condition in (node.get("status") or {}).get("conditions") or []:
            kind, status = condition["type"], condition["status"]
            reason = _TRANSITION_EVENTS.get((kind, status))
            if reason and self._told.get(kind) != status:
                self._told[kind] = status
                text = f"Node {name} status is now: {reason}"
                self._recorder.normal(node_reference(name), reason, text)

    @property
    def _status(self) -> JsonObject:
        return self.node.get("status") or {}

    @property
    def uid(self) -> str:
        """The uid the API server gave the node, "" before that."""
        return uid_of(self.node)

    @property
    def labels(self) -> dict[str, str]:
        """The node's labels, our own until the API server was heard."""
        return labels_of(self.node) or node_labels(self._identity)
