"""All pod workers of the kubelet, by the uid of their pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hops.tasks import cancel_and_wait
from kubelet import pod as pods
from kubelet.objects import PodObjects
from kubelet.pod_worker import Phase, PodWorker

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.events import EventRecorder
    from kubelet.objects import ObjectCache
    from kubelet.pod_sync import PodSyncer

__all__ = ["PodWorkers"]


class PodWorkers:
    """Makes a worker for each pod, and forgets it when the pod is gone."""

    def __init__(
        self, syncer: PodSyncer, cache: ObjectCache, recorder: EventRecorder
    ) -> None:
        self._syncer = syncer
        self._cache = cache
        self._recorder = recorder
        self._workers: dict[str, PodWorker] = {}

    def __contains__(self, uid: str) -> bool:
        return uid in self._workers

    def get(self, uid: str) -> PodWorker | None:
        return self._workers.get(uid)

    def all(self) -> list[PodWorker]:
        return list(self._workers.values())

    def uids(self) -> list[str]:
        return list(self._workers)

    def pods(self) -> list[JsonObject]:
        """The pods this node has, whatever their phase."""
        return [worker.pod for worker in self._workers.values()]

    def active_pods(self) -> list[JsonObject]:
        """The pods that are to run, neither ending nor finished."""
        return [
            worker.pod
            for worker in self._workers.values()
            if worker.phase is Phase.SYNC and not pods.has_finished(worker.pod)
        ]

    def pod_named(self, namespace: str, name: str) -> JsonObject | None:
        """The pod of that name; when one replaced another, the one that is not ending."""
        found = [
            worker
            for worker in self._workers.values()
            if pods.key(worker.pod) == (namespace, name)
        ]
        found.sort(key=lambda worker: worker.phase is not Phase.SYNC)
        return found[0].pod if found else None

    def update(self, pod: JsonObject) -> None:
        """A pod was added or changed."""
        uid = pods.uid(pod)
        worker = self._workers.get(uid)
        if worker is not None:
            worker.update(pod)
            return
        objects = PodObjects(self._cache)
        worker = PodWorker(pod, self._syncer, objects, self._recorder)
        self._workers[uid] = worker
        worker.task.add_done_callback(lambda _: self._workers.pop(uid, None))

    def remove(self, pod: JsonObject) -> None:
        """A pod is gone from its source."""
        worker = self._workers.get(pods.uid(pod))
        if worker is not None:
            worker.remove(pod)

    def wake(self, uid: str) -> None:
        worker = self._workers.get(uid)
        if worker is not None:
            worker.wake()

    async def stop(self) -> None:
        """End the tasks; containers go on running."""
        await cancel_and_wait(*(worker.task for worker in self._workers.values()))
