"""Jobs: pods until enough of them have succeeded, or too many have failed.

Source: kubernetes/kubernetes pkg/controller/job/job_controller.go,
pkg/controller/ttlafterfinished. Indexed jobs and pod failure policies are not done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import (
    name_of,
    namespace_of,
    namespaced_name,
    parse_time,
    uid_of,
)
from apimachinery.status import StatusError
from controllers.resources import JOBS, PODS
from controllers.work_queue import WorkQueue
from controllers.worker import work_off
from controllers.workloads.expectations import Expectations
from controllers.workloads.job_plan import finished_condition, plan
from controllers.workloads.owned import controller_of, pod_from_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from controllers.api import Api
    from controllers.events import EventRecorder
    from controllers.informer import Informer

__all__ = ["Jobs"]


class Jobs:
    """Carries out the plan for each job."""

    def __init__(
        self,
        api: Api,
        jobs: Informer,
        pods: Informer,
        events: EventRecorder,
        clock: Callable[[], float],
    ) -> None:
        self._api = api
        self._jobs = jobs
        self._pods = pods
        self._events = events
        self._clock = clock
        self._queue: WorkQueue[str] = WorkQueue()
        self._expectations = Expectations()

    async def run(self) -> None:
        """Work until cancelled."""
        await self._pods.synced.wait()
        self._jobs.on_change(self._job_changed)
        self._pods.on_change(self._pod_changed)
        await work_off("jobs", self._queue, self.reconcile)

    async def reconcile(self, key: str) -> None:
        """Take one job's next step."""
        job = self._jobs.get(key)
        if job is None:
            self._expectations.drop(key)
            return
        if job["metadata"].get("deletionTimestamp"):
            return
        now = self._clock()
        if finished_condition(job) is not None:
            await self._expire(job, now)
            return
        if not self._expectations.fulfilled(key, now):
            return
        step = plan(job, self._pods_of(job), now)
        for pod in step.delete:
            await self._delete_pod(job, pod)
        for _ in range(step.create):
            await self._create_pod(job)
        await self._tell(job, step.status)
        if step.look_again is not None:
            self._queue.add_after(key, step.look_again)

    def _pods_of(self, job: JsonObject) -> list[JsonObject]:
        uid = uid_of(job)
        found = []
        for pod in self._pods:
            controller = controller_of(pod)
            if controller is not None and controller.get("uid") == uid:
                found.append(pod)
        return found

    async def _create_pod(self, job: JsonObject) -> None:
        pod = pod_from_template(job["spec"]["template"], JOBS, job)
        try:
            made = await self._api.create(PODS, pod)
        except StatusError as err:
            await self._record(job, "Warning", "FailedCreate", f"Error creating: {err}")
            raise
        if self._pods.get(namespaced_name(made)) is None:
            key = namespaced_name(job)
            self._expectations.expect_created(key, uid_of(made), self._clock())
        message = f"Created pod: {name_of(made)}"
        await self._record(job, "Normal", "SuccessfulCreate", message)

    async def _delete_pod(self, job: JsonObject, pod: JsonObject) -> None:
        try:
            await self._api.delete(PODS, pod, {"preconditions": {"uid": uid_of(pod)}})
        except StatusError as err:
            if err.code != 404:
                raise
        message = f"Deleted pod: {name_of(pod)}"
        await self._record(job, "Normal", "SuccessfulDelete", message)

    async def _tell(self, job: JsonObject, status: JsonObject) -> None:
        present = job.get("status") or {}
        if all(
            (present.get(key) or 0) == (value or 0) for key, value in status.items()
        ):
            return
        await self._api.patch(JOBS, job, {"status": status}, "status", "merge")
        for condition in status.get("conditions", ()):
            if condition["type"] == "Complete":
                await self._record(job, "Normal", "Completed", "Job completed")
            elif condition["type"] == "Failed":
                reason, message = condition["reason"], condition["message"]
                await self._record(job, "Warning", reason, message)

    async def _expire(self, job: JsonObject, now: float) -> None:
        """Delete a finished job when its time to live is over."""
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return
        ended = max(
            parse_time(condition.get("lastTransitionTime")) or now
            for condition in job["status"]["conditions"]
        )
        left = ended + float(ttl) - now
        if left > 0:
            self._queue.add_after(namespaced_name(job), left)
            return
        options = {
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": uid_of(job)},
        }
        await self._api.delete(JOBS, job, options)

    async def _record(
        self, job: JsonObject, kind: str, reason: str, message: str
    ) -> None:
        await self._events.record(JOBS, job, kind, reason, reason, message)

    def _job_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        job = new or old
        if job is not None:
            self._queue.add(namespaced_name(job))

    def _pod_changed(self, old: JsonObject | None, new: JsonObject | None) -> None:
        pod = new or old
        controller = None if pod is None else controller_of(pod)
        if pod is None or controller is None or controller.get("kind") != JOBS.kind:
            return
        key = f"{namespace_of(pod)}/{controller['name']}"
        self._expectations.saw_created(key, uid_of(pod))
        self._queue.add(key)
