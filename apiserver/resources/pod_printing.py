"""What `kubectl get pods` shows.

Source: kubernetes/kubernetes pkg/printers/internalversion/printers.go, printPod.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.duration import human_duration
from apimachinery.meta import parse_time
from apiserver.resources.cells import AGE, NAME, NONE, path, read
from apiserver.resources.registry import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["POD_COLUMNS", "pod_ready", "pod_restarts", "pod_status"]


def _statuses(pod: JsonObject, field: str) -> list[JsonObject]:
    return read(pod, f"status.{field}") or []


def _sidecars(pod: JsonObject) -> set[str]:
    """Init containers that keep running beside the regular ones."""
    return {
        container["name"]
        for container in read(pod, "spec.initContainers") or ()
        if container.get("restartPolicy") == "Always"
    }


def _sidecar_statuses(pod: JsonObject) -> Iterator[JsonObject]:
    sidecars = _sidecars(pod)
    for status in _statuses(pod, "initContainerStatuses"):
        if status.get("name") in sidecars:
            yield status


def _state(status: JsonObject, name: str) -> JsonObject | None:
    """One of waiting, running, terminated, if the container is in it."""
    return (status.get("state") or {}).get(name)


def _condition(pod: JsonObject, kind: str) -> JsonObject:
    conditions = _statuses(pod, "conditions")
    return next((c for c in conditions if c.get("type") == kind), {})


def pod_ready(pod: JsonObject, now: float) -> str:
    total = len(read(pod, "spec.containers") or ()) + len(_sidecars(pod))
    ready = sum(
        bool(s.get("ready")) and _state(s, "running") is not None
        for s in _statuses(pod, "containerStatuses")
    )
    ready += sum(
        bool(s.get("started")) and bool(s.get("ready")) for s in _sidecar_statuses(pod)
    )
    return f"{ready}/{total}"


def pod_restarts(pod: JsonObject, now: float) -> str:
    if _initializing_reason(pod):
        counted = _statuses(pod, "initContainerStatuses")
    else:
        counted = [*_statuses(pod, "containerStatuses"), *_sidecar_statuses(pod)]
    restarts = sum(int(s.get("restartCount") or 0) for s in counted)
    ends = [parse_time(read(s, "lastState.terminated.finishedAt")) for s in counted]
    last = max((end for end in ends if end is not None), default=None)
    if restarts and last is not None:
        return f"{restarts} ({human_duration(now - last)} ago)"
    return str(restarts)


def pod_status(pod: JsonObject, now: float) -> str:
    reason = _base_reason(pod)
    initializing = _initializing_reason(pod)
    reason = initializing or reason
    initialized = _condition(pod, "Initialized").get("status") == "True"
    if not initializing or initialized:
        reason = _container_reason(pod) or reason
    if read(pod, "metadata.deletionTimestamp"):
        if read(pod, "status.reason") == "NodeLost":
            return "Unknown"
        if read(pod, "status.phase") not in ("Succeeded", "Failed"):
            return "Terminating"
    return reason


def _base_reason(pod: JsonObject) -> str:
    reason = read(pod, "status.reason") or read(pod, "status.phase") or ""
    if _condition(pod, "PodScheduled").get("reason") == "SchedulingGated":
        return "SchedulingGated"
    return str(reason)


def _initializing_reason(pod: JsonObject) -> str:
    """`Init:…` while an init container is not through; else empty."""
    total = len(read(pod, "spec.initContainers") or ())
    sidecars = _sidecars(pod)
    for index, status in enumerate(_statuses(pod, "initContainerStatuses")):
        terminated, waiting = _state(status, "terminated"), _state(status, "waiting")
        if terminated is not None:
            if not terminated.get("exitCode"):
                continue
            return f"Init:{_end(terminated)}"
        if status.get("name") in sidecars and status.get("started"):
            continue
        reason = (waiting or {}).get("reason")
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{index}/{total}"
    return ""


def _end(terminated: JsonObject) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _container_reason(pod: JsonObject) -> str:
    """The first container's own word wins, so they are read from the last."""
    reason, running = "", False
    for status in reversed(_statuses(pod, "containerStatuses")):
        waiting, terminated = _state(status, "waiting"), _state(status, "terminated")
        if waiting and waiting.get("reason"):
            reason = str(waiting["reason"])
        elif terminated is not None:
            reason = _end(terminated)
        elif status.get("ready") and _state(status, "running") is not None:
            running = True
    if reason == "Completed" and running:
        ready = _condition(pod, "Ready").get("status") == "True"
        return "Running" if ready else "NotReady"
    return reason


def _pod_ip(pod: JsonObject, now: float) -> str:
    addresses = _statuses(pod, "podIPs")
    return (addresses[0].get("ip") if addresses else "") or NONE


def _readiness_gates(pod: JsonObject, now: float) -> str:
    gates = read(pod, "spec.readinessGates") or []
    if not gates:
        return NONE
    true = sum(
        _condition(pod, gate.get("conditionType", "")).get("status") == "True"
        for gate in gates
    )
    return f"{true}/{len(gates)}"


POD_COLUMNS = (
    NAME,
    Column("Ready", pod_ready, description="Ready containers out of all."),
    Column("Status", pod_status, description="The pod's state in one word."),
    Column("Restarts", pod_restarts, description="Restarts of its containers."),
    AGE,
    Column("IP", _pod_ip, wide=True, description="The pod's address."),
    Column(
        "Node", path("spec.nodeName", NONE), wide=True, description="Where it runs."
    ),
    Column(
        "Nominated Node",
        path("status.nominatedNodeName", NONE),
        wide=True,
        description="The node held free for it by preemption.",
    ),
    Column(
        "Readiness Gates",
        _readiness_gates,
        wide=True,
        description="Conditions of others that count for readiness.",
    ),
)
POD_CONDITIONS = {
    "Succeeded": ("Succeeded", "The pod has completed successfully."),
    "Failed": ("Failed", "The pod failed."),
}


def pod_row_conditions(pod: JsonObject) -> list[JsonObject]:
    """The row condition by which kubectl can hide finished pods."""
    found = POD_CONDITIONS.get(read(pod, "status.phase") or "")
    if found is None:
        return []
    reason, message = found
    return [
        {"type": "Completed", "status": "True", "reason": reason, "message": message}
    ]
