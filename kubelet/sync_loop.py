"""Where all news arrive and find their pod: API, runtime, probes, housekeeping.

Source: kubernetes/kubernetes pkg/kubelet/kubelet.go (syncLoop, HandlePodCleanups).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from apimachinery.meta import name_of
from hops.tasks import spawn
from kubelet import pod as pods
from kubelet.admission import admit
from kubelet.cri import CriError
from kubelet.events import pod_reference
from kubelet.runtime_convert import POD_NAME_LABEL, POD_NAMESPACE_LABEL

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Mapping

    from apimachinery.types import JsonObject
    from kubelet.events import EventRecorder
    from kubelet.mirror_pods import MirrorPods
    from kubelet.pleg import Pleg
    from kubelet.pod_sync import PodSyncer
    from kubelet.pod_workers import PodWorkers
    from kubelet.probe_results import ProbeKind
    from kubelet.runtime import Runtime
    from kubelet.status_manager import StatusManager

__all__ = ["SyncLoop"]

logger = logging.getLogger(__name__)


class SyncLoop:
    """Hands news to pod workers, and ends what belongs to no pod."""

    def __init__(
        self,
        workers: PodWorkers,
        syncer: PodSyncer,
        statuses: StatusManager,
        runtime: Runtime,
        recorder: EventRecorder,
        labels: Callable[[], Mapping[str, str]],
        allocatable: Mapping[str, str],
        mirrors: MirrorPods,
    ) -> None:
        self._workers = workers
        self._syncer = syncer
        self._statuses = statuses
        self._runtime = runtime
        self._recorder = recorder
        self._labels = labels
        self._allocatable = allocatable
        self._mirrors = mirrors
        self._orphans: set[str] = set()
        self._sources_ready = False

    def pod_event(self, kind: str, pod: JsonObject) -> None:
        """ADDED, MODIFIED or DELETED from the API server, or of a static pod."""
        try:
            self._take(kind, pod)
        except Exception:
            # One odd pod must not keep the news of all others from us.
            logger.exception("pod not understood", extra={"pod": name_of(pod)})

    def _take(self, kind: str, pod: JsonObject) -> None:
        if pods.is_mirror(pod):
            self._mirrors.observe(kind, pod)
            return
        if kind == "DELETED":
            self._workers.remove(pod)
            return
        uid = pods.uid(pod)
        known = uid in self._workers
        self._statuses.observe(pod)
        self._workers.update(pod)
        if not known and not pods.has_finished(pod):
            self._admit(pod)

    def pod_changed(self, uid: str) -> None:
        """The runtime says that something of this pod changed."""
        if uid in self._workers:
            self._workers.wake(uid)
        elif self._sources_ready:
            self._adopt_orphan(uid)

    def probe_changed(self, uid: str, kind: ProbeKind, success: bool) -> None:
        logger.info(
            "probe result changed",
            extra={"uid": uid, "probe": kind.word, "success": success},
        )
        self._workers.wake(uid)

    async def clean_up_orphans(
        self,
        sources: Iterable[asyncio.Event],
        pleg: Pleg,
        known_directories: set[str],
    ) -> None:
        """Once it is known which pods belong here: end those that do not."""
        for source in sources:
            await source.wait()
        await pleg.relisted.wait()
        self._sources_ready = True
        for uid in (pleg.pods | known_directories) - set(self._workers.uids()):
            self._adopt_orphan(uid)

    def _admit(self, pod: JsonObject) -> None:
        if pods.status_of(pod).get("startTime") or pods.deletion_requested(pod):
            return  # it was admitted by an earlier run
        active = self._workers.active_pods()
        verdict = admit(pod, active, self._labels(), self._allocatable)
        worker = self._workers.get(pods.uid(pod))
        if verdict is not None and worker is not None:
            text = verdict.message.removeprefix("Pod was rejected: ")
            self._recorder.warning(pod_reference(pod), verdict.reason, text)
            worker.end(None, verdict)

    def _adopt_orphan(self, uid: str) -> None:
        if uid not in self._orphans:
            self._orphans.add(uid)
            task = spawn(f"orphan {uid}", self._end_orphan(uid))
            task.add_done_callback(lambda _: self._orphans.discard(uid))

    async def _end_orphan(self, uid: str) -> None:
        """Kill and remove what runs for a pod that nobody asks for any more."""
        try:
            sandboxes = await self._runtime.list_sandboxes(uid)
            labels = sandboxes[0].labels if sandboxes else {}
            name = labels.get(POD_NAME_LABEL, "")
            namespace = labels.get(POD_NAMESPACE_LABEL, "")
            status = await self._runtime.pod_status(uid, name, namespace)
            if uid in self._workers:
                return
            if status.sandboxes or status.containers:
                logger.info("ending a pod nobody asks for", extra={"uid": uid})
                await self._syncer.terminate_orphan(status)
            await self._syncer.clean_up(uid, name, namespace)
        except CriError as err:
            logger.warning("orphan not removed yet", extra={"error": str(err)})
