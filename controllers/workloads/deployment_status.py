"""What a deployment says of itself: counts and conditions. Pure.

Source: kubernetes/kubernetes pkg/controller/deployment/{sync,progress}.go,
util/deployment_util.go (the reasons and sentences).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import name_of, rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apimachinery.types import JsonObject
    from controllers.workloads.rollout import Bounds

__all__ = ["deployment_status", "is_complete"]


def deployment_status(
    deployment: JsonObject,
    new: JsonObject | None,
    old: Sequence[JsonObject],
    bounds: Bounds,
    now: float,
) -> JsonObject:
    """The whole status. Conditions that stand keep their times."""
    sets = [*old, *([] if new is None else [new])]
    total = _sum(sets, "replicas")
    available = _sum(sets, "availableReplicas")
    status: JsonObject = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": total,
        "updatedReplicas": 0 if new is None else _sum([new], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(
            int(deployment["spec"].get("replicas", 1)) - available, 0
        ),
    }
    enough = available >= bounds.least_available
    progress = _progress(deployment, new, status)
    present = {
        item["type"]: item
        for item in (deployment.get("status") or {}).get("conditions") or []
    }
    conditions = [_available(enough=enough)]
    if progress is not None:
        conditions.append(progress)
    status["conditions"] = [
        _dated(condition, present.get(condition["type"]), now)
        for condition in conditions
    ]
    return status


def is_complete(deployment: JsonObject, status: JsonObject) -> bool:
    """Whether all pods are new ones, and available."""
    wanted = int(deployment["spec"].get("replicas", 1))
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    return all(status[count] == wanted for count in counts)


def _available(*, enough: bool) -> JsonObject:
    if enough:
        return {
            "type": "Available",
            "status": "True",
            "reason": "MinimumReplicasAvailable",
            "message": "Deployment has minimum availability.",
        }
    return {
        "type": "Available",
        "status": "False",
        "reason": "MinimumReplicasUnavailable",
        "message": "Deployment does not have minimum availability.",
    }


def _progress(
    deployment: JsonObject, new: JsonObject | None, status: JsonObject
) -> JsonObject | None:
    if new is None:
        return None
    name = name_of(new)
    if is_complete(deployment, status):
        reason = "NewReplicaSetAvailable"
        message = f'ReplicaSet "{name}" has successfully progressed.'
    else:
        reason = "ReplicaSetUpdated"
        message = f'ReplicaSet "{name}" is progressing.'
    return {
        "type": "Progressing",
        "status": "True",
        "reason": reason,
        "message": message,
    }


def _dated(condition: JsonObject, old: JsonObject | None, now: float) -> JsonObject:
    if old is not None and all(old.get(key) == condition[key] for key in condition):
        return old
    same = old is not None and old.get("status") == condition["status"]
    since = old["lastTransitionTime"] if old is not None and same else rfc3339(now)
    return {**condition, "lastUpdateTime": rfc3339(now), "lastTransitionTime": since}


def _sum(sets: Sequence[JsonObject], field: str) -> int:
    return sum(int((item.get("status") or {}).get(field) or 0) for item in sets)
