"""Quality-of-service class of a pod.

Source: kubernetes/kubernetes pkg/apis/core/v1/helper/qos/qos.go: only cpu and memory
count, over init and regular containers, and a quantity of zero counts as absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet import amounts as quantities
from kubelet import pod as pods

if TYPE_CHECKING:
    from fractions import Fraction

    from apimachinery.types import JsonObject

__all__ = ["qos_class"]

_COMPUTE = ("cpu", "memory")


def qos_class(pod: JsonObject) -> str:
    """The class the API server gave, else the computed one."""
    given = pods.status_of(pod).get("qosClass")
    return str(given) if given else _computed(pod)


def _computed(pod: JsonObject) -> str:
    requirements = [
        container.get("resources") or {}
        for container in (*pods.init_containers(pod), *pods.containers(pod))
    ]
    if not any(_amounts(r, kind) for r in requirements for kind in _KINDS):
        return "BestEffort"
    if all(_is_guaranteed(r) for r in requirements):
        return "Guaranteed"
    return "Burstable"


_KINDS = ("requests", "limits")


def _amounts(requirement: JsonObject, kind: str) -> dict[str, Fraction]:
    amounts = requirement.get(kind) or {}
    parsed = {
        name: quantities.parse(amounts[name]).amount
        for name in _COMPUTE
        if name in amounts
    }
    return {name: amount for name, amount in parsed.items() if amount}


def _is_guaranteed(requirement: JsonObject) -> bool:
    limits = _amounts(requirement, "limits")
    requests = {**limits, **_amounts(requirement, "requests")}
    return limits.keys() == set(_COMPUTE) and limits == requests
