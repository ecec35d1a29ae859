"""The five pod conditions the kubelet owns.

Source: kubernetes/kubernetes pkg/kubelet/status/generate.go; times and generations
as pkg/kubelet/status/status_manager.go updates them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet import pod as pods

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["OWNED", "generate_conditions", "with_transition_times"]

OWNED = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)
"""Condition types nobody else may write, in the order the kubelet reports them."""


def generate_conditions(
    pod: JsonObject,
    statuses: list[JsonObject],
    phase: str,
    *,
    sandbox_ready: bool,
) -> list[JsonObject]:
    """Conditions without times. `statuses` are those of init and regular containers."""
    by_name = {status["name"]: status for status in statuses}
    containers_ready = _containers_ready(pod, by_name, phase)
    return [
        _condition("PodReadyToStartContainers", sandbox_ready),
        _initialized(pod, by_name, phase),
        {**_ready(pod, containers_ready), "type": "Ready"},
        containers_ready,
        _condition("PodScheduled", True),
    ]


def with_transition_times(
    conditions: list[JsonObject],
    previous: JsonObject,
    now: str,
    generation: int | None,
) -> list[JsonObject]:
    """Keep the time of a condition whose status did not change."""
    dated = []
    for condition in conditions:
        before = pods.condition(previous, condition["type"])
        same = before is not None and before.get("status") == condition["status"]
        since = before.get("lastTransitionTime") if same and before else None
        dated.append(
            {
                "lastProbeTime": None,
                "lastTransitionTime": since or now,
                **({"observedGeneration": generation} if generation else {}),
                **condition,
            }
        )
    return dated


def _condition(
    kind: str, status: bool, reason: str = "", message: str = ""
) -> JsonObject:
    condition: JsonObject = {"type": kind, "status": "True" if status else "False"}
    if reason:
        condition["reason"] = reason
    if message:
        condition["message"] = message
    return condition


def _go_list(names: list[str]) -> str:
    """A Go slice as %s prints it: no commas."""
    return "[" + " ".join(names) + "]"


def _containers_ready(
    pod: JsonObject, by_name: dict[str, JsonObject], phase: str
) -> JsonObject:
    kind = "ContainersReady"
    if not by_name:
        return _condition(kind, False, "UnknownContainerStatuses")
    sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
    names = [c["name"] for c in (*sidecars, *pods.containers(pod))]
    unknown = [name for name in names if name not in by_name]
    unready = [n for n in names if n in by_name and not by_name[n].get("ready")]
    if phase == "Succeeded" and not unknown:
        return _condition(kind, False, "PodCompleted")
    if phase == "Failed":
        return _condition(kind, False, "PodFailed")
    message = _complaints(("unknown", unknown), ("unready", unready))
    if message:
        return _condition(kind, False, "ContainersNotReady", message)
    return _condition(kind, True)


def _complaints(*groups: tuple[str, list[str]]) -> str:
    return ", ".join(
        f"containers with {adjective} status: {_go_list(names)}"
        for adjective, names in groups
        if names
    )


def _ready(pod: JsonObject, containers_ready: JsonObject) -> JsonObject:
    if containers_ready["status"] != "True":
        return containers_ready
    complaints = [
        complaint
        for gate in pod["spec"].get("readinessGates") or []
        if (complaint := _gate_complaint(pod, gate["conditionType"]))
    ]
    if complaints:
        return _condition(
            "Ready", False, "ReadinessGatesNotReady", ", ".join(complaints)
        )
    return _condition("Ready", True)


def _gate_complaint(pod: JsonObject, gate: str) -> str:
    condition = pods.condition(pods.status_of(pod), gate)
    if condition is None:
        return f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    if condition.get("status") != "True":
        return (
            f'the status of pod readiness gate "{gate}" is not "True",'
            f" but {condition.get('status')}"
        )
    return ""


def _initialized(
    pod: JsonObject, by_name: dict[str, JsonObject], phase: str
) -> JsonObject:
    kind = "Initialized"
    specs = pods.init_containers(pod)
    if not by_name and specs:
        return _condition(kind, False, "UnknownContainerStatuses")
    unknown = [c["name"] for c in specs if c["name"] not in by_name]
    incomplete = [
        c["name"]
        for c in specs
        if c["name"] in by_name and not _is_initialized(c, by_name[c["name"]])
    ]
    if phase == "Succeeded" and not unknown:
        return _condition(kind, True, "PodCompleted")
    if any(_has_started(by_name.get(c["name"])) for c in pods.containers(pod)):
        # Sidecars may be restarting; the pod stays initialised.
        return _condition(kind, True)
    message = _complaints(("unknown", unknown), ("incomplete", incomplete))
    if message:
        return _condition(kind, False, "ContainersNotInitialized", message)
    return _condition(kind, True)


def _is_initialized(container: JsonObject, status: JsonObject) -> bool:
    wanted = "started" if pods.is_sidecar(container) else "ready"
    return bool(status.get(wanted))


def _has_started(status: JsonObject | None) -> bool:
    if status is None:
        return False
    ended = (status.get("lastState") or {}).get("terminated")
    return bool(ended) or bool({"running", "terminated"} & status["state"].keys())
