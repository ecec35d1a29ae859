"""`mini-kube status`: the services, the nodes and how long the certificates last."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from apimachinery.duration import human_duration
from certs.pki import expiries
from cluster.api import ApiClient, ApiError
from cluster.processes import uptime
from cluster.services import services
from cluster.supervisor import running

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cluster.layout import Layout
    from cluster.services import Service
    from cluster.settings import ClusterSettings

__all__ = ["ClusterStatus", "observe", "render", "render_json"]

_SECONDS_A_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """A service; `pid` and `uptime` (seconds) are None when it does not run."""

    name: str
    address: str
    pid: int | None
    uptime: float | None


@dataclass(frozen=True, slots=True)
class NodeStatus:
    name: str
    ready: str
    version: str


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What is known of a cluster; `not_after` maps certificates to epoch seconds."""

    name: str
    state_dir: str
    kubeconfig: str
    trace_dir: str
    services: tuple[ServiceStatus, ...]
    nodes: tuple[NodeStatus, ...]
    not_after: dict[str, float]

    @property
    def is_up(self) -> bool:
        """Whether every service runs and every node is Ready."""
        return all(item.pid is not None for item in self.services) and all(
            node.ready == "Ready" for node in self.nodes
        )


def observe(layout: Layout, settings: ClusterSettings) -> ClusterStatus:
    """Look at the cluster, without changing anything."""
    return ClusterStatus(
        name=settings.name,
        state_dir=str(layout.state),
        kubeconfig=str(layout.kubeconfig),
        trace_dir=settings.trace_dir,
        services=tuple(
            _service_status(layout, service) for service in services(settings, layout)
        ),
        nodes=tuple(_nodes(layout, settings)),
        not_after=expiries(layout.pki),
    )


def render(status: ClusterStatus, now: float) -> str:
    """The status for people."""
    facts = [
        ("cluster", status.name),
        ("state", status.state_dir),
        ("kubeconfig", status.kubeconfig),
        ("trace", status.trace_dir or "off"),
    ]
    services = [_service_row(item) for item in status.services]
    nodes = [(node.name, node.ready, node.version) for node in status.nodes]
    certificates = [
        (name, _day(not_after), _left(not_after - now))
        for name, not_after in status.not_after.items()
    ]
    return "\n\n".join(
        [
            _columns(facts),
            _columns([("SERVICE", "STATE", "PID", "UPTIME", "ADDRESS"), *services]),
            _columns([("NODE", "STATUS", "VERSION"), *nodes]),
            _columns([("CERTIFICATE", "EXPIRES", "TIME LEFT"), *certificates]),
        ]
    )


def render_json(status: ClusterStatus) -> str:
    """The status for programs."""
    return json.dumps(asdict(status), indent=2)


def _service_status(layout: Layout, service: Service) -> ServiceStatus:
    record = running(layout, service.name)
    if record is None:
        return ServiceStatus(service.name, service.address, None, None)
    process = record.process
    return ServiceStatus(service.name, record.address, process.pid, uptime(process))


def _nodes(layout: Layout, settings: ClusterSettings) -> Iterable[NodeStatus]:
    try:
        with closing(ApiClient.of_cluster(layout, settings)) as api:
            found = {
                node["metadata"]["name"]: node for node in api.items("/api/v1/nodes")
            }
    except (OSError, ApiError):
        found = {}
    for name in settings.node_names:
        yield _node_status(name, found.get(name))


def _node_status(name: str, node: dict[str, Any] | None) -> NodeStatus:
    if node is None:
        return NodeStatus(name, "Unknown", "")
    status = node.get("status", {})
    conditions = {item["type"]: item["status"] for item in status.get("conditions", [])}
    ready = {"True": "Ready", "Unknown": "Unknown"}.get(
        conditions.get("Ready", "Unknown"), "NotReady"
    )
    return NodeStatus(name, ready, status.get("nodeInfo", {}).get("kubeletVersion", ""))


def _service_row(item: ServiceStatus) -> tuple[str, ...]:
    if item.pid is None or item.uptime is None:
        return (item.name, "stopped", "-", "-", item.address)
    age = human_duration(item.uptime)
    return (item.name, "running", str(item.pid), age, item.address)


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment))


def _left(seconds: float) -> str:
    if seconds <= 0:
        return "expired"
    return f"{seconds / _SECONDS_A_DAY:.0f}d"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns, three blanks apart, as kubectl prints them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
