"""Which Kubernetes this server says it is, and what depends on that.

`--emulate-version` picks the minor release whose behaviour clients see.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import total_ordering
from typing import TYPE_CHECKING, Self

from apimachinery.emulation import parse_minor

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["DEFAULT_VERSION", "EmulatedVersion", "version_info"]


@total_ordering
@dataclass(frozen=True, slots=True)
class EmulatedVersion:
    """A minor release, `1.36`."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1.36`, `v1.36` or `1.36.2`.

        Raises:
            ValueError: not a version, or none that is emulated.
        """
        return cls(1, parse_minor(text))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    def __lt__(self, other: EmulatedVersion) -> bool:
        return (self.major, self.minor) < (other.major, other.minor)

    @property
    def websocket_get_needs_create(self) -> bool:
        """AuthorizePodWebsocketUpgradeCreatePermission: on since 1.35."""
        return (self.major, self.minor) >= (1, 35)

    @property
    def passes_websockets_to_kubelet(self) -> bool:
        """ExtendWebSocketsToKubelet: on since 1.36, for nodes that declare it."""
        return (self.major, self.minor) >= (1, 36)

    @property
    def translates_websockets(self) -> bool:
        """TranslateStreamCloseWebsocketRequests: on since 1.30."""
        return (self.major, self.minor) >= (1, 30)

    @property
    def tunnels_port_forward(self) -> bool:
        """PortForwardWebsockets: on since 1.31."""
        return (self.major, self.minor) >= (1, 31)


DEFAULT_VERSION = EmulatedVersion(1, 36)


def version_info(version: EmulatedVersion) -> JsonObject:
    """The document of `/version`.

    Source: kubernetes/apimachinery pkg/version/types.go. The build facts are ours.
    """
    emulated: JsonObject = {}
    if version >= EmulatedVersion(1, 33):
        emulated = {
            "emulationMajor": str(version.major),
            "emulationMinor": str(version.minor),
            "minCompatibilityMajor": str(version.major),
            "minCompatibilityMinor": str(version.minor - 1),
        }
    return {
        "major": str(version.major),
        "minor": str(version.minor),
        **emulated,
        "gitVersion": f"v{version}.0-mini",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{_architecture()}",
    }


_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def _architecture() -> str:
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)
