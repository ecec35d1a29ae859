"""Which pods, or ReplicaSets, belong to whom, and new ones from a template. Pure.

Source: kubernetes/apimachinery pkg/apis/meta/v1/controller_ref.go;
kubernetes/kubernetes pkg/controller/controller_utils.go (GetPodFromTemplate,
IsPodActive, ActivePods).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import name_of, namespace_of, parse_time, uid_of

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from controllers.resources import ResourceType

__all__ = [
    "controller_of",
    "controller_reference",
    "deletion_rank",
    "is_active",
    "is_available",
    "is_ready",
    "pod_from_template",
    "ready_since",
]


def controller_of(obj: JsonObject) -> JsonObject | None:
    """The one owner reference that has `controller: true`."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference.get("controller"):
            found: JsonObject = reference
            return found
    return None


def controller_reference(resource: ResourceType, owner: JsonObject) -> JsonObject:
    """The reference that makes `owner` the controller of an object."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod_from_template(
    template: JsonObject, resource: ResourceType, owner: JsonObject
) -> JsonObject:
    """A pod of the template, to be named by the server after its owner."""
    metadata = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "generateName": f"{name_of(owner)}-",
            "namespace": namespace_of(owner),
            "labels": dict(metadata.get("labels") or {}),
            "annotations": dict(metadata.get("annotations") or {}),
            "finalizers": list(metadata.get("finalizers") or ()),
            "ownerReferences": [controller_reference(resource, owner)],
        },
        "spec": template["spec"],
    }


def is_active(pod: JsonObject) -> bool:
    """Neither finished nor being deleted."""
    finished = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not finished and not pod["metadata"].get("deletionTimestamp")


def ready_since(pod: JsonObject) -> float | None:
    """Since when the pod has been Ready; None when it is not."""
    for condition in pod.get("status", {}).get("conditions") or []:
        if condition.get("type") == "Ready" and condition.get("status") == "True":
            return parse_time(condition.get("lastTransitionTime")) or 0.0
    return None


def is_ready(pod: JsonObject) -> bool:
    return ready_since(pod) is not None


def is_available(pod: JsonObject, min_ready_seconds: float, now: float) -> bool:
    """Whether it has been Ready for long enough."""
    since = ready_since(pod)
    return since is not None and since + min_ready_seconds <= now


def deletion_rank(pod: JsonObject) -> tuple[object, ...]:
    """The pods to delete first sort first: those that do least.

    Without a node before those with one, Pending before Running, not ready before
    ready, ready for less time before longer, then the newer.
    """
    since = ready_since(pod)
    phases = {"Pending": 0, "Unknown": 1, "Running": 2}
    created = parse_time(pod["metadata"].get("creationTimestamp")) or 0.0
    return (
        bool(pod["spec"].get("nodeName")),
        phases.get(str(pod.get("status", {}).get("phase")), 0),
        since is not None,
        -(since or 0.0),
        -created,
    )
