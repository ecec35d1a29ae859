"""Questions one asks of a pod object: names, policies, containers.

Pods stay the JSON they came as; these functions are the only place that knows
where in it things are, and what an absent field means.
"""

from __future__ import annotations

import datetime
from enum import Enum
from typing import TYPE_CHECKING, NewType

from apimachinery.meta import annotations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = [
    "ContainerKind",
    "PodUid",
    "all_containers",
    "condition",
    "container_named",
    "containers",
    "deletion_grace_period",
    "deletion_requested",
    "deletion_time",
    "describe",
    "ephemeral_containers",
    "full_name",
    "has_finished",
    "init_containers",
    "is_mirror",
    "is_sidecar",
    "is_static",
    "key",
    "kind_of",
    "name",
    "namespace",
    "restart_policy",
    "status_of",
    "termination_grace_period",
    "uid",
    "uses_host_network",
]

PodUid = NewType("PodUid", str)

CONFIG_SOURCE_ANNOTATION = "kubernetes.io/config.source"
CONFIG_HASH_ANNOTATION = "kubernetes.io/config.hash"
CONFIG_SEEN_ANNOTATION = "kubernetes.io/config.seen"
MIRROR_ANNOTATION = "kubernetes.io/config.mirror"


class ContainerKind(Enum):
    """The three lists of a pod spec a container can stand in."""

    INIT = "initContainers"
    REGULAR = "containers"
    EPHEMERAL = "ephemeralContainers"

    @property
    def status_field(self) -> str:
        """The list of the pod status that reports this kind."""
        return _STATUS_FIELDS[self]


_STATUS_FIELDS = {
    ContainerKind.INIT: "initContainerStatuses",
    ContainerKind.REGULAR: "containerStatuses",
    ContainerKind.EPHEMERAL: "ephemeralContainerStatuses",
}


def name(pod: JsonObject) -> str:
    return str(pod["metadata"]["name"])


def namespace(pod: JsonObject) -> str:
    return str(pod["metadata"].get("namespace", "default"))


def uid(pod: JsonObject) -> PodUid:
    return PodUid(str(pod["metadata"]["uid"]))


def key(pod: JsonObject) -> tuple[str, str]:
    """Namespace and name."""
    return namespace(pod), name(pod)


def full_name(pod: JsonObject) -> str:
    """`name_namespace`, as the kubelet's error texts have it."""
    return f"{name(pod)}_{namespace(pod)}"


def describe(pod: JsonObject) -> str:
    """`name_namespace(uid)`, as events and back-off messages have it."""
    return f"{full_name(pod)}({uid(pod)})"


def init_containers(pod: JsonObject) -> list[JsonObject]:
    return pod["spec"].get("initContainers") or []


def containers(pod: JsonObject) -> list[JsonObject]:
    return pod["spec"].get("containers") or []


def ephemeral_containers(pod: JsonObject) -> list[JsonObject]:
    return pod["spec"].get("ephemeralContainers") or []


def all_containers(pod: JsonObject) -> Iterator[tuple[ContainerKind, JsonObject]]:
    """Every container with its kind, in the order the kubelet looks them up."""
    for kind in (ContainerKind.REGULAR, ContainerKind.INIT, ContainerKind.EPHEMERAL):
        for container in pod["spec"].get(kind.value) or []:
            yield kind, container


def container_named(pod: JsonObject, wanted: str) -> JsonObject | None:
    for _, container in all_containers(pod):
        if container["name"] == wanted:
            return container
    return None


def kind_of(pod: JsonObject, wanted: str) -> ContainerKind | None:
    for kind, container in all_containers(pod):
        if container["name"] == wanted:
            return kind
    return None


def is_sidecar(container: JsonObject) -> bool:
    """An init container that is meant to keep running (KEP-753).

    Only ask this of init containers: a regular container may carry a restart
    policy of its own since 1.34.
    """
    return container.get("restartPolicy") == "Always"


def restart_policy(pod: JsonObject) -> str:
    return str(pod["spec"].get("restartPolicy") or "Always")


def uses_host_network(pod: JsonObject) -> bool:
    return bool(pod["spec"].get("hostNetwork"))


def status_of(pod: JsonObject) -> JsonObject:
    return pod.get("status") or {}


def has_finished(pod: JsonObject) -> bool:
    """The API says Succeeded or Failed, which never changes back."""
    return status_of(pod).get("phase") in ("Succeeded", "Failed")


def condition(status: JsonObject, wanted: str) -> JsonObject | None:
    for candidate in status.get("conditions") or []:
        if candidate.get("type") == wanted:
            return candidate  # type: ignore[no-any-return]  # JSON
    return None


def deletion_requested(pod: JsonObject) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def deletion_time(pod: JsonObject) -> datetime.datetime | None:
    """When the grace period ends, as the API server wrote it."""
    text = pod["metadata"].get("deletionTimestamp")
    return datetime.datetime.fromisoformat(text) if text else None


def termination_grace_period(pod: JsonObject) -> int:
    """Seconds a pod gets when nobody asked for another number."""
    value = pod["spec"].get("terminationGracePeriodSeconds")
    return 30 if value is None else int(value)


def deletion_grace_period(pod: JsonObject) -> int | None:
    value = pod["metadata"].get("deletionGracePeriodSeconds")
    return None if value is None else int(value)


def is_mirror(pod: JsonObject) -> bool:
    """The API's copy of a static pod."""
    return MIRROR_ANNOTATION in annotations_of(pod)


def is_static(pod: JsonObject) -> bool:
    """From a file or URL, not from the API server."""
    return annotations_of(pod).get(CONFIG_SOURCE_ANNOTATION, "api") != "api"
