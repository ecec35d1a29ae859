"""What to do to bring a pod's containers to what its spec asks for.

Pure: pod object and runtime status in, a list of actions out.
Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go
(computePodActions), kuberuntime_container.go (computeInitContainerActions) and
util/util.go (PodSandboxChanged).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from kubelet import pod as pods
from kubelet.restart_policy import restarts_on_failure, should_be_restarted
from kubelet.runtime_status import ContainerState

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.runtime_status import ContainerRuntimeStatus, PodRuntimeStatus

__all__ = [
    "ContainerToKill",
    "KillReason",
    "PodActions",
    "ProbeVerdicts",
    "SandboxChange",
    "compute_pod_actions",
    "container_hash",
    "has_any_regular_container_created",
    "sandbox_change",
]


class ProbeVerdicts(Protocol):
    """What the last probes said of a container id; None when none has run."""

    def liveness(self, container_id: str) -> bool | None: ...
    def startup(self, container_id: str) -> bool | None: ...


class KillReason(Enum):
    """Why one container dies; probes end a start with back-off kept."""

    NONE = ""
    LIVENESS = "LivenessProbe"
    STARTUP = "StartupProbe"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class ContainerToKill:
    name: str
    message: str
    reason: KillReason = KillReason.NONE


@dataclass(frozen=True, slots=True)
class SandboxChange:
    """Whether a new sandbox is needed, with which attempt, replacing which."""

    needed: bool
    attempt: int
    sandbox_id: str


@dataclass(slots=True)
class PodActions:
    """Indexes point into the three container lists of the spec."""

    kill_pod: bool = False
    create_sandbox: bool = False
    sandbox_id: str = ""
    attempt: int = 0
    init_containers_to_start: list[int] = field(default_factory=list)
    containers_to_start: list[int] = field(default_factory=list)
    ephemeral_containers_to_start: list[int] = field(default_factory=list)
    containers_to_kill: dict[str, ContainerToKill] = field(default_factory=dict)


def container_hash(container: JsonObject) -> str:
    """A digest of the fields whose change restarts a container: name and image.

    Source: kubernetes/kubernetes pkg/kubelet/container/helpers.go (HashContainer):
    since 1.31 nothing else counts, so that new API fields restart nobody. Unlike
    there the digest is not FNV of Go's dump; only equality matters.
    """
    text = json.dumps([container["name"], container.get("image", "")])
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def sandbox_change(pod: JsonObject, status: PodRuntimeStatus) -> SandboxChange:
    if not status.sandboxes:
        return SandboxChange(True, 0, "")
    newest = status.sandboxes[0]
    several_ready = sum(sandbox.ready for sandbox in status.sandboxes) > 1
    if several_ready or not newest.ready:
        return SandboxChange(True, newest.attempt + 1, newest.id)
    if newest.host_network != pods.uses_host_network(pod):
        return SandboxChange(True, newest.attempt + 1, "")
    if not newest.host_network and not newest.ips:
        return SandboxChange(True, newest.attempt + 1, newest.id)
    return SandboxChange(False, newest.attempt, newest.id)


def has_any_regular_container_created(
    pod: JsonObject, status: PodRuntimeStatus
) -> bool:
    """A regular container exists, so all init containers were done once."""
    latest = (status.latest(c["name"]) for c in pods.containers(pod))
    return any(s is not None and s.state is not ContainerState.UNKNOWN for s in latest)


def compute_pod_actions(
    pod: JsonObject, status: PodRuntimeStatus, verdicts: ProbeVerdicts
) -> PodActions:
    """Compare what is with what is asked for."""
    change = sandbox_change(pod, status)
    actions = PodActions(
        kill_pod=change.needed,
        create_sandbox=change.needed,
        sandbox_id=change.sandbox_id,
        attempt=change.attempt,
    )
    if change.needed:
        return _start_afresh(pod, status, actions)
    actions.ephemeral_containers_to_start = [
        index
        for index, container in enumerate(pods.ephemeral_containers(pod))
        if status.latest(container["name"]) is None
    ]
    initialized = _InitContainers(pod, status, verdicts, actions).compute()
    if actions.kill_pod or not initialized:
        return actions
    return _keep_regular_containers(pod, status, verdicts, actions)


def _start_afresh(
    pod: JsonObject, status: PodRuntimeStatus, actions: PodActions
) -> PodActions:
    # A pod that must not restart and has run already is only cleaned up. One whose
    # sandbox came up but never held a container may try again.
    ran_before = actions.attempt != 0 and bool(status.containers)
    if not restarts_on_failure(pod) and ran_before:
        actions.create_sandbox = False
        return actions
    to_start = [
        index
        for index, container in enumerate(pods.containers(pod))
        if not _succeeded_for_good(container, pod, status)
    ]
    if not to_start and has_any_regular_container_created(pod, status):
        actions.create_sandbox = False
        return actions
    if pods.init_containers(pod):
        actions.init_containers_to_start = [0]
    else:
        actions.containers_to_start = to_start
    return actions


def _succeeded_for_good(
    container: JsonObject, pod: JsonObject, status: PodRuntimeStatus
) -> bool:
    latest = status.latest(container["name"])
    on_failure = pods.restart_policy(pod) == "OnFailure"
    return on_failure and latest is not None and latest.succeeded


def _keep_regular_containers(
    pod: JsonObject,
    status: PodRuntimeStatus,
    verdicts: ProbeVerdicts,
    actions: PodActions,
) -> PodActions:
    kept = 0
    for index, container in enumerate(pods.containers(pod)):
        latest = status.latest(container["name"])
        if latest is None or latest.state is not ContainerState.RUNNING:
            if should_be_restarted(container, pod, status):
                actions.containers_to_start.append(index)
                _kill_unknown(latest, "Container", actions)
            continue
        kill = _why_kill_running(container, latest, verdicts)
        if kill is None:
            kept += 1
            continue
        message, reason, restart_anyway = kill
        if restart_anyway or restarts_on_failure(pod):
            message += ", will be restarted"
            actions.containers_to_start.append(index)
        actions.containers_to_kill[latest.id] = ContainerToKill(
            container["name"], message, reason
        )
    if kept == 0 and not actions.containers_to_start:
        actions.kill_pod = True
        # Sidecars must not keep a finished pod alive.
        actions.init_containers_to_start = []
    return actions


def _why_kill_running(
    container: JsonObject, latest: ContainerRuntimeStatus, verdicts: ProbeVerdicts
) -> tuple[str, KillReason, bool] | None:
    """Message, reason, and whether it restarts whatever the policy says."""
    prefix = f"Container {container['name']}"
    if _definition_changed(container, latest):
        return f"{prefix} definition changed", KillReason.NONE, True
    if verdicts.liveness(latest.id) is False:
        return f"{prefix} failed liveness probe", KillReason.LIVENESS, False
    if verdicts.startup(latest.id) is False:
        return f"{prefix} failed startup probe", KillReason.STARTUP, False
    return None


def _definition_changed(container: JsonObject, latest: ContainerRuntimeStatus) -> bool:
    # A container without our annotation was made by another kubelet: adopt it.
    return bool(latest.hash) and latest.hash != container_hash(container)


def _kill_unknown(
    latest: ContainerRuntimeStatus | None, noun: str, actions: PodActions
) -> None:
    """It may be running: two instances must never be."""
    if latest is None or latest.state is not ContainerState.UNKNOWN:
        return
    actions.containers_to_kill[latest.id] = ContainerToKill(
        latest.name,
        f'{noun} is in "{latest.state.value}" state, try killing it before restart',
        KillReason.UNKNOWN,
    )


class _InitContainers:
    """Walks init containers from last to first.

    The last one that left a trace tells how far the pod came, because finished ones
    before it may have been removed. Everything after a trace was initialised;
    sidecars before it must be kept running.
    """

    def __init__(
        self,
        pod: JsonObject,
        status: PodRuntimeStatus,
        verdicts: ProbeVerdicts,
        actions: PodActions,
    ) -> None:
        self._pod = pod
        self._status = status
        self._verdicts = verdicts
        self._actions = actions
        self._specs = pods.init_containers(pod)
        self._initialized = self._main_container_is_up()
        self._seen_later_one = self._initialized

    def compute(self) -> bool:
        """Fill in the actions; True when regular containers may start."""
        if not self._specs:
            return True
        for index in reversed(range(len(self._specs))):
            if not self._visit(index):
                self._actions.kill_pod = True
                self._actions.init_containers_to_start = []
                return False
        if not self._seen_later_one:
            self._start(0)
        self._actions.init_containers_to_start.reverse()
        return self._initialized

    def _main_container_is_up(self) -> bool:
        # Not EXITED: that could be the container of an earlier sandbox.
        up = (ContainerState.CREATED, ContainerState.RUNNING)
        latest = (self._status.latest(c["name"]) for c in pods.containers(self._pod))
        return any(s is not None and s.state in up for s in latest)

    def _visit(self, index: int) -> bool:
        """Handle one container; False when the pod has failed for good."""
        spec = self._specs[index]
        sidecar = pods.is_sidecar(spec)
        latest = self._status.latest(spec["name"])
        if latest is None:
            if self._seen_later_one and sidecar:
                self._start(index)
            return True
        if self._seen_later_one and not sidecar:
            return True
        match latest.state:
            case ContainerState.CREATED:
                # Creating and starting are one step, so the start must have failed.
                self._start(index)
            case ContainerState.RUNNING:
                if sidecar:
                    self._keep_sidecar(index, latest)
            case ContainerState.EXITED | ContainerState.UNKNOWN:
                if not self._stopped(index, latest, sidecar):
                    return False
        self._seen_later_one = True
        return True

    def _stopped(
        self, index: int, latest: ContainerRuntimeStatus, sidecar: bool
    ) -> bool:
        if not sidecar and latest.succeeded:
            self._passed(index)
            return True
        if not sidecar and not restarts_on_failure(self._pod):
            return False
        _kill_unknown(latest, "Init container", self._actions)
        self._start(index)
        return True

    def _keep_sidecar(self, index: int, latest: ContainerRuntimeStatus) -> None:
        spec = self._specs[index]
        if spec.get("startupProbe"):
            started = self._verdicts.startup(latest.id)
            if started is False:
                self._replace(index, latest, "failed startup probe", KillReason.STARTUP)
            if not started:
                return
        self._passed(index)
        if _definition_changed(spec, latest):
            self._replace(index, latest, "definition changed", KillReason.NONE)
        elif spec.get("livenessProbe") and self._verdicts.liveness(latest.id) is False:
            self._replace(index, latest, "failed liveness probe", KillReason.LIVENESS)

    def _passed(self, index: int) -> None:
        """This one is done or up: the next may start, or the pod is initialised."""
        if index == len(self._specs) - 1:
            self._initialized = True
        elif not self._seen_later_one:
            self._start(index + 1)

    def _replace(
        self, index: int, latest: ContainerRuntimeStatus, why: str, reason: KillReason
    ) -> None:
        name = self._specs[index]["name"]
        self._actions.containers_to_kill[latest.id] = ContainerToKill(
            name, f"Init container {name} {why}", reason
        )
        self._start(index)

    def _start(self, index: int) -> None:
        self._actions.init_containers_to_start.append(index)
