"""The static pods of a node: started, ended and changed as their files say."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from hops.tasks import cancel_and_wait, spawn
from kubelet import pod as pods

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apimachinery.types import JsonObject
    from kubelet.mirror_pods import MirrorPods
    from kubelet.pod_workers import PodWorkers

__all__ = ["StaticPods"]

logger = logging.getLogger(__name__)

Key = tuple[str, str]


class StaticPods:
    """Tells the sync loop what becomes of static pods.

    A pod whose file was changed is another pod of the same name, and begins when the one
    before has ended.
    Source: kubernetes/kubernetes pkg/kubelet/pod_workers.go (allowStaticPodStart).

    Attributes:
        read: set once the files have been read.
    """

    def __init__(
        self,
        workers: PodWorkers,
        mirrors: MirrorPods,
        pod_event: Callable[[str, JsonObject], None],
    ) -> None:
        self._workers = workers
        self._mirrors = mirrors
        self._pod_event = pod_event
        self._wanted: dict[Key, JsonObject] = {}
        self._waiting: dict[Key, asyncio.Task[None]] = {}
        self.read = asyncio.Event()

    def update(self, found: Iterable[JsonObject]) -> None:
        """These are all static pods that there are."""
        before, self._wanted = self._wanted, {pods.key(pod): pod for pod in found}
        for key, pod in before.items():
            now = self._wanted.get(key)
            if now is None or pods.uid(now) != pods.uid(pod):
                self._pod_event("DELETED", pod)
        for key, pod in self._wanted.items():
            if before.get(key) != pod:
                self._begin(key, pod)
        self._mirrors.want(self._wanted.values())
        self.read.set()

    async def stop(self) -> None:
        """Begin nothing more."""
        await cancel_and_wait(*self._waiting.values())

    def _begin(self, key: Key, pod: JsonObject) -> None:
        if self._predecessors(key, pod):
            if key not in self._waiting:
                name = f"static pod {pods.full_name(pod)}"
                self._waiting[key] = spawn(name, self._begin_later(key))
            return
        self._pod_event("ADDED", pod)

    async def _begin_later(self, key: Key) -> None:
        try:
            while pod := self._wanted.get(key):
                ending = self._predecessors(key, pod)
                if not ending:
                    self._pod_event("ADDED", pod)
                    return
                await asyncio.wait(ending)
                await asyncio.sleep(0)  # its worker is forgotten in the same turn
        finally:
            del self._waiting[key]

    def _predecessors(self, key: Key, pod: JsonObject) -> list[asyncio.Task[None]]:
        return [
            worker.task
            for worker in self._workers.all()
            if pods.key(worker.pod) == key and pods.uid(worker.pod) != pods.uid(pod)
        ]
