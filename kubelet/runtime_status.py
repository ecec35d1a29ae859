"""What the container runtime says about one pod: sandboxes and containers.

The kubelet's own view, free of gRPC, so that every decision made from it is a
pure function. `kubelet.runtime` fills it from CRI.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

__all__ = [
    "ContainerRuntimeStatus",
    "ContainerState",
    "ContainerUser",
    "PodRuntimeStatus",
    "SandboxRuntimeStatus",
]


class ContainerState(Enum):
    """CRI's four states under the names the kubelet's messages use."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ContainerUser:
    uid: int
    gid: int
    supplemental_groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerRuntimeStatus:
    """One container instance. Times are nanoseconds since the epoch, 0 for never."""

    id: str
    name: str
    state: ContainerState
    sandbox_id: str = ""
    created_at: int = 0
    started_at: int = 0
    finished_at: int = 0
    exit_code: int = 0
    image: str = ""
    image_ref: str = ""
    reason: str = ""
    message: str = ""
    restart_count: int = 0
    hash: str = ""
    log_path: str = ""
    grace_period: int | None = None
    pre_stop: str = ""
    user: ContainerUser | None = None

    @property
    def succeeded(self) -> bool:
        return self.state is ContainerState.EXITED and self.exit_code == 0

    @property
    def failed(self) -> bool:
        """An init container in this state did not do its work."""
        if self.state is ContainerState.EXITED:
            return self.exit_code != 0
        return self.state is ContainerState.UNKNOWN


@dataclass(frozen=True, slots=True)
class SandboxRuntimeStatus:
    """One pod sandbox. An empty `ips` means that it has no network."""

    id: str
    ready: bool
    attempt: int = 0
    created_at: int = 0
    ips: tuple[str, ...] = ()
    host_network: bool = False


@dataclass(frozen=True, slots=True)
class PodRuntimeStatus:
    """All instances of one pod, newest first in both lists."""

    uid: str
    name: str
    namespace: str
    sandboxes: tuple[SandboxRuntimeStatus, ...] = ()
    containers: tuple[ContainerRuntimeStatus, ...] = field(default=())

    @property
    def ips(self) -> tuple[str, ...]:
        """Addresses of the newest sandbox, if it is still ready."""
        if self.sandboxes and self.sandboxes[0].ready:
            return self.sandboxes[0].ips
        return ()

    def latest(self, container_name: str) -> ContainerRuntimeStatus | None:
        """The newest instance of a container, in whatever state."""
        for container in self.containers:
            if container.name == container_name:
                return container
        return None

    def running(self) -> tuple[ContainerRuntimeStatus, ...]:
        return tuple(c for c in self.containers if c.state is ContainerState.RUNNING)

    @property
    def is_active(self) -> bool:
        """Something of this pod may still be doing work on the machine."""
        return bool(self.running()) or any(s.ready for s in self.sandboxes)
