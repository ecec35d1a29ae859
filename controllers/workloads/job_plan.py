"""What a Job needs next, from its pods: pure.

Source: kubernetes/kubernetes pkg/controller/job/job_controller.go (syncJob, manageJob),
backoff_utils.go. Unlike there, pods carry no tracking finalizer: a finished pod that
somebody deletes is no longer counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apimachinery.meta import parse_time, rfc3339
from controllers.workloads.owned import is_active, is_ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apimachinery.types import JsonObject

__all__ = ["JobPlan", "finished_condition", "plan"]

_FIRST_BACKOFF: Final = 10.0
_LONGEST_BACKOFF: Final = 600.0
_COMPLETE: Final = (
    "CompletionsReached",
    "Reached expected number of succeeded pods",
)
_BACKOFF: Final = (
    "BackoffLimitExceeded",
    "Job has reached the specified backoff limit",
)
_DEADLINE: Final = (
    "DeadlineExceeded",
    "Job was active longer than specified deadline",
)


@dataclass(frozen=True, slots=True)
class JobPlan:
    """Pods to create and to delete, the status to write, and when to look again.

    `look_again` is seconds from now; None when only a change can matter.
    """

    create: int
    delete: tuple[JsonObject, ...]
    status: JsonObject
    look_again: float | None = None


def finished_condition(job: JsonObject) -> str | None:
    """Complete or Failed, once the job is one of them."""
    for condition in (job.get("status") or {}).get("conditions") or []:
        if (
            condition["type"] in ("Complete", "Failed")
            and condition["status"] == "True"
        ):
            return str(condition["type"])
    return None


def plan(job: JsonObject, pods: Sequence[JsonObject], now: float) -> JobPlan:
    """The next step of a job that is not finished."""
    spec = job["spec"]
    active = [pod for pod in pods if is_active(pod)]
    succeeded, failed = _count(pods, "Succeeded"), _count(pods, "Failed")
    start = (job.get("status") or {}).get("startTime")
    suspended = bool(spec.get("suspend"))
    if start is None and not suspended:
        start = rfc3339(now)
    status: JsonObject = {
        "startTime": None if suspended else start,
        "active": len(active),
        "ready": sum(map(is_ready, active)),
        "succeeded": succeeded,
        "failed": failed,
    }
    if suspended:
        return JobPlan(0, tuple(active), status | {"active": 0, "ready": 0})
    ending = _failure(spec, start, failed, pods, now)
    if ending is not None:
        return _finish("Failed", ending, active, status, now)
    if _is_complete(spec, succeeded, len(active)):
        return _finish("Complete", _COMPLETE, active, status, now)
    wanted = _wanted(spec, succeeded, len(active))
    surplus = len(active) - wanted
    if surplus > 0:
        return JobPlan(0, tuple(active[:surplus]), status, _deadline(spec, start, now))
    wait = _backoff(pods, now)
    if wait > 0:
        return JobPlan(0, (), status, wait)
    return JobPlan(-surplus, (), status, _deadline(spec, start, now))


def _finish(
    kind: str,
    words: tuple[str, str],
    active: list[JsonObject],
    status: JsonObject,
    now: float,
) -> JobPlan:
    reason, message = words
    # Since 1.31 a job that is about to end says so first.
    first = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[kind]
    conditions = [
        {
            "type": condition,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastProbeTime": rfc3339(now),
            "lastTransitionTime": rfc3339(now),
        }
        for condition in (first, kind)
    ]
    ended: JsonObject = {**status, "active": 0, "ready": 0, "conditions": conditions}
    if kind == "Complete":
        ended["completionTime"] = rfc3339(now)
    else:
        ended["failed"] = status["failed"] + len(active)
    return JobPlan(0, tuple(active), ended)


def _failure(
    spec: JsonObject,
    start: str | None,
    failed: int,
    pods: Sequence[JsonObject],
    now: float,
) -> tuple[str, str] | None:
    restarts = _restarts(pods) if _restart_policy(spec) == "OnFailure" else 0
    limit = int(spec.get("backoffLimit", 6))
    if failed > limit or (restarts > 0 and restarts >= limit):
        return _BACKOFF
    left = _deadline(spec, start, now)
    return _DEADLINE if left is not None and left <= 0 else None


def _deadline(spec: JsonObject, start: str | None, now: float) -> float | None:
    """Seconds until activeDeadlineSeconds are over."""
    seconds, begun = spec.get("activeDeadlineSeconds"), parse_time(start)
    if seconds is None or begun is None:
        return None
    return begun + float(seconds) - now


def _is_complete(spec: JsonObject, succeeded: int, active: int) -> bool:
    completions = spec.get("completions")
    if completions is None:
        # A work queue: one success says that the work is done; the others finish.
        return succeeded > 0 and active == 0
    return succeeded >= int(completions)


def _wanted(spec: JsonObject, succeeded: int, active: int) -> int:
    """How many pods should be active."""
    parallelism = int(spec.get("parallelism", 1))
    completions = spec.get("completions")
    if completions is None:
        return active if succeeded > 0 else parallelism
    return min(parallelism, int(completions) - succeeded)


def _backoff(pods: Sequence[JsonObject], now: float) -> float:
    """Seconds to wait after failures: 10, doubling, since the last of them."""
    ends = sorted(
        _finished_at(pod) or now
        for pod in pods
        if pod.get("status", {}).get("phase") == "Failed"
    )
    if not ends:
        return 0.0
    delay = min(_FIRST_BACKOFF * 2.0 ** (len(ends) - 1), _LONGEST_BACKOFF)
    return max(ends[-1] + delay - now, 0.0)


def _finished_at(pod: JsonObject) -> float | None:
    moments = [
        parse_time(state["terminated"].get("finishedAt"))
        for status in pod.get("status", {}).get("containerStatuses") or []
        if (state := status.get("state") or {}).get("terminated")
    ]
    return max((moment for moment in moments if moment is not None), default=None)


def _restarts(pods: Sequence[JsonObject]) -> int:
    return sum(
        int(status.get("restartCount") or 0)
        for pod in pods
        for status in pod.get("status", {}).get("containerStatuses") or []
    )


def _restart_policy(spec: JsonObject) -> str:
    return str(spec["template"]["spec"].get("restartPolicy", "Always"))


def _count(pods: Sequence[JsonObject], phase: str) -> int:
    return sum(pod.get("status", {}).get("phase") == phase for pod in pods)
