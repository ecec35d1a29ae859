"""The whole PodStatus the kubelet reports, as a pure function of what it knows.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_pods.go (generateAPIPodStatus,
convertStatusToAPIStatus).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apimachinery.meta import rfc3339
from kubelet import pod as pods
from kubelet.conditions import OWNED, generate_conditions, with_transition_times
from kubelet.container_statuses import container_statuses
from kubelet.phase import pod_phase
from kubelet.pod import ContainerKind
from kubelet.pod_actions import sandbox_change
from kubelet.qos import qos_class

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.container_statuses import StartFailures
    from kubelet.runtime_status import PodRuntimeStatus

__all__ = ["Readiness", "StatusInputs", "generate_pod_status"]


class Readiness(Protocol):
    """Sets `ready` and `started` of the container statuses in place."""

    def apply(self, pod: JsonObject, status: JsonObject, /) -> None: ...


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """What stays the same from pod to pod, or belongs to the moment."""

    runtime_name: str
    host_ips: tuple[str, ...]
    now: float


def generate_pod_status(
    pod: JsonObject,
    runtime: PodRuntimeStatus,
    previous: JsonObject,
    failures: StartFailures,
    readiness: Readiness,
    inputs: StatusInputs,
    *,
    terminal: bool = False,
) -> JsonObject:
    """The status to report.

    Args:
        previous: the last status reported, or the API's when there is none.
        terminal: the pod's containers have ended and will not come back.
    """
    lists = {
        kind.status_field: container_statuses(
            pod,
            runtime,
            kind,
            previous.get(kind.status_field) or [],
            failures,
            inputs.runtime_name,
        )
        for kind in ContainerKind
    }
    status: JsonObject = {name: entries for name, entries in lists.items() if entries}
    both = [*lists["initContainerStatuses"], *lists["containerStatuses"]]
    status["phase"] = _phase(pod, both, runtime, previous, terminal)
    _keep_reason(pod, status, previous)
    status["qosClass"] = qos_class(pod)
    status["startTime"] = previous.get("startTime") or rfc3339(inputs.now)
    _set_addresses(pod, status, runtime, previous, inputs)
    readiness.apply(pod, status)
    _set_conditions(pod, status, runtime, previous, both, inputs.now)
    if generation := pod["metadata"].get("generation"):
        status["observedGeneration"] = generation
    return status


def _phase(
    pod: JsonObject,
    statuses: list[JsonObject],
    runtime: PodRuntimeStatus,
    previous: JsonObject,
    terminal: bool,
) -> str:
    # Terminal phases never change back, whether we or the API said so.
    for known in (pods.status_of(pod).get("phase"), previous.get("phase")):
        if known in ("Succeeded", "Failed"):
            return str(known)
    started = any(runtime.latest(c["name"]) for c in pods.containers(pod))
    return pod_phase(pod, statuses, terminal=terminal, initialized=started)


def _keep_reason(pod: JsonObject, status: JsonObject, previous: JsonObject) -> None:
    """Reason and message belong to a phase and go with it."""
    if status["phase"] != previous.get("phase"):
        return
    for field in ("reason", "message"):
        value = previous.get(field) or pods.status_of(pod).get(field)
        if value:
            status[field] = value


def _set_addresses(
    pod: JsonObject,
    status: JsonObject,
    runtime: PodRuntimeStatus,
    previous: JsonObject,
    inputs: StatusInputs,
) -> None:
    if inputs.host_ips:
        status["hostIP"] = inputs.host_ips[0]
        status["hostIPs"] = [{"ip": ip} for ip in inputs.host_ips]
    ips = [{"ip": ip} for ip in _pod_ips(pod, runtime, inputs)]
    # A finished pod keeps the address it had.
    ips = ips or previous.get("podIPs") or []
    if ips:
        status["podIP"] = ips[0]["ip"]
        status["podIPs"] = ips


def _pod_ips(
    pod: JsonObject, runtime: PodRuntimeStatus, inputs: StatusInputs
) -> tuple[str, ...]:
    if pods.uses_host_network(pod):
        return inputs.host_ips
    return runtime.ips


def _set_conditions(
    pod: JsonObject,
    status: JsonObject,
    runtime: PodRuntimeStatus,
    previous: JsonObject,
    statuses: list[JsonObject],
    now: float,
) -> None:
    ready = not sandbox_change(pod, runtime).needed
    owned = generate_conditions(pod, statuses, status["phase"], sandbox_ready=ready)
    generation = pod["metadata"].get("generation")
    owned = with_transition_times(owned, previous, rfc3339(now), generation)
    foreign = [
        condition
        for condition in pods.status_of(pod).get("conditions") or []
        if condition.get("type") not in OWNED
    ]
    status["conditions"] = [*foreign, *owned]
