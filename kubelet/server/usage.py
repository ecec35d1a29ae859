"""Processor and memory of containers, as the runtime counts them, by pod.

Source: kubernetes/kubernetes pkg/kubelet/stats/cri_stats_provider.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubelet.cri import CriError
from kubelet.runtime_convert import (
    CONTAINER_NAME_LABEL,
    POD_NAME_LABEL,
    POD_NAMESPACE_LABEL,
    POD_UID_LABEL,
)

if TYPE_CHECKING:
    from kubelet.runtime import Runtime
    from rpc import cri_v1_pb2 as cri

__all__ = ["ContainerUsage", "PodUsage", "usage_by_pod"]


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """Times in nanoseconds since the epoch, sizes in bytes; None where unknown."""

    name: str
    id: str
    image: str
    started_at: int
    cpu_at: int
    cpu_nanoseconds: int | None
    cpu_nanocores: int | None
    memory_at: int
    memory_working_set: int | None
    memory_usage: int | None
    memory_rss: int | None
    disk_used: int | None


@dataclass(frozen=True, slots=True)
class PodUsage:
    name: str
    namespace: str
    uid: str
    containers: list[ContainerUsage] = field(default_factory=list)

    def total(self, attribute: str) -> int:
        """The sum over the containers of what is known."""
        return sum(getattr(c, attribute) or 0 for c in self.containers)


async def usage_by_pod(runtime: Runtime) -> list[PodUsage]:
    """Running containers with their usage; empty where the runtime counts nothing."""
    try:
        stats = await runtime.container_stats()
    except CriError as err:
        if err.is_unimplemented:
            return []
        raise
    started = {c.id: c for c in await runtime.list_containers()}
    pods: dict[str, PodUsage] = {}
    for entry in stats:
        labels = entry.attributes.labels
        uid = labels.get(POD_UID_LABEL, "")
        container = started.get(entry.attributes.id)
        if not uid or container is None:
            continue
        pod = pods.setdefault(
            uid, PodUsage(labels[POD_NAME_LABEL], labels[POD_NAMESPACE_LABEL], uid)
        )
        pod.containers.append(_usage(entry, container))
    return list(pods.values())


def _usage(entry: cri.ContainerStats, container: cri.Container) -> ContainerUsage:
    cpu, memory, layer = entry.cpu, entry.memory, entry.writable_layer
    return ContainerUsage(
        name=entry.attributes.labels.get(CONTAINER_NAME_LABEL, ""),
        id=entry.attributes.id,
        image=container.image.image,
        started_at=container.created_at,
        cpu_at=cpu.timestamp,
        cpu_nanoseconds=_value(cpu, "usage_core_nano_seconds"),
        cpu_nanocores=_value(cpu, "usage_nano_cores"),
        memory_at=memory.timestamp,
        memory_working_set=_value(memory, "working_set_bytes"),
        memory_usage=_value(memory, "usage_bytes"),
        memory_rss=_value(memory, "rss_bytes"),
        disk_used=_value(layer, "used_bytes"),
    )


def _value(message: object, name: str) -> int | None:
    """A wrapped number; absent means unknown."""
    if not message.HasField(name):  # type: ignore[attr-defined]  # a protobuf message
        return None
    return int(getattr(message, name).value)
