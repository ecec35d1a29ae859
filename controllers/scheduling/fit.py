"""Whether a node takes a pod, and the sentence that says why none does.

The filters run in the order of the scheduler's default plugins; the first that refuses
speaks for the node. Source: kubernetes/kubernetes pkg/scheduler/apis/config/v1/
default_plugins.go, pkg/scheduler/framework/types.go (FitError), and the plugins' own
reasons below pkg/scheduler/framework/plugins. Pod affinity, topology spread and
volumes are not looked at.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from controllers.scheduling.host_ports import HostPort, conflict, host_ports
from controllers.scheduling.node_affinity import admits
from controllers.scheduling.resources import (
    Usage,
    allocatable,
    insufficient,
    pod_requests,
)
from controllers.scheduling.taints import tolerates, untolerated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apimachinery.types import JsonObject

__all__ = ["NO_NODES", "NodeInfo", "Refusal", "explain", "refuse"]

NO_NODES: Final = "no nodes available to schedule pods"
_UNSCHEDULABLE_TAINT: Final = {
    "key": "node.kubernetes.io/unschedulable",
    "effect": "NoSchedule",
}


@dataclass(slots=True)
class NodeInfo:
    """A node with what its pods have taken of it."""

    node: JsonObject
    usage: Usage = field(default_factory=Usage)
    ports: list[HostPort] = field(default_factory=list)

    @property
    def name(self) -> str:
        name: str = self.node["metadata"]["name"]
        return name


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node does not take a pod.

    `resolvable` says whether other pods' leaving could change it: what the scheduler
    calls Unschedulable, as against UnschedulableAndUnresolvable.
    """

    reasons: tuple[str, ...]
    resolvable: bool = False


def refuse(pod: JsonObject, info: NodeInfo) -> Refusal | None:
    """The first filter's refusal, or None when the node takes the pod."""
    for check in _FILTERS:
        refusal = check(pod, info)
        if refusal is not None:
            return refusal
    return None


def explain(refusals: Mapping[str, Refusal]) -> str:
    """The message of condition Unschedulable and of event FailedScheduling."""
    if not refusals:
        return NO_NODES
    reasons = Counter(
        reason for refusal in refusals.values() for reason in refusal.reasons
    )
    counted = _counted(reasons)
    advice = Counter(
        "No preemption victims found for incoming pod"
        if refusal.resolvable
        else "Preemption is not helpful for scheduling"
        for refusal in refusals.values()
    )
    total = f"0/{len(refusals)} nodes are available:"
    return f"{total} {counted}. preemption: {total} {_counted(advice)}."


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))


def _schedulable(pod: JsonObject, info: NodeInfo) -> Refusal | None:
    if not info.node["spec"].get("unschedulable"):
        return None
    tolerations = pod["spec"].get("tolerations") or []
    if any(tolerates(toleration, _UNSCHEDULABLE_TAINT) for toleration in tolerations):
        return None
    return Refusal(("node(s) were unschedulable",))


def _taints(pod: JsonObject, info: NodeInfo) -> Refusal | None:
    taints = info.node["spec"].get("taints") or []
    tolerations = pod["spec"].get("tolerations") or []
    if not untolerated(taints, tolerations, ("NoSchedule", "NoExecute")):
        return None
    # Since 1.34; before, the taint was named: "untolerated taint {key: value}".
    return Refusal(("node(s) had untolerated taint(s)",))


def _affinity(pod: JsonObject, info: NodeInfo) -> Refusal | None:
    if admits(pod, info.node):
        return None
    return Refusal(("node(s) didn't match Pod's node affinity/selector",))


def _ports(pod: JsonObject, info: NodeInfo) -> Refusal | None:
    if not conflict(host_ports(pod), info.ports):
        return None
    reason = "node(s) didn't have free ports for the requested pod ports"
    return Refusal((reason,), resolvable=True)


def _resources(pod: JsonObject, info: NodeInfo) -> Refusal | None:
    requests, offered = pod_requests(pod), allocatable(info.node)
    reasons = insufficient(requests, offered, info.usage)
    if not reasons:
        return None
    # What even the empty node would not have, no pod's leaving can give.
    resolvable = not insufficient(requests, offered, Usage())
    return Refusal(tuple(reasons), resolvable)


_FILTERS: Final[tuple[Callable[[JsonObject, NodeInfo], Refusal | None], ...]] = (
    _schedulable,
    _taints,
    _affinity,
    _ports,
    _resources,
)
