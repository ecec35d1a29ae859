"""Ports by number or by the name a container gives them.

Source: kubernetes/kubernetes pkg/probe/util.go (ResolveContainerPort).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["PortError", "resolve_port"]


class PortError(Exception):
    """No such port."""


def resolve_port(port: int | str, container: JsonObject) -> int:
    """The number of a port.

    Raises:
        PortError
    """
    if isinstance(port, str) and not port.isdigit():
        for candidate in container.get("ports") or []:
            if candidate.get("name") == port:
                return int(candidate["containerPort"])
        raise PortError(f"couldn't find port: {port}")
    number = int(port)
    if not 0 < number < 65536:
        raise PortError(f"invalid port number: {number}")
    return number
