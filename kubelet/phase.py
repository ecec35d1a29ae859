"""Pod phase from container statuses.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_pods.go (getPhase), with
ContainerRestartRules on as it is since 1.35.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.restart_policy import exit_asks_for_restart

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["pod_phase"]


@dataclass(slots=True)
class _Tally:
    """How many containers are in which state."""

    pending_init: int = 0
    pending_sidecars: int = 0
    init_failed_for_good: int = 0
    unknown: int = 0
    running: int = 0
    waiting: int = 0
    stopped: int = 0
    stopped_for_good: int = 0
    succeeded: int = 0


def pod_phase(
    pod: JsonObject,
    statuses: list[JsonObject],
    *,
    terminal: bool,
    initialized: bool,
) -> str:
    """The phase of a pod.

    Args:
        statuses: of init and regular containers together.
        terminal: the pod is over, so nothing will be restarted whatever the policy.
        initialized: a regular container of this pod has been started.
    """
    by_name = {status["name"]: status for status in statuses}
    tally = _Tally()
    for container in pods.init_containers(pod):
        count = _count_sidecar if pods.is_sidecar(container) else _count_init
        count(container, pod, by_name.get(container["name"]), tally)
    for container in pods.containers(pod):
        _count_regular(container, pod, by_name.get(container["name"]), tally)
    return _decide(tally, terminal and not pods.is_static(pod), initialized)


def _count_init(
    container: JsonObject, pod: JsonObject, status: JsonObject | None, tally: _Tally
) -> None:
    code = _exit_code(status)
    if code is None:
        tally.pending_init += 1
    elif code != 0 and not exit_asks_for_restart(container, pod, code):
        tally.init_failed_for_good += 1


def _count_sidecar(
    container: JsonObject, pod: JsonObject, status: JsonObject | None, tally: _Tally
) -> None:
    del container, pod  # A sidecar's own end never decides the pod's.
    if status is None:
        tally.unknown += 1
    elif "running" in status["state"]:
        tally.running += 1
        tally.pending_sidecars += not status.get("started")
    elif _exit_code(status) is None:
        tally.pending_sidecars += 1
        tally.waiting += 1


def _count_regular(
    container: JsonObject, pod: JsonObject, status: JsonObject | None, tally: _Tally
) -> None:
    if status is None:
        tally.unknown += 1
        return
    if "running" in status["state"]:
        tally.running += 1
        return
    code = _exit_code(status)
    if code is None:
        tally.waiting += 1
        return
    tally.stopped += 1
    tally.stopped_for_good += not exit_asks_for_restart(container, pod, code)
    # A container that waits for its restart has not succeeded, whatever it was before.
    tally.succeeded += code == 0 and "terminated" in status["state"]


def _exit_code(status: JsonObject | None) -> int | None:
    """Of the run that ended: the present state, or the last one while waiting."""
    if status is None or "running" in status["state"]:
        return None
    if terminated := status["state"].get("terminated"):
        return int(terminated["exitCode"])
    if terminated := (status.get("lastState") or {}).get("terminated"):
        return int(terminated["exitCode"])
    return None


def _decide(tally: _Tally, terminal: bool, initialized: bool) -> str:
    if tally.init_failed_for_good:
        return "Failed"
    if tally.pending_init or tally.waiting:
        return "Pending"
    if tally.pending_sidecars and not initialized:
        return "Pending"
    if tally.unknown:
        return "Pending"
    if tally.running:
        return "Running"
    if not tally.stopped:
        return "Pending"
    if not terminal and tally.stopped != tally.stopped_for_good:
        return "Running"
    return "Succeeded" if tally.stopped == tally.succeeded else "Failed"
