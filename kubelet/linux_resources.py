"""cpu and memory of a container as Linux counts them.

Source: kubernetes/kubernetes pkg/kubelet/cm/helpers_linux.go (shares, quota),
pkg/kubelet/qos/policy.go (OOM scores).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet.amounts import milli, whole
from kubelet.qos import qos_class
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["linux_resources"]

_PERIOD = 100_000
_MIN_QUOTA = 1000
_MIN_SHARES, _SHARES_PER_CPU, _MAX_SHARES = 2, 1024, 262_144


def linux_resources(
    pod: JsonObject, container: JsonObject, node_memory: int
) -> cri.LinuxContainerResources:
    """`node_memory` is the machine's memory in bytes."""
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    cpu_limit = milli(limits.get("cpu"))
    cpu_request = milli(requests.get("cpu", limits.get("cpu")))
    memory_request = whole(requests.get("memory", limits.get("memory")))
    answer = cri.LinuxContainerResources(
        cpu_shares=_shares(cpu_request),
        memory_limit_in_bytes=whole(limits.get("memory")),
        oom_score_adj=_oom_score(pod, memory_request, node_memory),
    )
    if cpu_limit:
        answer.cpu_period = _PERIOD
        answer.cpu_quota = max(_MIN_QUOTA, cpu_limit * _PERIOD // 1000)
    return answer


def _shares(milli: int) -> int:
    if not milli:
        return _MIN_SHARES
    shares = milli * _SHARES_PER_CPU // 1000
    return min(max(shares, _MIN_SHARES), _MAX_SHARES)


def _oom_score(pod: JsonObject, memory_request: int, node_memory: int) -> int:
    match qos_class(pod):
        case "Guaranteed":
            return -997
        case "BestEffort":
            return 1000
    used = 1000 * memory_request // node_memory if node_memory else 0
    return min(max(1000 - used, 2), 999)
