"""The three phases of a pod's life on its node: sync, terminating, terminated.

Each is one method, called by the pod's worker, and may be called again.

Source: kubernetes/kubernetes pkg/kubelet/kubelet.go (SyncPod, SyncTerminatingPod,
SyncTerminatedPod), pkg/kubelet/kuberuntime/kuberuntime_manager.go (SyncPod).
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apimachinery.status import not_found
from kube_client.reflector import Trouble
from kubelet import pod as pods
from kubelet.container_start import PodContext, StartError
from kubelet.container_statuses import Failure
from kubelet.cri import CriError
from kubelet.cri_config import pod_log_directory, sandbox_config
from kubelet.dns_config import pod_dns
from kubelet.events import pod_reference
from kubelet.field_ref import PodFacts
from kubelet.pod_actions import compute_pod_actions
from kubelet.pod_status import StatusInputs, generate_pod_status
from kubelet.runtime_status import ContainerState
from kubelet.volume_payload import PayloadSources
from kubelet.volumes import VolumeSetUpError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kubelet.backoff import Backoff
    from kubelet.container_garbage import ContainerGarbage
    from kubelet.container_kill import ContainerKiller
    from kubelet.container_start import ContainerStarter, NodeFacts
    from kubelet.dns_config import DnsSettings
    from kubelet.events import EventRecorder
    from kubelet.objects import PodObjects
    from kubelet.pod_actions import PodActions
    from kubelet.probe_results import ProbeResults
    from kubelet.probes import ProbeManager
    from kubelet.runtime import Runtime
    from kubelet.runtime_status import ContainerRuntimeStatus, PodRuntimeStatus
    from kubelet.status_manager import StatusManager
    from kubelet.tokens import TokenManager
    from kubelet.volumes import Volumes

__all__ = ["PodSyncer", "PodWork", "SyncOutcome", "SyncParts", "Verdict"]

logger = logging.getLogger(__name__)

_RETRY_FIRST, _RETRY_LONGEST = 0.5, 10.0
_KILL_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """The kubelet itself ended the pod: what its status says from then on."""

    reason: str
    message: str


@dataclass(slots=True)
class PodWork:
    """What a worker keeps of its pod between rounds."""

    pod: JsonObject
    objects: PodObjects
    failures: dict[str, Failure] = field(default_factory=dict)
    verdict: Verdict | None = None
    retry_delay: float = _RETRY_FIRST

    def next_retry(self) -> float:
        """The delay of a repeated failure: doubling, at most ten seconds."""
        delay = self.retry_delay
        self.retry_delay = min(delay * 2, _RETRY_LONGEST)
        return delay


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """`finished`: the pod is over. `retry_after`: seconds until it needs a look."""

    finished: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class SyncParts:
    """What the syncer works with."""

    runtime: Runtime
    starter: ContainerStarter
    killer: ContainerKiller
    garbage: ContainerGarbage
    volumes: Volumes
    tokens: TokenManager
    statuses: StatusManager
    probes: ProbeManager
    results: ProbeResults
    recorder: EventRecorder
    backoff: Backoff
    node: NodeFacts
    dns: DnsSettings
    network_error: Callable[[], str]
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = ""
    clock: Callable[[], float] = time.time


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
        delays: list[float] = []
        context = await self._prepare(work, status)
        if context is None:
            return SyncOutcome(retry_after=work.next_retry())
        self._parts.probes.add_pod(work.pod)
        actions = compute_pod_actions(work.pod, status, self._parts.results)
        changed = await self._act(work, context, actions, delays)
        if changed or delays:
            status = await self._look(work)
            if self._report(work, status)["phase"] in ("Succeeded", "Failed"):
                return SyncOutcome(finished=True)
        if not delays:
            work.retry_delay = _RETRY_FIRST
        return SyncOutcome(retry_after=min(delays, default=None))

    async def report(self, work: PodWork) -> None:
        """Only bring the reported status up to date."""
        self._report(work, await self._look(work))

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
            pod_ips=self._addresses(pod, status.ips),
        )

    def _addresses(self, pod: JsonObject, ips: tuple[str, ...]) -> tuple[str, ...]:
        return self._parts.node.host_ips if pods.uses_host_network(pod) else ips

    async def _act(
        self,
        work: PodWork,
        context: PodContext,
        actions: PodActions,
        delays: list[float],
    ) -> bool:
        """Carry the actions out; True when something was changed."""
        if actions.kill_pod:
            await self._kill_for(work, context.status, actions)
            if not actions.create_sandbox:
                return True
        for container_id, kill in actions.containers_to_kill.items():
            running = _by_id(context.status, container_id)
            ip = context.pod_ips[0] if context.pod_ips else ""
            await self._parts.killer.kill(
                work.pod, running, kill.message, kill.reason, pod_ip=ip
            )
        if not _has_work(actions):
            return bool(actions.containers_to_kill)
        dns = pod_dns(
            work.pod,
            self._parts.dns,
            self._parts.cluster_dns,
            self._parts.cluster_domain,
        )
        log_root = self._parts.node.log_root
        context.sandbox_config = sandbox_config(
            work.pod, actions.attempt, log_root, dns, self._parts.runtime.cgroup_parent
        )
        if not await self._ensure_sandbox(work, context, actions):
            delays.append(work.next_retry())
            return True
        context.pull_secrets = await self._pull_secrets(work)
        await self._start_containers(work, context, actions, delays)
        return True

    async def _kill_for(
        self, work: PodWork, status: PodRuntimeStatus, actions: PodActions
    ) -> None:
        parts = self._parts
        if actions.create_sandbox and actions.sandbox_id:
            text = "Pod sandbox changed, it will be killed and re-created."
            parts.recorder.normal(pod_reference(work.pod), "SandboxChanged", text)
        await parts.killer.kill_all(work.pod, status)
        for sandbox in status.sandboxes:
            await parts.runtime.stop_sandbox(sandbox.id)
        if actions.create_sandbox:
            await parts.garbage.purge_init_containers(work.pod, status)

    async def _ensure_sandbox(
        self, work: PodWork, context: PodContext, actions: PodActions
    ) -> bool:
        if not actions.create_sandbox:
            context.sandbox_id = actions.sandbox_id
            return True
        runtime = self._parts.runtime
        assert context.sandbox_config is not None  # noqa: S101 - made by the caller
        try:
            handler = await self._runtime_handler(work)
            context.sandbox_id = await runtime.run_sandbox(
                context.sandbox_config, handler
            )
            ips = await runtime.sandbox_ips(context.sandbox_id)
        except (CriError, *Trouble) as err:
            text = f"Failed to create pod sandbox: {err}"
            reference = pod_reference(work.pod)
            self._parts.recorder.warning(reference, "FailedCreatePodSandBox", text)
            return False
        context.pod_ips = self._addresses(work.pod, ips)
        return True

    async def _runtime_handler(self, work: PodWork) -> str:
        """What the pod's RuntimeClass names; the runtime's default without one."""
        name = work.pod["spec"].get("runtimeClassName")
        if not name:
            return ""
        found = await work.objects.runtime_class(name)
        if found is None:
            raise not_found("runtimeclasses.node.k8s.io", name)
        return str(found["handler"])

    async def _pull_secrets(self, work: PodWork) -> list[JsonObject]:
        found = []
        namespace = pods.namespace(work.pod)
        for reference in work.pod["spec"].get("imagePullSecrets") or []:
            secret = await work.objects.secret(namespace, reference["name"])
            if secret is not None:
                found.append(secret)
        return found

    async def _start_containers(
        self,
        work: PodWork,
        context: PodContext,
        actions: PodActions,
        delays: list[float],
    ) -> None:
        for index in actions.ephemeral_containers_to_start:
            spec = pods.ephemeral_containers(work.pod)[index]
            await self._start(work, context, spec, delays)
        for index in actions.init_containers_to_start:
            spec = pods.init_containers(work.pod)[index]
            started = await self._start(work, context, spec, delays)
            if not started and not pods.is_sidecar(spec):
                return
        for index in actions.containers_to_start:
            spec = pods.containers(work.pod)[index]
            await self._start(work, context, spec, delays)

    async def _start(
        self,
        work: PodWork,
        context: PodContext,
        container: JsonObject,
        delays: list[float],
    ) -> bool:
        name = container["name"]
        remaining = self._back_off(work, context, container)
        if remaining:
            delays.append(remaining)
            return False
        try:
            await self._parts.starter.start(context, container)
        except StartError as err:
            work.failures[name] = err.failure
            delays.append(err.retry_after or work.next_retry())
            await self._stop_half_started(work, err)
            return False
        work.failures.pop(name, None)
        await self._parts.garbage.forget_old_instances(context.status, name)
        return True

    def _back_off(
        self, work: PodWork, context: PodContext, container: JsonObject
    ) -> float:
        """Seconds this container must still wait; notes the try when it need not."""
        parts, name = self._parts, container["name"]
        last = next(
            (
                c
                for c in context.status.containers
                if c.name == name and c.state is ContainerState.EXITED
            ),
            None,
        )
        if last is None:
            return 0.0
        key = f"{pods.describe(work.pod)}_{name}_{container.get('image', '')}"
        ended, now = last.finished_at / 1e9, parts.clock()
        remaining = parts.backoff.remaining_since(key, ended, now)
        if not remaining:
            parts.backoff.advance(key, ended, now)
            return 0.0
        subject = f"{name} in pod {pods.describe(work.pod)}"
        parts.recorder.warning(
            pod_reference(work.pod, name),
            "BackOff",
            f"Back-off restarting failed container {subject}",
        )
        text = (
            f"back-off {_go_seconds(parts.backoff.delay(key))} restarting failed"
            f" container={name} pod={pods.describe(work.pod)}"
        )
        work.failures[name] = Failure("CrashLoopBackOff", text)
        return remaining

    async def _stop_half_started(self, work: PodWork, err: StartError) -> None:
        """postStart failed: the container must not go on running."""
        if not err.container_id:
            return
        running = await self._parts.runtime.container_status(err.container_id)
        await self._parts.killer.kill(work.pod, running, "FailedPostStartHook")

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


def _by_id(status: PodRuntimeStatus, container_id: str) -> ContainerRuntimeStatus:
    return next(c for c in status.containers if c.id == container_id)


def _has_work(actions: PodActions) -> bool:
    return bool(
        actions.create_sandbox
        or actions.init_containers_to_start
        or actions.containers_to_start
        or actions.ephemeral_containers_to_start
    )


def _go_seconds(seconds: float) -> str:
    """Go's duration: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
