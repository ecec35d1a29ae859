"""Ports that a container could not have and what it listens on instead.

A process without root cannot bind port 80. The catalogue's own servers then take any port and
write the pair `80 43817` to `$MINI_KUBE_PORT_MAP`, one a line. PortForward honours the map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from cri_runtime.containers import Containers

__all__ = ["PortMap"]


class PortMap:
    """Reads what the containers of a sandbox have written."""

    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    def of(self, sandbox_id: str) -> dict[int, int]:
        """Asked for -> listened on, for ports where these differ."""
        pairs: dict[int, int] = {}
        for container in self._containers.of(sandbox_id):
            pairs |= _read(self._containers.directory(container) / "ports")
        return pairs

    def translate(self, sandbox_id: str, port: int) -> int:
        """The port to connect to when `port` is asked for."""
        return self.of(sandbox_id).get(port, port)


def _read(path: Path) -> dict[int, int]:
    try:
        lines = path.read_text().splitlines()
        return {int(a): int(b) for a, b in (line.split() for line in lines)}
    except (OSError, ValueError):
        return {}
