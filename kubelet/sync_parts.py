"""The parts that syncing pods needs, handed over as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hops.clock import wall

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubelet.backoff import Backoff
    from kubelet.container_garbage import ContainerGarbage
    from kubelet.container_kill import ContainerKiller
    from kubelet.container_start import ContainerStarter, NodeFacts
    from kubelet.dns_config import DnsSettings
    from kubelet.events import EventRecorder
    from kubelet.probe_results import ProbeResults
    from kubelet.probes import ProbeManager
    from kubelet.runtime import Runtime
    from kubelet.status_manager import StatusManager
    from kubelet.tokens import TokenManager
    from kubelet.volumes import Volumes

__all__ = ["SyncParts"]


@dataclass(frozen=True, slots=True)
class SyncParts:
    """One of each, shared by all pods of the kubelet."""

    runtime: Runtime
    starter: ContainerStarter
    killer: ContainerKiller
    garbage: ContainerGarbage
    volumes: Volumes
    tokens: TokenManager
    statuses: StatusManager
    probes: ProbeManager
    results: ProbeResults
    recorder: EventRecorder
    backoff: Backoff
    node: NodeFacts
    dns: DnsSettings
    network_error: Callable[[], str]
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = ""
    clock: Callable[[], float] = wall
