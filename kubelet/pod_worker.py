"""One task for each pod, through three phases: sync, terminating, terminated.

A worker sleeps until something about its pod happens: the API object changed, a
container started or ended, a probe decided, a back-off or deadline ran out. It never
does two things at once, so nothing about a pod needs a lock. The way is one-way: a pod
that is terminating never syncs again.

Source: kubernetes/kubernetes pkg/kubelet/pod_workers.go.
"""

from __future__ import annotations

import asyncio
import logging
import random
from enum import Enum
from typing import TYPE_CHECKING

from apimachinery.meta import parse_time
from hops.clock import wall
from hops.tasks import cancel_and_wait, spawn
from kube_client.reflector import Trouble
from kubelet import pod as pods
from kubelet.cri import CriError
from kubelet.events import pod_reference
from kubelet.pod_work import PodWork, SyncOutcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from apimachinery.types import JsonObject
    from kubelet.events import EventRecorder
    from kubelet.objects import PodObjects
    from kubelet.pod_sync import PodSyncer

__all__ = ["Phase", "PodWorker"]

logger = logging.getLogger(__name__)

# Mounted ConfigMaps and Secrets follow their objects within this time (syncFrequency).
_RESYNC_SECONDS = 60.0

_DEADLINE = Verdict(
    "DeadlineExceeded",
    "Pod was active on the node longer than the specified deadline",
)


class Phase(Enum):
    SYNC = "sync"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


