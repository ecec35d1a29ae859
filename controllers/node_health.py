"""What a node's conditions and lease say of it: pure.

Source: kubernetes/kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go
(nodeConditionToTaintKeyStatusMap, tryUpdateNodeHealth); the grace period is 50 s since
1.32. A heartbeat counts from when it was seen, by our clock: the node's may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apimachinery.meta import rfc3339

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = [
    "GRACE_PERIOD",
    "Heartbeat",
    "ready_status",
    "unknown_conditions",
    "wanted_taints",
]

GRACE_PERIOD: Final = 50.0
_NOT_READY: Final = "node.kubernetes.io/not-ready"
_UNREACHABLE: Final = "node.kubernetes.io/unreachable"
_UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
_CONDITIONS: Final = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
_PRESSURES: Final = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_OURS: Final = frozenset(
    {_NOT_READY, _UNREACHABLE, _UNSCHEDULABLE, *_PRESSURES.values()}
)


@dataclass(slots=True)
class Heartbeat:
    """The last sign of life: what it was, and when we saw it (seconds, monotonic)."""

    renewed: str
    seen: float

    def observe(self, renewed: str, now: float) -> None:
        """Take note when the sign differs from the last."""
        if renewed != self.renewed:
            self.renewed, self.seen = renewed, now

    def is_stale(self, now: float) -> bool:
        return now - self.seen > GRACE_PERIOD


def ready_status(node: JsonObject) -> str:
    """The status of condition Ready: True, False or Unknown (also when absent)."""
    condition = _conditions(node).get("Ready")
    return "Unknown" if condition is None else str(condition.get("status"))


def unknown_conditions(node: JsonObject, now: float) -> list[JsonObject]:
    """The conditions to write when the kubelet is silent; empty when they stand."""
    present = _conditions(node)
    changed = []
    for name in _CONDITIONS:
        old = present.get(name)
        if old is not None and old.get("status") == "Unknown":
            continue
        changed.append(_unknown(name, old, now))
    return changed


def wanted_taints(node: JsonObject, now: float) -> list[JsonObject] | None:
    """The taints the node should have, or None when it has them.

    Taints of other keys are kept; one that stands keeps its time.
    """
    present = node["spec"].get("taints") or []
    wanted = _taints_by_condition(node)
    kept = [taint for taint in present if taint.get("key") not in _OURS]
    have = {(taint.get("key"), taint.get("effect")): taint for taint in present}
    ours = [
        have.get((key, effect)) or _taint(key, effect, now) for key, effect in wanted
    ]
    result = kept + ours
    same = {_identity(t) for t in result} == {_identity(t) for t in present}
    return None if same else result


def _taints_by_condition(node: JsonObject) -> list[tuple[str, str]]:
    conditions = _conditions(node)
    wanted = []
    if node["spec"].get("unschedulable"):
        wanted.append((_UNSCHEDULABLE, "NoSchedule"))
    ready = {"False": _NOT_READY, "Unknown": _UNREACHABLE}.get(ready_status(node))
    if ready is not None:
        wanted += [(ready, "NoSchedule"), (ready, "NoExecute")]
    wanted += [
        (key, "NoSchedule")
        for name, key in _PRESSURES.items()
        if conditions.get(name, {}).get("status") == "True"
    ]
    return wanted


def _taint(key: str, effect: str, now: float) -> JsonObject:
    taint: JsonObject = {"key": key, "effect": effect}
    if effect == "NoExecute":
        # Only NoExecute taints have a time: it is what tolerationSeconds count from.
        taint["timeAdded"] = rfc3339(now)
    return taint


def _identity(taint: JsonObject) -> tuple[object, object, object]:
    return taint.get("key"), taint.get("effect"), taint.get("value")


def _unknown(name: str, old: JsonObject | None, now: float) -> JsonObject:
    condition: JsonObject = {
        "type": name,
        "status": "Unknown",
        "lastTransitionTime": rfc3339(now),
    }
    if old is None:
        condition["reason"] = "NodeStatusNeverUpdated"
        condition["message"] = "Kubelet never posted node status."
        condition["lastHeartbeatTime"] = rfc3339(now)
    else:
        condition["reason"] = "NodeStatusUnknown"
        condition["message"] = "Kubelet stopped posting node status."
        condition["lastHeartbeatTime"] = old.get("lastHeartbeatTime")
    return condition


def _conditions(node: JsonObject) -> dict[str, JsonObject]:
    conditions = node.get("status", {}).get("conditions") or []
    return {condition["type"]: condition for condition in conditions}
