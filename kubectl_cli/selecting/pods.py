"""The pod behind a name: itself, or one that a workload has.

Source: kubernetes/kubectl pkg/polymorphichelpers (attachablepodforobject.go,
helpers.go GetFirstPod), pkg/util/podutils (ActivePods).
"""

from __future__ import annotations

import time

from kubectl_cli.client.rest import ACCEPT_REST
from kubectl_cli.errors import CommandError
from kubectl_cli.selecting.missing_namespace import telling_of_namespace
from kubectl_cli.selecting.resources import POD
from kubectl_cli.selecting.targets import split_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory

__all__ = [
    "attachable_pod",
    "first_pod",
    "format_selector",
    "is_ready",
    "most_active",
    "object_and_pod",
    "selector_of",
]

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


def attachable_pod(
    factory: Factory, name: str, files: list[str], timeout: float
) -> JsonObject:
    """The pod to exec into or attach to; waits until a workload has one."""
    if files:
        from kubectl_cli.documents.manifests import read_manifests

        if name:
            raise CommandError(
                "resource/name arguments cannot be provided when a path is specified"
            )
        manifests = read_manifests(files, factory)
        if len(manifests) != 1:
            raise CommandError("cannot exec into multiple objects at a time")
        obj: JsonObject = manifests[0].object
        return _pod_of(factory, obj, timeout)
    return object_and_pod(factory, name, timeout)[1]


def object_and_pod(
    factory: Factory, name: str, timeout: float
) -> tuple[JsonObject, JsonObject]:
    """The object of this name, and itself or one of its pods."""
    path = _path_of(factory, name)
    with telling_of_namespace(factory.client, factory.namespace):
        obj = factory.client.get(path, accept=ACCEPT_REST)
    return obj, _pod_of(factory, obj, timeout)


def _pod_of(factory: Factory, obj: JsonObject, timeout: float) -> JsonObject:
    if obj.get("kind") == "Pod":
        obj["metadata"].setdefault("namespace", factory.namespace)
        return obj
    return first_pod(factory, obj, timeout, most_active)[0]


def _path_of(factory: Factory, name: str) -> str:
    """The URL path of `pod`, `type/name`."""
    if "/" not in name:
        return POD.path(factory.namespace, name)
    kind, own_name = split_pair(name)
    return factory.mapper.resolve(kind).path(factory.namespace, own_name)


def first_pod(
    factory: Factory,
    obj: JsonObject,
    timeout: float,
    order: Callable[[JsonObject], tuple[Any, ...]],
    doing: str = "attach to",
) -> tuple[JsonObject, int]:
    """The first of a workload's pods by `order`, and how many there are."""
    query = [("labelSelector", selector_of(obj, doing))]
    namespace = obj["metadata"]["namespace"]
    path = f"/api/v1/namespaces/{namespace}/pods"
    deadline = time.monotonic() + timeout
    listed = factory.client.get(path, query, accept=ACCEPT_REST)
    pods: list[JsonObject] = listed.get("items") or []
    if pods:
        return sorted(pods, key=order)[0], len(pods)
    version = (listed.get("metadata") or {}).get("resourceVersion") or ""
    left = max(1, int(deadline - time.monotonic()))
    query += [("resourceVersion", version), ("timeoutSeconds", str(left))]
    for event in factory.client.watch(path, query):
        if event["type"] in ("ADDED", "MODIFIED"):
            pod: JsonObject = event["object"]
            return pod, 1
    raise CommandError("timed out waiting for the condition")


def selector_of(obj: JsonObject, doing: str = "attach to") -> str:
    """The label selector by which a workload finds its pods, as a query has it.

    Raises:
        CommandError: it has none, so one cannot be `doing` what was asked.
    """
    kind = obj.get("kind")
    spec = obj.get("spec") or {}
    if kind in ("Service", "ReplicationController"):
        labels = spec.get("selector") or {}
        if not labels:
            name = obj["metadata"]["name"]
            raise CommandError(
                f"cannot {doing} *v1.{kind}: invalid service '{name}':"
                " Service is defined without a selector"
            )
        return ",".join(f"{key}={labels[key]}" for key in sorted(labels))
    selector = spec.get("selector")
    if kind not in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"):
        raise CommandError(
            f"cannot {doing} *v1.{kind}: selector for *v1.{kind} not implemented"
        )
    return format_selector(selector or {})


def format_selector(selector: JsonObject) -> str:
    labels = selector.get("matchLabels") or {}
    terms = [f"{key}={labels[key]}" for key in labels]
    for each in selector.get("matchExpressions") or ():
        key, values = each["key"], ",".join(sorted(each.get("values") or ()))
        match each["operator"]:
            case "In":
                terms.append(f"{key} in ({values})")
            case "NotIn":
                terms.append(f"{key} notin ({values})")
            case "Exists":
                terms.append(key)
            case _:
                terms.append(f"!{key}")
    return ",".join(sorted(terms))


def is_ready(pod: JsonObject) -> bool:
    """Whether the condition Ready is True."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def most_active(pod: JsonObject) -> tuple[Any, ...]:
    """Sorts the pod most likely to serve first: the reverse of ActivePods.

    Assigned before unassigned, Running before Pending, ready before not, long ready
    before recent, few restarts before many, old before young.
    """
    status, metadata = pod.get("status") or {}, pod["metadata"]
    restarts = [c.get("restartCount", 0) for c in status.get("containerStatuses") or ()]
    return (
        not (pod.get("spec") or {}).get("nodeName"),
        -_PHASES.get(str(status.get("phase")), -1),
        not is_ready(pod),
        _ready_since(status),
        max(restarts, default=0),
        metadata.get("creationTimestamp") or "~",
    )


def _ready_since(status: JsonObject) -> str:
    for condition in status.get("conditions") or ():
        if condition["type"] == "Ready" and condition["status"] == "True":
            return str(condition.get("lastTransitionTime") or "~")
    return "~"
