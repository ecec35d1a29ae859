"""Probe workers: one task for each probe of each container.

A worker sleeps until its container runs, waits the initial delay, then probes once a
period. What it finds counts when it has been found often enough in a row. A liveness
or startup probe that failed for good rests until the container has been replaced.

Source: kubernetes/kubernetes pkg/kubelet/prober/{worker,prober_manager}.go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from apimachinery.meta import parse_time
from hops.clock import monotonic, wall
from hops.tasks import spawn
from kubelet import pod as pods
from kubelet.events import pod_reference
from kubelet.probe_actions import ProbeError, ProbeTarget
from kubelet.probe_results import (
    ProbeKind,
    container_id_of,
    probed_containers,
    was_reported,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kubelet.events import EventRecorder
    from kubelet.probe_actions import ProbeOutcome, Prober
    from kubelet.probe_results import ProbeResults

__all__ = ["ProbeManager"]

_TRIES = 3
_DEFAULT_PERIOD = 10
_INITIAL = {ProbeKind.LIVENESS: True, ProbeKind.READINESS: False}


class ProbeManager:
    """All workers of the kubelet."""

    def __init__(
        self,
        prober: Prober,
        results: ProbeResults,
        recorder: EventRecorder,
        status_of: Callable[[str], JsonObject | None],
    ) -> None:
        self._prober = prober
        self._results = results
        self._recorder = recorder
        self._status_of = status_of
        self._workers: dict[str, list[_Worker]] = {}

    def add_pod(self, pod: JsonObject) -> None:
        """Start workers for a pod, once."""
        uid = pods.uid(pod)
        if uid in self._workers:
            return
        workers = [
            _Worker(pod, container, kind, self)
            for container in probed_containers(pod)
            for kind in ProbeKind
            if container.get(kind.value)
        ]
        self._workers[uid] = workers
        for worker in workers:
            worker.start()

    def poke(self, uid: str) -> None:
        """The pod's reported status changed: perhaps a container runs now."""
        for worker in self._workers.get(uid, ()):
            worker.wake.set()

    def stop_liveness_and_startup(self, uid: str) -> None:
        """The pod ends: only readiness still matters, for those who route to it."""
        for worker in self._workers.get(uid, ()):
            if worker.kind is not ProbeKind.READINESS:
                worker.stop()

    def remove_pod(self, uid: str) -> None:
        for worker in self._workers.pop(uid, ()):
            worker.stop()

    def stop(self) -> None:
        for uid in list(self._workers):
            self.remove_pod(uid)

    # What workers need

    def status_entry(self, uid: str, container: str) -> JsonObject | None:
        status = self._status_of(uid) or {}
        for field in ("containerStatuses", "initContainerStatuses"):
            for entry in status.get(field) or []:
                if entry["name"] == container:
                    return entry  # type: ignore[no-any-return]  # JSON
        return None

    def pod_ip(self, uid: str) -> str:
        return str((self._status_of(uid) or {}).get("podIP", ""))

    @property
    def results(self) -> ProbeResults:
        return self._results

    @property
    def prober(self) -> Prober:
        return self._prober

    @property
    def recorder(self) -> EventRecorder:
        return self._recorder


class _Worker:
    def __init__(
        self,
        pod: JsonObject,
        container: JsonObject,
        kind: ProbeKind,
        manager: ProbeManager,
    ) -> None:
        self.kind = kind
        self.wake = asyncio.Event()
        self._pod = pod
        self._container = container
        self._spec: JsonObject = container[kind.value]
        self._manager = manager
        self._container_id = ""
        self._streak = 0
        self._last: bool | None = None
        self._on_hold = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        name = f"probe {self.kind.word} {pods.full_name(self._pod)}"
        self._task = spawn(name, self._run())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while True:
                delay = await self._step()
                try:
                    async with asyncio.timeout(delay):
                        await self.wake.wait()
                except TimeoutError:
                    continue
                self.wake.clear()
        finally:
            self._manager.results.forget(self.kind, self._container_id)

    async def _step(self) -> float | None:
        """Probe if it is time; the seconds to sleep, None until woken."""
        entry = self._manager.status_entry(pods.uid(self._pod), self._container["name"])
        if entry is None or "running" not in entry["state"]:
            return None
        container_id = container_id_of(entry)
        if container_id != self._container_id:
            self._adopt(container_id, entry)
        if self._on_hold or bool(entry.get("started")) is (
            self.kind is ProbeKind.STARTUP
        ):
            # Until it has started only startup probes run, and only they stop then.
            return None
        wait = self._until_due(entry)
        if wait > 0:
            return wait
        self._next_at = monotonic() + self._period
        await self._probe()
        return self._period

    _next_at = 0.0

    def _until_due(self, entry: JsonObject) -> float:
        started = parse_time(entry["state"]["running"].get("startedAt")) or 0.0
        delay = float(self._spec.get("initialDelaySeconds") or 0)
        return max(started + delay - wall(), self._next_at - monotonic())

    @property
    def _period(self) -> float:
        return float(self._spec.get("periodSeconds") or _DEFAULT_PERIOD)

    def _adopt(self, container_id: str, entry: JsonObject) -> None:
        """A new container: forget what was found about the one before."""
        results = self._manager.results
        results.forget(self.kind, self._container_id)
        self._container_id = container_id
        self._streak, self._last, self._on_hold = 0, None, False
        self._next_at = 0.0
        if results.get(self.kind, container_id) is None and self.kind in _INITIAL:
            initial = _INITIAL[self.kind]
            if self.kind is ProbeKind.READINESS:
                initial = was_reported(self._pod, entry, self.kind)
            results.begin(self.kind, container_id, initial)

    async def _probe(self) -> None:
        outcome = await self._try()
        if outcome is None:
            return
        self._report(outcome)
        self._streak = self._streak + 1 if outcome.success is self._last else 1
        self._last = outcome.success
        field = "successThreshold" if outcome.success else "failureThreshold"
        default = 1 if outcome.success else 3
        if self._streak < int(self._spec.get(field) or default):
            return
        if not outcome.success and self.kind is not ProbeKind.READINESS:
            self._on_hold = True
        self._manager.results.set(
            self.kind, self._container_id, outcome.success, pods.uid(self._pod)
        )

    async def _try(self) -> ProbeOutcome | None:
        """One outcome; None when the probe itself could not be made."""
        target = ProbeTarget(
            self._container,
            self._container_id,
            self._manager.pod_ip(pods.uid(self._pod)),
        )
        error = ""
        for _ in range(_TRIES):
            try:
                return await self._manager.prober.probe(self._spec, target)
            except ProbeError as err:
                error = str(err)
        self._warn(
            f"{self.kind.word} probe errored and resulted in unknown state: {error}"
        )
        self._count("unknown")
        return None

    def _report(self, outcome: ProbeOutcome) -> None:
        if outcome.success:
            self._count("successful")
            return
        self._count("failed")
        self._warn(f"{self.kind.word} probe failed: {outcome.output}")

    def _warn(self, message: str) -> None:
        reference = pod_reference(self._pod, self._container["name"])
        self._manager.recorder.warning(reference, "Unhealthy", message)

    def _count(self, result: str) -> None:
        self._manager.results.count(
            self._pod, self._container["name"], self.kind, result
        )
