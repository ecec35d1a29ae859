"""Deployments: a ReplicaSet for each template, and the way from one to the next.

Source: kubernetes/kubernetes pkg/controller/deployment/deployment_controller.go,
sync.go, rolling.go, recreate.go. A paused deployment is scaled and not rolled out;
proportional scaling and progress deadlines are not done.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from apimachinery.meta import (
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    namespaced_name,
    uid_of,
)
from apimachinery.status import StatusError
from controllers.resources import DEPLOYMENTS, REPLICA_SETS
from controllers.work_queue import WorkQueue
from controllers.worker import work_off
from controllers.workloads.deployment_status import deployment_status, is_complete
from controllers.workloads.owned import controller_of, controller_reference, is_active
from controllers.workloads.rollout import (
    HASH_LABEL,
    bounds_of,
    find_new,
    scale_down_old,
    scale_up_new,
    template_hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.events import EventRecorder
    from controllers.informer import Informer

__all__ = ["Deployments"]

logger = logging.getLogger(__name__)

_REVISION: Final = "deployment.kubernetes.io/revision"
_DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
_MOST: Final = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED: Final = frozenset(
    {"kubectl.kubernetes.io/last-applied-configuration", _REVISION, _DESIRED, _MOST}
)


class Deployments:
    """Makes, scales and removes ReplicaSets."""

    def __init__(
        self,
        api: Api,
        deployments: Informer,
        replica_sets: Informer,
        pods: Informer,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._deployments = deployments
        self._sets = replica_sets
        self._pods = pods
        self._events = events
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._sets.synced.wait()
        await self._pods.synced.wait()
        self._deployments.on_change(self._deployment_changed)
        self._sets.on_change(self._set_changed)
        self._pods.on_change(self._pod_changed)
        await work_off("deployments", self._queue, self.reconcile)

    async def reconcile(self, key: str) -> None:
        """One step of the rollout; the changes it makes bring the next."""
        deployment = self._deployments.get(key)
        if deployment is None:
            return
        owned = [item for item in self._sets if _is_owned(item, deployment)]
        new = find_new(deployment, owned)
        old = [item for item in owned if item is not new]
        if not deployment["metadata"].get("deletionTimestamp"):
            if new is None and not deployment["spec"].get("paused"):
                new = await self._make_new(deployment, old)
            await self._move(deployment, new, old)
        await self._tell(deployment, new, old)

    async def _move(
        self, deployment: JsonObject, new: JsonObject | None, old: list[JsonObject]
    ) -> None:
        wanted = _replicas(deployment)
        if deployment["spec"].get("paused"):
            if new is not None and not any(map(_replicas, old)):
                await self._scale(deployment, new, wanted)
            return
        if new is None:
            return
        if (deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
            await self._recreate(deployment, new, old, wanted)
            return
        bounds = bounds_of(deployment)
        others = sum(map(_replicas, old))
        size = scale_up_new(_replicas(new), others, wanted, bounds)
        if size != _replicas(new):
            await self._scale(deployment, new, size)
            return
        old.sort(key=lambda item: str(item["metadata"].get("creationTimestamp")))
        counts = [(_replicas(item), _available(item)) for item in old]
        kept = scale_down_old(counts, (_replicas(new), _available(new)), bounds)
        for item, size in zip(old, kept, strict=True):
            if size != _replicas(item):
                await self._scale(deployment, item, size)

    async def _recreate(
        self,
        deployment: JsonObject,
        new: JsonObject,
        old: list[JsonObject],
        wanted: int,
    ) -> None:
        for item in old:
            if _replicas(item):
                await self._scale(deployment, item, 0)
        # "Do not process a deployment when it has old pods running."
        uids = {uid_of(item) for item in old}
        for pod in self._pods:
            controller = controller_of(pod)
            if controller is not None and controller.get("uid") in uids:
                phase = pod.get("status", {}).get("phase")
                if is_active(pod) or phase not in ("Succeeded", "Failed"):
                    return
        if _replicas(new) != wanted:
            await self._scale(deployment, new, wanted)

    async def _make_new(
        self, deployment: JsonObject, old: list[JsonObject]
    ) -> JsonObject:
        spec = deployment["spec"]
        digest = template_hash(spec["template"])
        wanted, bounds = _replicas(deployment), bounds_of(deployment)
        recreate = (spec.get("strategy") or {}).get("type") == "Recreate"
        others = sum(map(_replicas, old))
        size = 0 if recreate and others else scale_up_new(0, others, wanted, bounds)
        made = self._new_set(deployment, digest, size, _next_revision(old))
        try:
            made = await self._api.create(REPLICA_SETS, made)
        except StatusError as err:
            if err.code != 409:
                raise
            # Made before, and the watch has yet to tell.
            name = name_of(made)
            return await self._api.get(REPLICA_SETS, name, namespace_of(deployment))
        await self._set_revision(deployment, annotations_of(made)[_REVISION])
        if size:
            await self._record(deployment, made, 0, size)
        return made

    def _new_set(
        self, deployment: JsonObject, digest: str, size: int, revision: int
    ) -> JsonObject:
        spec = deployment["spec"]
        template = spec["template"]
        metadata = template.get("metadata") or {}
        labels = {**(metadata.get("labels") or {}), HASH_LABEL: digest}
        selector = dict(spec["selector"])
        selector["matchLabels"] = {
            **(selector.get("matchLabels") or {}),
            HASH_LABEL: digest,
        }
        annotations = {
            key: value
            for key, value in annotations_of(deployment).items()
            if key not in _NOT_COPIED
        }
        wanted = _replicas(deployment)
        annotations |= {
            _REVISION: str(revision),
            _DESIRED: str(wanted),
            _MOST: str(bounds_of(deployment).most),
        }
        return {
            "apiVersion": REPLICA_SETS.api_version,
            "kind": REPLICA_SETS.kind,
            "metadata": {
                "name": f"{name_of(deployment)}-{digest}",
                "namespace": namespace_of(deployment),
                "labels": labels,
                "annotations": annotations,
                "ownerReferences": [controller_reference(DEPLOYMENTS, deployment)],
            },
            "spec": {
                "replicas": size,
                "minReadySeconds": spec.get("minReadySeconds", 0),
                "selector": selector,
                "template": {**template, "metadata": {**metadata, "labels": labels}},
            },
        }

    async def _set_revision(self, deployment: JsonObject, revision: str) -> None:
        if annotations_of(deployment).get(_REVISION) != revision:
            change = {"metadata": {"annotations": {_REVISION: revision}}}
            await self._api.patch(DEPLOYMENTS, deployment, change, patch_type="merge")

    async def _scale(self, deployment: JsonObject, item: JsonObject, size: int) -> None:
        before = _replicas(item)
        if before == size:
            return
        version = item["metadata"]["resourceVersion"]
        change = {"metadata": {"resourceVersion": version}, "spec": {"replicas": size}}
        await self._api.patch(REPLICA_SETS, item, change, patch_type="merge")
        await self._record(deployment, item, before, size)

    async def _record(
        self, deployment: JsonObject, item: JsonObject, before: int, after: int
    ) -> None:
        way = "up" if after > before else "down"
        name = name_of(item)
        message = f"Scaled {way} replica set {name} from {before} to {after}"
        reason = "ScalingReplicaSet"
        await self._events.record(
            DEPLOYMENTS, deployment, "Normal", reason, reason, message
        )

    async def _tell(
        self, deployment: JsonObject, new: JsonObject | None, old: list[JsonObject]
    ) -> None:
        bounds = bounds_of(deployment)
        status = deployment_status(deployment, new, old, bounds, self._clock())
        present = deployment.get("status") or {}
        if any(present.get(key, 0) != value for key, value in status.items()):
            await self._api.patch(
                DEPLOYMENTS, deployment, {"status": status}, "status", "merge"
            )
        if new is not None:
            revision = annotations_of(new).get(_REVISION)
            highest = _next_revision(old)
            if revision is not None and int(revision) < highest:
                # A rollback: the old set is the newest again.
                change = {"metadata": {"annotations": {_REVISION: str(highest)}}}
                await self._api.patch(REPLICA_SETS, new, change, patch_type="merge")
                revision = str(highest)
            if revision is not None:
                await self._set_revision(deployment, revision)
            if is_complete(deployment, status):
                await self._clean_up(deployment, old)

    async def _clean_up(self, deployment: JsonObject, old: list[JsonObject]) -> None:
        limit = int(deployment["spec"].get("revisionHistoryLimit", 10))
        empty = [
            item
            for item in sorted(old, key=_revision_of)
            if not _replicas(item) and not (item.get("status") or {}).get("replicas")
        ]
        for item in empty[: max(len(empty) - limit, 0)]:
            await self._api.delete(
                REPLICA_SETS, item, {"propagationPolicy": "Background"}
            )

    def _deployment_changed(
        self, old: JsonObject | None, new: JsonObject | None
    ) -> None:
        if new is not None:
            self._queue.add(namespaced_name(new))

    def _set_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        item = new or old
        controller = None if item is None else controller_of(item)
        if item is not None and controller is not None:
            self._queue.add(f"{namespace_of(item)}/{controller['name']}")

    def _pod_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        """A pod that went may be what a Recreate waits for."""
        if new is not None or old is None or HASH_LABEL not in labels_of(old):
            return
        controller = controller_of(old)
        if controller is not None:
            owner = self._sets.get(f"{namespace_of(old)}/{controller['name']}")
            if owner is not None:
                self._set_changed(None, owner)


def _is_owned(item: JsonObject, deployment: JsonObject) -> bool:
    controller = controller_of(item)
    return controller is not None and controller.get("uid") == uid_of(deployment)


def _replicas(obj: JsonObject) -> int:
    return int(obj["spec"].get("replicas", 1))


def _available(item: JsonObject) -> int:
    return int((item.get("status") or {}).get("availableReplicas") or 0)


def _revision_of(item: JsonObject) -> int:
    return int(annotations_of(item).get(_REVISION) or 0)


def _next_revision(old: list[JsonObject]) -> int:
    return max(map(_revision_of, old), default=0) + 1
