"""Container statuses of a pod, from the runtime's view and the last report.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_pods.go
(convertToAPIContainerStatuses). The last report matters because a runtime may have
forgotten a container that users were told about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from apimachinery.meta import rfc3339
from kubelet import pod as pods
from kubelet.pod import ContainerKind
from kubelet.pod_actions import has_any_regular_container_created
from kubelet.restart_policy import should_be_restarted
from kubelet.runtime_status import ContainerState

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.runtime_status import ContainerRuntimeStatus, PodRuntimeStatus

__all__ = ["Failure", "StartFailures", "container_statuses"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a container could not be started: what its waiting state shows."""

    reason: str
    message: str


class StartFailures(Protocol):
    """The last failure to start a container, by name."""

    def get(self, container_name: str, /) -> Failure | None: ...


def container_statuses(
    pod: JsonObject,
    status: PodRuntimeStatus,
    kind: ContainerKind,
    previous: list[JsonObject],
    failures: StartFailures,
    runtime_name: str,
) -> list[JsonObject]:
    """Statuses of all containers of one kind, in the order clients expect.

    `ready` and `started` are left to `kubelet.probe_status`.
    """
    specs: list[JsonObject] = pod["spec"].get(kind.value) or []
    old = {entry["name"]: entry for entry in previous}
    waiting = "PodInitializing" if pods.init_containers(pod) else "ContainerCreating"
    statuses = []
    for spec in specs:
        entry = _default_status(spec, old.get(spec["name"]), waiting)
        if status.latest(spec["name"]) is None:
            entry = _missing(pod, entry, old.get(spec["name"]))
        else:
            entry = _from_runtime(
                spec, status, entry, old.get(spec["name"]), runtime_name
            )
        statuses.append(_with_failure(pod, status, kind, spec, entry, failures))
    if kind is ContainerKind.INIT:
        return statuses
    return sorted(statuses, key=lambda entry: str(entry["name"]))


def _default_status(
    spec: JsonObject, old: JsonObject | None, waiting: str
) -> JsonObject:
    if old and "terminated" in old.get("state", {}):
        return dict(old)
    status: JsonObject = {
        "name": spec["name"],
        "image": spec.get("image", ""),
        "imageID": "",
        "restartCount": 0,
        "state": {"waiting": {"reason": waiting}},
        "lastState": {},
        **_volume_mounts(spec),
    }
    if old:
        status["restartCount"] = old.get("restartCount", 0)
        status["lastState"] = old.get("lastState") or {}
    return status


def _volume_mounts(spec: JsonObject) -> JsonObject:
    mounts = []
    for mount in spec.get("volumeMounts") or []:
        entry = {"name": mount["name"], "mountPath": mount["mountPath"]}
        if mount.get("readOnly"):
            entry |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
        mounts.append(entry)
    return {"volumeMounts": mounts} if mounts else {}


def _missing(pod: JsonObject, entry: JsonObject, old: JsonObject | None) -> JsonObject:
    """The runtime does not know it, but we may have said that it runs."""
    if old is None or "running" not in old.get("state", {}):
        return entry
    if (entry.get("lastState") or {}).get("terminated"):
        return entry
    entry["lastState"] = {
        "terminated": _lost(
            "The container could not be located when the pod was deleted."
            "  The container used to be Running"
        )
    }
    if not pods.deletion_requested(pod):
        entry["restartCount"] += 1
    return entry


def _lost(message: str) -> JsonObject:
    return {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": message,
        "startedAt": None,
        "finishedAt": None,
    }


def _from_runtime(
    spec: JsonObject,
    status: PodRuntimeStatus,
    entry: JsonObject,
    old: JsonObject | None,
    runtime_name: str,
) -> JsonObject:
    instances = [c for c in status.containers if c.name == spec["name"]]
    newest = instances[0]
    converted = _convert(newest, old, runtime_name)
    converted = {**converted, **_volume_mounts(spec), **_resources(spec)}
    if newest.user is not None:
        converted["user"] = {
            "linux": {
                "uid": newest.user.uid,
                "gid": newest.user.gid,
                "supplementalGroups": list(newest.user.supplemental_groups),
            }
        }
    if len(instances) > 1:
        converted["lastState"] = _convert(instances[1], None, runtime_name)["state"]
    elif newest.restart_count and old:
        # The earlier instance is gone from the runtime; users were told how it ended.
        converted["lastState"] = _last_known(newest, old, runtime_name)
    return converted


