"""ReplicaSets: as many pods as asked for, no more and no fewer.

Source: kubernetes/kubernetes pkg/controller/replicaset/replica_set.go,
replica_set_utils.go.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from apimachinery.labels import selector_from_object
from apimachinery.meta import labels_of, name_of, namespace_of, namespaced_name, uid_of
from apimachinery.status import StatusError
from controllers.resources import PODS, REPLICA_SETS
from controllers.work_queue import WorkQueue
from controllers.worker import work_off
from controllers.workloads.expectations import Expectations
from controllers.workloads.owned import (
    controller_of,
    controller_reference,
    deletion_rank,
    is_active,
    is_available,
    is_ready,
    pod_from_template,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.events import EventRecorder
    from controllers.informer import Informer

__all__ = ["ReplicaSets"]

logger = logging.getLogger(__name__)

_BURST: Final = 500


class ReplicaSets:
    """Creates and deletes pods, and counts them in the status."""

    def __init__(
        self,
        api: Api,
        replica_sets: Informer,
        pods: Informer,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._sets = replica_sets
        self._pods = pods
        self._events = events
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue()
        self._expectations = Expectations()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._pods.synced.wait()
        self._sets.on_change(self._set_changed)
        self._pods.on_change(self._pod_changed)
        await work_off("replica sets", self._queue, self.reconcile)

    async def reconcile(self, key: str) -> None:
        """Bring the number of pods to what is asked for, and tell it."""
        owner = self._sets.get(key)
        if owner is None:
            self._expectations.drop(key)
            return
        pods = await self._claim(owner)
        active = [pod for pod in pods if is_active(pod)]
        deleting = owner["metadata"].get("deletionTimestamp")
        if not deleting and self._expectations.fulfilled(key, self._clock()):
            await self._scale(owner, active)
        await self._tell(owner, active)

    async def _claim(self, owner: JsonObject) -> list[JsonObject]:
        """The pods of the set; matching orphans become its own, others are let go."""
        selector = selector_from_object(owner["spec"]["selector"])
        namespace, uid = namespace_of(owner), uid_of(owner)
        adopts = not owner["metadata"].get("deletionTimestamp")
        claimed = []
        for pod in list(self._pods):
            if namespace_of(pod) != namespace:
                continue
            controller = controller_of(pod)
            matches = selector.matches(labels_of(pod))
            if controller is not None and controller.get("uid") == uid:
                if matches:
                    claimed.append(pod)
                elif not pod["metadata"].get("deletionTimestamp"):
                    await self._release(pod, uid)
            elif controller is None and matches and is_active(pod) and adopts:
                await self._adopt(pod, owner)
                claimed.append(pod)
        return claimed

    async def _adopt(self, pod: JsonObject, owner: JsonObject) -> None:
        reference = controller_reference(REPLICA_SETS, owner)
        change = {"metadata": {"uid": uid_of(pod), "ownerReferences": [reference]}}
        await self._api.patch(PODS, pod, change)

    async def _release(self, pod: JsonObject, uid: str) -> None:
        gone = [{"$patch": "delete", "uid": uid}]
        change = {"metadata": {"uid": uid_of(pod), "ownerReferences": gone}}
        await self._api.patch(PODS, pod, change)

    async def _scale(self, owner: JsonObject, active: list[JsonObject]) -> None:
        missing = int(owner["spec"].get("replicas", 1)) - len(active)
        if missing > 0:
            for _ in range(min(missing, _BURST)):
                await self._create_pod(owner)
        elif missing < 0:
            for pod in sorted(active, key=deletion_rank)[:-missing]:
                await self._delete_pod(owner, pod)

    async def _create_pod(self, owner: JsonObject) -> None:
        pod = pod_from_template(owner["spec"]["template"], REPLICA_SETS, owner)
        try:
            made = await self._api.create(PODS, pod)
        except StatusError as err:
            message = f"Error creating: {err}"
            await self._record(owner, "Warning", "FailedCreate", message)
            raise
        key = namespaced_name(owner)
        if self._pods.get(namespaced_name(made)) is None:
            self._expectations.expect_created(key, uid_of(made), self._clock())
        message = f"Created pod: {name_of(made)}"
        await self._record(owner, "Normal", "SuccessfulCreate", message)

    async def _delete_pod(self, owner: JsonObject, pod: JsonObject) -> None:
        key = namespaced_name(owner)
        self._expectations.expect_deleted(key, uid_of(pod), self._clock())
        try:
            await self._api.delete(PODS, pod, {"preconditions": {"uid": uid_of(pod)}})
        except StatusError as err:
            self._expectations.saw_deleted(key, uid_of(pod))
            if err.code != 404:
                message = f"Error deleting: {err}"
                await self._record(owner, "Warning", "FailedDelete", message)
                raise
            return
        message = f"Deleted pod: {name_of(pod)}"
        await self._record(owner, "Normal", "SuccessfulDelete", message)

    async def _tell(self, owner: JsonObject, active: list[JsonObject]) -> None:
        now = self._clock()
        wait = float(owner["spec"].get("minReadySeconds") or 0)
        labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
        status = {
            "replicas": len(active),
            "fullyLabeledReplicas": sum(
                labels.items() <= labels_of(pod).items() for pod in active
            ),
            "readyReplicas": sum(map(is_ready, active)),
            "availableReplicas": sum(is_available(pod, wait, now) for pod in active),
            "observedGeneration": owner["metadata"].get("generation", 0),
        }
        if wait and status["availableReplicas"] < status["readyReplicas"]:
            self._queue.add_after(namespaced_name(owner), wait)
        present = owner.get("status") or {}
        if all(present.get(key, 0) == value for key, value in status.items()):
            return
        await self._api.patch(
            REPLICA_SETS, owner, {"status": status}, "status", "merge"
        )

    async def _record(
        self, owner: JsonObject, kind: str, reason: str, message: str
    ) -> None:
        await self._events.record(REPLICA_SETS, owner, kind, reason, reason, message)

    def _set_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        changed = new or old
        if changed is not None:
            self._queue.add(namespaced_name(changed))

    def _pod_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        pod = new or old
        if pod is None:
            return
        for version in (old, new):
            controller = None if version is None else controller_of(version)
            if controller is not None and controller.get("kind") == REPLICA_SETS.kind:
                self._pod_of(f"{namespace_of(pod)}/{controller['name']}", pod, new)
        if new is not None and controller_of(new) is None:
            self._offer(new)

    def _pod_of(self, key: str, pod: JsonObject, new: JsonObject | None) -> None:
        if new is None or new["metadata"].get("deletionTimestamp"):
            self._expectations.saw_deleted(key, uid_of(pod))
        else:
            self._expectations.saw_created(key, uid_of(pod))
        self._queue.add(key)

    def _offer(self, orphan: JsonObject) -> None:
        """A pod without a controller: sets that match it may want it."""
        labels = labels_of(orphan)
        for owner in self._sets:
            if namespace_of(owner) != namespace_of(orphan):
                continue
            if selector_from_object(owner["spec"]["selector"]).matches(labels):
                self._queue.add(namespaced_name(owner))
