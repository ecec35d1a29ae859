"""The three phases of a pod's life on its node: sync, terminating, terminated.

Each is one method, called by the pod's worker, and may be called again.

Source: kubernetes/kubernetes pkg/kubelet/kubelet.go (SyncPod, SyncTerminatingPod,
SyncTerminatedPod), pkg/kubelet/kuberuntime/kuberuntime_manager.go (SyncPod).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.container_start import PodContext
from kubelet.cri import CriError
from kubelet.cri_config import pod_log_directory
from kubelet.events import pod_reference
from kubelet.field_ref import PodFacts
from kubelet.pod_actions import compute_pod_actions
from kubelet.pod_changes import PodChanges
from kubelet.pod_status import StatusInputs, generate_pod_status
from kubelet.pod_work import SyncOutcome
from kubelet.volume_payload import PayloadSources
from kubelet.volumes import VolumeSetUpError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.pod_work import PodWork
    from kubelet.runtime_status import PodRuntimeStatus
    from kubelet.sync_parts import SyncParts

__all__ = ["PodSyncer"]

logger = logging.getLogger(__name__)

_KILL_ROUNDS = 3


class PodSyncer:
    """Carries out the phases."""

    def __init__(self, parts: SyncParts) -> None:
        self._parts = parts

    # sync

    async def sync(self, work: PodWork) -> SyncOutcome:
        """Report what is, then bring it closer to what the spec says.

        Raises:
            CriError: the runtime does not answer, or refuses.
        """
        status = await self._look(work)
        if self._report(work, status)["phase"] in ("Succeeded", "Failed"):
            return SyncOutcome(finished=True)
        context = await self._prepare(work, status)
        if context is None:
            return SyncOutcome(retry_after=work.next_retry())
        self._parts.probes.add_pod(work.pod)
        actions = compute_pod_actions(work.pod, status, self._parts.results)
        changes = PodChanges(self._parts, work, context, actions)
        if await changes.carry_out() or changes.delays:
            status = await self._look(work)
            if self._report(work, status)["phase"] in ("Succeeded", "Failed"):
                return SyncOutcome(finished=True)
        if not changes.delays:
            work.went_well()
        return SyncOutcome(retry_after=min(changes.delays, default=None))

    async def _look(self, work: PodWork) -> PodRuntimeStatus:
        pod = work.pod
        return await self._parts.runtime.pod_status(
            pods.uid(pod), pods.name(pod), pods.namespace(pod)
        )

    def _report(
        self, work: PodWork, status: PodRuntimeStatus, *, terminal: bool = False
    ) -> JsonObject:
        parts = self._parts
        previous = parts.statuses.status(pods.uid(work.pod))
        inputs = StatusInputs(parts.runtime.name, parts.node.host_ips, parts.clock())
        report = generate_pod_status(
            work.pod,
            status,
            pods.status_of(work.pod) if previous is None else previous,
            work.failures,
            parts.results,
            inputs,
            terminal=terminal,
        )
        if work.verdict is not None:
            report["phase"] = "Failed"
            report["reason"] = work.verdict.reason
            report["message"] = work.verdict.message
        parts.statuses.set(work.pod, report)
        return report

    async def _prepare(
        self, work: PodWork, status: PodRuntimeStatus
    ) -> PodContext | None:
        """Network and volumes; None when the pod must wait for one of them."""
        parts, pod = self._parts, work.pod
        reference = pod_reference(pod)
        error = parts.network_error()
        if error and not pods.uses_host_network(pod):
            text = f"network is not ready: {error}"
            parts.recorder.warning(reference, "NetworkNotReady", text)
            return None
        sources = PayloadSources(
            work.objects,
            parts.tokens,
            PodFacts(parts.node.host_ips, status.ips),
            parts.node.allocatable,
        )
        try:
            volumes = await parts.volumes.set_up(pod, sources)
        except VolumeSetUpError as err:
            parts.recorder.warning(reference, "FailedMount", str(err))
            return None
        return PodContext(
            pod=pod,
            status=status,
            objects=work.objects,
            pod_directory=parts.volumes.pod_directory(pods.uid(pod)),
            volumes=volumes,
            pod_ips=parts.node.host_ips if pods.uses_host_network(pod) else status.ips,
        )

    # terminating

    async def terminate(self, work: PodWork, grace_period: int | None) -> None:
        """Stop everything and report how it ended.

        Args:
            grace_period: wins over the pod's own, None for that.

        Raises:
            CriError
        """
        parts, uid = self._parts, pods.uid(work.pod)
        status = await self._look(work)
        self._report(work, status)
        parts.probes.stop_liveness_and_startup(uid)
        for _ in range(_KILL_ROUNDS):
            await self._kill_everything(work.pod, status, grace_period)
            status = await self._look(work)
            # A start that was given up half-way may have come through after all.
            if not status.is_active:
                break
        else:
            raise CriError("", "the pod runs on although it was stopped")
        parts.probes.remove_pod(uid)
        self._report(work, status, terminal=True)

    async def terminate_orphan(self, status: PodRuntimeStatus) -> None:
        """Stop a pod that only the runtime knows."""
        await self._kill_everything(None, status, 1)

    async def _kill_everything(
        self,
        pod: JsonObject | None,
        status: PodRuntimeStatus,
        grace_period: int | None,
    ) -> None:
        await self._parts.killer.kill_all(pod, status, override=grace_period)
        await asyncio.gather(
            *(self._parts.runtime.stop_sandbox(s.id) for s in status.sandboxes)
        )

    # terminated

    async def finish(self, work: PodWork) -> None:
        """Nothing runs any more: give back what it held, let its object go."""
        self._parts.tokens.forget(pods.uid(work.pod))
        self._parts.statuses.finish(work.pod)

    async def clean_up(self, uid: str, name: str, namespace: str) -> None:
        """The pod is gone from the API: remove every trace of it from the node."""
        parts = self._parts
        parts.statuses.forget(uid)
        sandboxes = await parts.runtime.list_sandboxes(uid)
        for sandbox in sandboxes:
            await parts.runtime.remove_sandbox(sandbox.id)
        pod = {"metadata": {"uid": uid, "name": name, "namespace": namespace}}
        await parts.garbage.remove_logs(pod_log_directory(parts.node.log_root, pod))
        await parts.volumes.tear_down(pods.uid(pod))
        logger.info("pod removed", extra={"pod": f"{namespace}/{name}"})
