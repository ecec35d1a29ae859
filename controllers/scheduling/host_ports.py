"""Host ports: two pods of a node cannot both have one.

Source: kubernetes/kubernetes pkg/scheduler/framework/types.go (HostPortInfo): the
address 0.0.0.0 meets every other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

__all__ = ["HostPort", "conflict", "host_ports"]

_ANY: Final = "0.0.0.0"  # noqa: S104 - compared only


class HostPort(NamedTuple):
    """A port of the node that a pod asks for."""

    address: str
    protocol: str
    port: int


def host_ports(pod: JsonObject) -> list[HostPort]:
    """The host ports of all containers of the pod."""
    return [
        HostPort(
            port.get("hostIP") or _ANY,
            port.get("protocol") or "TCP",
            int(port["hostPort"]),
        )
        for container in pod["spec"].get("containers", [])
        for port in container.get("ports") or []
        if port.get("hostPort")
    ]


def conflict(wanted: Iterable[HostPort], used: Iterable[HostPort]) -> bool:
    """Whether any wanted port is taken."""
    taken = list(used)
    return any(_meet(port, other) for port in wanted for other in taken)


def _meet(one: HostPort, other: HostPort) -> bool:
    if (one.protocol, one.port) != (other.protocol, other.port):
        return False
    return one.address == other.address or _ANY in (one.address, other.address)