def _last_known(
    newest: ContainerRuntimeStatus, old: JsonObject, runtime_name: str
) -> JsonObject:
    same = old.get("containerID") == f"{runtime_name}://{newest.id}"
    if not same and "terminated" in old.get("state", {}):
        return dict(old["state"])
    return old.get("lastState") or {}


def _resources(spec: JsonObject) -> JsonObject:
    resources = spec.get("resources") or {}
    entry: JsonObject = {"resources": resources}
    if requests := resources.get("requests"):
        entry["allocatedResources"] = requests
    return entry


def _convert(
    container: ContainerRuntimeStatus, old: JsonObject | None, runtime_name: str
) -> JsonObject:
    container_id = f"{runtime_name}://{container.id}"
    entry: JsonObject = {
        "name": container.name,
        "restartCount": container.restart_count,
        "image": container.image,
        "imageID": container.image_ref,
        "containerID": container_id,
        "lastState": {},
        "state": {"waiting": {}},
    }
    match container.state:
        case ContainerState.RUNNING:
            started = _time(container.started_at)
            entry["state"] = {"running": {"startedAt": started}}
        case ContainerState.EXITED:
            entry["state"] = {"terminated": _terminated(container, container_id)}
        case ContainerState.UNKNOWN if old and "running" in old.get("state", {}):
            message = "The container could not be located when the pod was terminated"
            entry["state"] = {"terminated": _lost(message)}
            entry["restartCount"] = old.get("restartCount", 0) + 1
    return entry


def _terminated(container: ContainerRuntimeStatus, container_id: str) -> JsonObject:
    state: JsonObject = {"exitCode": container.exit_code}
    if container.reason:
        state["reason"] = container.reason
    if container.message:
        state["message"] = container.message
    state |= {
        "startedAt": _time(container.started_at),
        "finishedAt": _time(container.finished_at),
        "containerID": container_id,
    }
    return state


def _with_failure(
    pod: JsonObject,
    status: PodRuntimeStatus,
    kind: ContainerKind,
    spec: JsonObject,
    entry: JsonObject,
    failures: StartFailures,
) -> JsonObject:
    """A container that is to be started but could not be is Waiting, with the reason."""
    if kind is ContainerKind.INIT:
        latest = status.latest(spec["name"])
        if latest is not None and latest.succeeded and not pods.is_sidecar(spec):
            return entry
        if latest is None and _was_done(pod, status, spec, entry):
            return {**entry, "state": {"terminated": _inferred_completion()}}
    if not should_be_restarted(spec, pod, status):
        return entry
    failure = failures.get(spec["name"])
    if failure is None:
        return entry
    if "terminated" in entry["state"]:
        entry["lastState"] = entry["state"]
    waiting = {"reason": failure.reason}
    if failure.message:
        waiting["message"] = failure.message
    entry["state"] = {"waiting": waiting}
    return entry


def _was_done(
    pod: JsonObject, status: PodRuntimeStatus, spec: JsonObject, entry: JsonObject
) -> bool:
    return (
        not pods.is_sidecar(spec)
        and "waiting" in entry["state"]
        and has_any_regular_container_created(pod, status)
    )


def _inferred_completion() -> JsonObject:
    return {
        "exitCode": 0,
        "reason": "Completed",
        "message": (
            "Unable to get init container status from container runtime and pod"
            " has been initialized, treat it as exited normally"
        ),
        "startedAt": None,
        "finishedAt": None,
    }


def _time(nanoseconds: int) -> str | None:
    """CRI's times; 0 is "not reached", which JSON shows as null."""
    return rfc3339(nanoseconds // 10**9) if nanoseconds else None