class PodWorker:
    """The task of one pod."""

    def __init__(
        self,
        pod: JsonObject,
        syncer: PodSyncer,
        objects: PodObjects,
        recorder: EventRecorder,
    ) -> None:
        self.work = PodWork(pod, objects)
        self.phase = Phase.SYNC
        self._syncer = syncer
        self._recorder = recorder
        self._wake = asyncio.Event()
        self._wake.set()
        self._ending = asyncio.Event()
        self._removed = asyncio.Event()
        self._grace_period: int | None = None
        self._shortened = asyncio.Event()
        self._step: asyncio.Task[SyncOutcome] | None = None
        name = f"pod {pods.full_name(pod)}"
        self.task = spawn(name, self._run())

    @property
    def pod(self) -> JsonObject:
        return self.work.pod

    def update(self, pod: JsonObject) -> None:
        """The API object changed."""
        before = self.work.pod
        self.work.pod = pod
        if pods.deletion_requested(pod):
            self.end(None)
            if _grace(pod) < _grace(before):
                self._shortened.set()
        elif _only_status_differs(before, pod):
            return
        self._wake.set()

    def wake(self) -> None:
        """Something happened to the pod on this node."""
        self._wake.set()

    def end(self, grace_period: int | None, verdict: Verdict | None = None) -> None:
        """Stop the pod, for whatever reason; what is in progress is given up."""
        if verdict is not None and self.work.verdict is None:
            self.work.verdict = verdict
        if grace_period is not None:
            self._grace_period = grace_period
            self._shortened.set()
        if self._ending.is_set():
            return
        self._ending.set()
        self._wake.set()
        if self._step is not None:
            self._step.cancel()

    def remove(self, last: JsonObject) -> None:
        """The API object is gone: end, and leave nothing. `last` is how it went."""
        if pods.deletion_requested(last):
            self.update(last)
        self._removed.set()
        self.end(None)

    async def _run(self) -> None:
        if pods.deletion_requested(self.pod):
            self._ending.set()
        await self._sync_until_over()
        self.phase = Phase.TERMINATING
        await self._terminate()
        self.phase = Phase.TERMINATED
        await self._syncer.finish(self.work)
        await self._removed.wait()
        await self._persist("clean up", self._clean_up)

    # sync

    async def _sync_until_over(self) -> None:
        retry_at: float | None = None
        while not self._ending.is_set():
            await self._sleep(retry_at)
            if self._ending.is_set() or self._deadline_passed():
                return
            self._wake.clear()
            outcome = await self._cancellable(self._sync_once())
            if outcome is None or outcome.finished:
                return
            retry_at = None
            if outcome.retry_after is not None:
                retry_at = _now() + outcome.retry_after

    async def _sync_once(self) -> SyncOutcome:
        try:
            return await self._syncer.sync(self.work)
        except CriError as err:
            logger.warning("sync failed", extra=self._extra(err))
            text = f"error determining status: {err}"
            self._recorder.warning(pod_reference(self.pod), "FailedSync", text)
        except Trouble as err:
            logger.warning("sync failed", extra=self._extra(err))
        except Exception:
            # A bug must not end the worker: its pod would look like nobody's.
            logger.exception("sync failed", extra={"pod": pods.full_name(self.pod)})
        return SyncOutcome(retry_after=self.work.next_retry())

    async def _cancellable(
        self, step: Coroutine[Any, Any, SyncOutcome]
    ) -> SyncOutcome | None:
        """The step's outcome, None when the pod's end interrupted it."""
        self._step = spawn(f"sync {pods.full_name(self.pod)}", step)
        try:
            return await self._step
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if self._step.done() and not (current and current.cancelling()):
                return None
            await cancel_and_wait(self._step)
            raise
        finally:
            self._step = None

    async def _sleep(self, retry_at: float | None) -> None:
        """Until woken, a retry is due, the deadline passes, or it is time to refresh."""
        spread = 1 + random.random() / 2
        until = _now() + _RESYNC_SECONDS * spread
        for other in (retry_at, self._deadline()):
            if other is not None:
                until = min(until, other)
        try:
            async with asyncio.timeout_at(until):
                await self._wake.wait()
        except TimeoutError:
            return

    def _deadline(self) -> float | None:
        """When activeDeadlineSeconds runs out, on the loop's clock."""
        seconds = self.pod["spec"].get("activeDeadlineSeconds")
        started = parse_time(pods.status_of(self.pod).get("startTime"))
        if seconds is None or started is None:
            return None
        return _now() + started + float(seconds) - wall()

    def _deadline_passed(self) -> bool:
        deadline = self._deadline()
        if deadline is None or deadline > _now():
            return False
        reference = pod_reference(self.pod)
        self._recorder.normal(reference, _DEADLINE.reason, _DEADLINE.message)
        self.work.verdict = _DEADLINE
        return True

    # terminating and after

    async def _terminate(self) -> None:
        """Stop everything; a shorter grace period on the way begins it anew."""
        delay = 0.5
        while True:
            self._shortened.clear()
            step = spawn(
                f"terminate {pods.full_name(self.pod)}",
                self._syncer.terminate(self.work, self._grace_period),
            )
            hurry = spawn("grace period", self._shortened.wait())
            try:
                await asyncio.wait((step, hurry), return_when=asyncio.FIRST_COMPLETED)
                if not step.done():
                    continue
                await step
            except CriError as err:
                logger.warning("pod not stopped yet", extra=self._extra(err))
            else:
                return
            finally:
                await cancel_and_wait(step, hurry)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)

    async def _clean_up(self) -> None:
        pod = self.pod
        await self._syncer.clean_up(pods.uid(pod), pods.name(pod), pods.namespace(pod))

    async def _persist(self, what: str, action: Any) -> None:
        delay = 0.5
        while True:
            try:
                await action()
            except CriError as err:
                logger.warning("%s failed", what, extra=self._extra(err))
            else:
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)

    def _extra(self, err: BaseException) -> dict[str, str]:
        return {"pod": pods.full_name(self.pod), "error": str(err)}


def _now() -> float:
    return asyncio.get_running_loop().time()


def _grace(pod: JsonObject) -> float:
    seconds = pods.deletion_grace_period(pod)
    return float("inf") if seconds is None else float(seconds)


def _only_status_differs(before: JsonObject, after: JsonObject) -> bool:
    """Our own report came back: nothing to do, unless it is a gate we do not own."""
    if before["spec"] != after["spec"]:
        return False
    if before["spec"].get("readinessGates"):
        return False
    ignored = {"resourceVersion", "managedFields", "generation"}
    return _without(before["metadata"], ignored) == _without(after["metadata"], ignored)


def _without(obj: JsonObject, names: set[str]) -> JsonObject:
    return {name: value for name, value in obj.items() if name not in names}
