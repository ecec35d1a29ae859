"""The clocks of a cluster's services, which can be moved ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from hops.cluster_view import ClusterView

__all__ = ["Clock"]


class Clock:
    """Moves the time of the services; that of containers and clients stays real."""

    def __init__(self, view: ClusterView) -> None:
        self._view = view

    def advance(self, seconds: float, *, services: Collection[str] = ()) -> float:
        """Let this much time have passed, at once; all that is due by then happens.

        Args:
            services: by name (`Cluster.services`), those whose clocks move; by default
                all. "apiserver" alone makes the nodes miss their heartbeats.

        Returns:
            By how many seconds the clocks are ahead of the real time now.

        Raises:
            ClockError: a service cannot be reached, or refuses.
        """
        from faults.clock_control import advance

        return advance(self._view, seconds, services)

    @property
    def ahead(self) -> dict[str, float]:
        """By how many seconds each service is ahead of the real time."""
        from faults.clock_control import offsets

        return offsets(self._view)
