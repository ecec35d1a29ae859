"""May a pod that was bound to this node run on it?

The scheduler has judged already, but a pod may name its node itself.
Source: kubernetes/kubernetes pkg/kubelet/lifecycle/predicate.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.amounts import milli, whole
from kubelet.pod_work import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apimachinery.types import JsonObject

__all__ = ["admit"]


def admit(
    pod: JsonObject,
    others: Iterable[JsonObject],
    labels: Mapping[str, str],
    allocatable: Mapping[str, str],
) -> Verdict | None:
    """Why the pod is refused, None when it may run.

    Args:
        others: the pods that run here already, finished ones left out.
    """
    selector = pod["spec"].get("nodeSelector") or {}
    if any(labels.get(name) != value for name, value in selector.items()):
        return _rejected("NodeAffinity", "Predicate NodeAffinity failed")
    present = [other for other in others if pods.uid(other) != pods.uid(pod)]
    limit = int(allocatable.get("pods", "110"))
    if len(present) + 1 > limit:
        return _out_of("pods", 1, len(present), limit)
    for name, unit in (("cpu", 1000), ("memory", 1)):
        wanted = _requested(pod, name, unit)
        used = sum(_requested(other, name, unit) for other in present)
        total = _amount(allocatable.get(name, "0"), unit)
        if wanted and used + wanted > total:
            return _out_of(name, wanted, used, total)
    return None


def _requested(pod: JsonObject, name: str, unit: int) -> int:
    """Containers run together, init containers one by one; sidecars stay."""
    main = sum(_request_of(c, name, unit) for c in pods.containers(pod))
    most, sidecars = 0, 0
    for container in pods.init_containers(pod):
        request = _request_of(container, name, unit)
        if pods.is_sidecar(container):
            sidecars += request
            most = max(most, sidecars)
        else:
            most = max(most, sidecars + request)
    overhead = (pod["spec"].get("overhead") or {}).get(name)
    return max(main + sidecars, most) + (_amount(overhead, unit) if overhead else 0)


def _request_of(container: JsonObject, name: str, unit: int) -> int:
    text = ((container.get("resources") or {}).get("requests") or {}).get(name)
    return _amount(text, unit) if text else 0


def _amount(text: str, unit: int) -> int:
    return milli(text) if unit == 1000 else whole(text)


def _out_of(name: str, wanted: int, used: int, total: int) -> Verdict:
    return _rejected(
        f"OutOf{name}",
        f"Node didn't have enough resource: {name}, requested: {wanted},"
        f" used: {used}, capacity: {total}",
    )


def _rejected(reason: str, message: str) -> Verdict:
    return Verdict(reason, f"Pod was rejected: {message}")
