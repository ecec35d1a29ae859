"""The nodes and what is placed on them, kept up to date event by event.

A pod that was just bound counts at once (`assume`), before the watch has told of it,
or two pods in a row would be given the same room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.meta import name_of, uid_of
from controllers.scheduling.fit import NodeInfo
from controllers.scheduling.host_ports import HostPort, host_ports
from controllers.scheduling.resources import Usage, pod_requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

__all__ = ["Snapshot"]


@dataclass(frozen=True, slots=True)
class _Placement:
    node: str
    requests: dict[str, int]
    ports: tuple[HostPort, ...]


class Snapshot:
    """Which pods take what of which node."""

    def __init__(self) -> None:
        self._nodes: dict[str, JsonObject] = {}
        self._placements: dict[str, dict[str, _Placement]] = {}
        self._node_of: dict[str, str] = {}

    def set_node(self, node: JsonObject) -> None:
        """A node is there, or has changed."""
        self._nodes[name_of(node)] = node

    def remove_node(self, node: JsonObject) -> None:
        """A node is gone; its pods are still counted until they go."""
        self._nodes.pop(name_of(node), None)

    def place(self, pod: JsonObject, node: str) -> None:
        """The pod takes room on the node."""
        uid = uid_of(pod)
        self.remove(uid)
        placement = _Placement(node, pod_requests(pod), tuple(host_ports(pod)))
        self._placements.setdefault(node, {})[uid] = placement
        self._node_of[uid] = node

    def remove(self, uid: str) -> None:
        """The pod takes no room any more."""
        node = self._node_of.pop(uid, None)
        if node is not None:
            del self._placements[node][uid]
            if not self._placements[node]:
                del self._placements[node]

    def node_infos(self) -> Iterable[NodeInfo]:
        """Every node with what its pods take."""
        for name, node in self._nodes.items():
            yield self._info(name, node)

    def _info(self, name: str, node: JsonObject) -> NodeInfo:
        usage, ports = Usage(), list[HostPort]()
        for placement in self._placements.get(name, {}).values():
            usage.add(placement.requests)
            ports.extend(placement.ports)
        return NodeInfo(node, usage, ports)
