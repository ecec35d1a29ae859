"""Which protocols the streaming server speaks, and in whose words.

By default it speaks more than containerd does: WebSocket v5 for exec and attach, and the
WebSocket tunnel for port-forward, so that API server and kubelet need not translate.
Not as a node of 1.29 or earlier: API servers of that time pass v5 on as it is, and kubectl
counts on being refused by the node and takes SPDY.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire.channels import EXEC_SUBPROTOCOLS
from wire.spdy_carrier import STREAM_CREATION_TIMEOUT

if TYPE_CHECKING:
    from wire.exit_status import StatusShape

__all__ = ["Dialect"]

_V5 = "v5.channel.k8s.io"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Settings of all streams.

    Attributes:
        minor: of the Kubernetes whose streaming library is shown.
        as_containerd: speak only what containerd does, in all its versions so far.
        creation_timeout: seconds in which a SPDY client must have opened its streams.
    """

    minor: int = 36
    as_containerd: bool = False
    creation_timeout: float = STREAM_CREATION_TIMEOUT

    @property
    def exec_subprotocols(self) -> tuple[str, ...]:
        """Of WebSocket, for exec and attach."""
        if self._speaks_more:
            return tuple(EXEC_SUBPROTOCOLS)
        return tuple(name for name in EXEC_SUBPROTOCOLS if name != _V5)

    @property
    def takes_tunnels(self) -> bool:
        """Whether `SPDY/3.1+portforward.k8s.io` is understood."""
        return self._speaks_more

    @property
    def _speaks_more(self) -> bool:
        return not self.as_containerd and self.minor >= 30

    @property
    def missing_version_is_error(self) -> bool:
        """Up to 1.34 a SPDY request without any version was answered with an empty 200."""
        return self.minor >= 35

    @property
    def status_shape(self) -> StatusShape:
        """cri-streaming 0.36 has a struct of its own for the status."""
        return "compact" if self.minor >= 36 else "metav1"
