"""Seeing that a service is ready: trying often at first, giving up when it has ended.

A refused connection on loopback costs some 30 microseconds, so trying every few
milliseconds is cheaper than any wait that could be too long.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from cluster.services import HttpsReady, NodeReady, SocketReady
from cluster.supervisor import StartError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from cluster.supervisor import StartedService

__all__ = ["ClusterView", "await_ready", "node_is_ready"]

_EAGER: Final = 0.004
_PATIENT: Final = 0.05
_EAGER_FOR: Final = 3.0


class ClusterView(Protocol):
    """What readiness needs to see of the cluster (`cluster.api.ApiClient` does)."""

    def accepts(self, socket: Path) -> bool:
        """Whether somebody listens on a Unix socket."""

    def is_healthy(self, host: str, port: int, path: str) -> bool:
        """Whether this HTTPS path answers 200."""

    def node_states(self, name: str) -> Iterator[dict[str, Any] | None]:
        """The node now, and again after each change; None when nothing happened."""


def await_ready(
    started: StartedService, view: ClusterView, *, since: float, deadline: float
) -> None:
    """Return when the service is ready.

    Args:
        since: wall clock; a node's condition counts only if it was reported later.
        deadline: of `time.monotonic`.

    Raises:
        StartError: it ended, or was not ready in time; the text says which.
    """
    waiting = _Waiting(started, view, deadline)
    match started.service.readiness:
        case SocketReady(path):
            waiting.until_accepting(path)
        case HttpsReady() as serving:
            waiting.until_healthy(serving)
        case NodeReady(node, serving):
            waiting.until_healthy(serving)
            waiting.until_node_ready(node, since if started.fresh else 0.0)


class _Waiting:
    def __init__(
        self, started: StartedService, view: ClusterView, deadline: float
    ) -> None:
        self._started = started
        self._view = view
        self._deadline = deadline

    def until_accepting(self, path: Path) -> None:
        for _ in self._tries():
            if self._view.accepts(path):
                return

    def until_healthy(self, serving: HttpsReady) -> None:
        for _ in self._tries():
            if self._view.is_healthy(serving.host, serving.port, serving.path):
                return

    def until_node_ready(self, node: str, since: float) -> None:
        for state in self._view.node_states(node):
            if state is not None and node_is_ready(state, since):
                return
            self._check()
        raise StartError(f"{self._started.service.name}: the watch on the node ended")

    def _tries(self) -> Iterator[None]:
        eager_until = time.monotonic() + _EAGER_FOR
        while True:
            yield
            self._check()
            now = time.monotonic()
            time.sleep(_EAGER if now < eager_until else _PATIENT)

    def _check(self) -> None:
        if self._started.has_ended():
            raise StartError(self._failure(self._started.ending()))
        if time.monotonic() > self._deadline:
            raise StartError(self._failure("was not ready in time"))

    def _failure(self, what: str) -> str:
        return f"{self._started.service.name} {what}"


def node_is_ready(node: dict[str, Any], since: float) -> bool:
    """Whether the Node has the condition Ready, reported at `since` or later.

    `since` is wall clock in seconds; the API keeps whole seconds. A Node in the store
    of a cluster that was down still says Ready, from the last life of its kubelet.
    """
    earliest = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))
    return any(
        condition.get("type") == "Ready"
        and condition.get("status") == "True"
        # RFC 3339 in UTC sorts as text.
        and str(condition.get("lastHeartbeatTime")) >= earliest
        for condition in node.get("status", {}).get("conditions", ())
    )
