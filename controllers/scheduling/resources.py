"""What a pod asks of a node and what a node has left, as integers.

CPU counts in thousandths of a core, all else in units; both are rounded up, as the
scheduler does. Source: kubernetes/component-helpers resource/helpers.go (PodRequests);
kubernetes/kubernetes pkg/scheduler/framework/types.go (Resource).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apimachinery.quantity import Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject

__all__ = ["Usage", "allocatable", "insufficient", "pod_requests"]

Amounts = dict[str, int]

_CPU: Final = "cpu"
_PODS: Final = "pods"
# The scheduler's own order of complaints: "Too many pods", then these, then the rest.
_FIRST_RESOURCES: Final = (_CPU, "memory", "ephemeral-storage")


@dataclass(slots=True)
class Usage:
    """What the pods of a node have asked for together."""

    pods: int = 0
    requests: Amounts = field(default_factory=dict)

    def add(self, requests: Mapping[str, int]) -> None:
        """Count one more pod."""
        self.pods += 1
        _add(self.requests, requests)


def pod_requests(pod: JsonObject) -> Amounts:
    """What the pod needs at its most demanding moment.

    Containers run together with the sidecars; init containers run one after another,
    each beside the sidecars started before it.
    """
    spec = pod["spec"]
    total: Amounts = {}
    for container in spec.get("containers", []):
        _add(total, _requests(container))
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or []:
        own = _requests(container)
        if container.get("restartPolicy") == "Always":
            _add(sidecars, own)
            own = {}
        moment = dict(sidecars)
        _add(moment, own)
        _raise(peak, moment)
    _add(total, sidecars)
    _raise(total, peak)
    _add(total, _amounts(spec.get("overhead") or {}))
    return total


def allocatable(node: JsonObject) -> Amounts:
    """What the node offers to pods."""
    return _amounts(node.get("status", {}).get("allocatable") or {})


def insufficient(
    requests: Mapping[str, int], offered: Mapping[str, int], usage: Usage
) -> list[str]:
    """Why the pod does not fit, in the scheduler's words; empty when it does.

    A node that tells no number of pods takes any number, unlike the real scheduler,
    for whom that would be none: a node we did not make may leave it out.
    """
    reasons = []
    if _PODS in offered and usage.pods + 1 > offered[_PODS]:
        reasons.append("Too many pods")
    rest = sorted(set(requests) - set(_FIRST_RESOURCES) - {_PODS})
    for name in (*_FIRST_RESOURCES, *rest):
        wanted = requests.get(name, 0)
        left = offered.get(name, 0) - usage.requests.get(name, 0)
        if wanted > 0 and wanted > left:
            reasons.append(f"Insufficient {name}")
    return reasons


def _requests(container: JsonObject) -> Amounts:
    resources = container.get("resources") or {}
    return _amounts(resources.get("requests") or {})


def _amounts(quantities: Mapping[str, object]) -> Amounts:
    return {name: _amount(name, str(value)) for name, value in quantities.items()}


def _amount(name: str, text: str) -> int:
    quantity = Quantity.parse(text)
    return quantity.milli_value() if name == _CPU else quantity.value()


def _add(into: Amounts, more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        into[name] = into.get(name, 0) + amount


def _raise(into: Amounts, floor: Mapping[str, int]) -> None:
    for name, amount in floor.items():
        into[name] = max(into.get(name, 0), amount)
