"""Which of the nodes that take a pod is the best one.

After the scheduler's default scores, in the order of their weight: avoid taints with
PreferNoSchedule, follow preferred node affinity, prefer the node with most left
(NodeResourcesFit, LeastAllocated). Unlike the scheduler, equal nodes are not drawn by
lot: the first by name wins, so that a run can be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controllers.scheduling.node_affinity import preference
from controllers.scheduling.resources import allocatable
from controllers.scheduling.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject
    from controllers.scheduling.fit import NodeInfo

__all__ = ["best"]


def best(pod: JsonObject, nodes: Iterable[NodeInfo]) -> NodeInfo:
    """The node to bind the pod to; `nodes` must not be empty."""
    return min(nodes, key=lambda info: _cost(pod, info))


def _cost(pod: JsonObject, info: NodeInfo) -> tuple[int, int, float, int, str]:
    tolerations = pod["spec"].get("tolerations") or []
    taints = info.node["spec"].get("taints") or []
    avoided = untolerated(taints, tolerations, ("PreferNoSchedule",))
    liked = preference(pod, info.node)
    return (len(avoided), -liked, _allocated(info), info.usage.pods, info.name)


def _allocated(info: NodeInfo) -> float:
    """The mean share of CPU and memory that is spoken for."""
    offered = allocatable(info.node)
    shares = [
        info.usage.requests.get(name, 0) / offered[name]
        for name in ("cpu", "memory")
        if offered.get(name)
    ]
    return sum(shares) / len(shares) if shares else 1.0
