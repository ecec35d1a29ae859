"""How far a rollout is, in one sentence.

Source: kubernetes/kubectl pkg/polymorphichelpers/rollout_status.go of 1.36.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject

    Viewer = Callable[[JsonObject, int], tuple[str, bool]]

__all__ = ["REVISION", "viewer_of"]

REVISION = "deployment.kubernetes.io/revision"


def viewer_of(kind: str) -> Viewer:
    """What tells the sentence, and whether the rollout is over, of an object.

    Its second argument is the revision that is meant; 0 for whichever is running.

    Raises:
        CommandError: objects of this kind are not rolled out.
    """
    viewer = _VIEWERS.get(kind)
    if viewer is None:
        raise CommandError(f"no status viewer has been implemented for {kind}")
    return viewer


def _deployment(obj: JsonObject, revision: int) -> tuple[str, bool]:
    metadata, status = obj["metadata"], obj.get("status") or {}
    name, head = metadata["name"], f'deployment "{metadata["name"]}"'
    running = int((metadata.get("annotations") or {}).get(REVISION) or 0)
    if revision and revision != running:
        raise CommandError(
            f"desired revision ({revision}) is different from the running revision"
            f" ({running})"
        )
    if not _is_observed(obj):
        return "Waiting for deployment spec update to be observed...", False
    if _reason(status, "Progressing") == "ProgressDeadlineExceeded":
        raise CommandError(f'deployment "{name}" exceeded its progress deadline')
    wanted = (obj.get("spec") or {}).get("replicas")
    updated, total = status.get("updatedReplicas") or 0, status.get("replicas") or 0
    available = status.get("availableReplicas") or 0
    waiting = f"Waiting for {head} rollout to finish:"
    if wanted is not None and updated < wanted:
        done = f"{updated} out of {wanted} new replicas have been updated..."
        return f"{waiting} {done}", False
    if total > updated:
        return f"{waiting} {total - updated} old replicas are pending termination...", (
            False
        )
    if available < updated:
        return (
            f"{waiting} {available} of {updated} updated replicas are available...",
            (False),
        )
    return f"{head} successfully rolled out", True


def _daemon_set(obj: JsonObject, _: int) -> tuple[str, bool]:
    _require_rolling_update(obj)
    status = obj.get("status") or {}
    head = f'daemon set "{obj["metadata"]["name"]}"'
    if not _is_observed(obj):
        return "Waiting for daemon set spec update to be observed...", False
    wanted = status.get("desiredNumberScheduled") or 0
    updated = status.get("updatedNumberScheduled") or 0
    available = status.get("numberAvailable") or 0
    waiting = f"Waiting for {head} rollout to finish:"
    if updated < wanted:
        done = f"{updated} out of {wanted} new pods have been updated..."
        return f"{waiting} {done}", False
    if available < wanted:
        return f"{waiting} {available} of {wanted} updated pods are available...", False
    return f"{head} successfully rolled out", True


def _stateful_set(obj: JsonObject, _: int) -> tuple[str, bool]:
    _require_rolling_update(obj)
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    if not status.get("observedGeneration") or not _is_observed(obj):
        return "Waiting for statefulset spec update to be observed...", False
    wanted, ready = spec.get("replicas"), status.get("readyReplicas") or 0
    if wanted is not None and ready < wanted:
        return f"Waiting for {wanted - ready} pods to be ready...", False
    updated = status.get("updatedReplicas") or 0
    rolling = (spec.get("updateStrategy") or {}).get("rollingUpdate")
    if rolling:
        moved = (wanted or 0) - (rolling.get("partition") or 0)
        if updated < moved:
            return (
                f"Waiting for partitioned roll out to finish: {updated} out of {moved}"
                " new pods have been updated...",
                False,
            )
        done = f"{updated} new pods have been updated..."
        return f"partitioned roll out complete: {done}", True
    current, update = status.get("currentRevision"), status.get("updateRevision")
    if update != current:
        return (
            f"waiting for statefulset rolling update to complete {updated} pods at"
            f" revision {update}...",
            False,
        )
    pods = f"{status.get('currentReplicas') or 0} pods at revision {current}..."
    return f"statefulset rolling update complete {pods}", True


def _is_observed(obj: JsonObject) -> bool:
    """Whether the controller has seen the object as it is."""
    seen = (obj.get("status") or {}).get("observedGeneration") or 0
    return bool((obj["metadata"].get("generation") or 0) <= seen)


def _reason(status: JsonObject, kind: str) -> str:
    for each in status.get("conditions") or ():
        if each.get("type") == kind:
            return str(each.get("reason") or "")
    return ""


def _require_rolling_update(obj: JsonObject) -> None:
    strategy = (obj.get("spec") or {}).get("updateStrategy") or {}
    if strategy.get("type") != "RollingUpdate":
        raise CommandError(
            "rollout status is only available for RollingUpdate strategy type"
        )


_VIEWERS: dict[str, Viewer] = {
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
}
