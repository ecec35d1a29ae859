"""Moving the clocks of a cluster's services, over their control sockets.

The kubelets and runtimes go first and the API server last: what the nodes do when time
has passed, as renewing their leases, is on its way before the controllers look for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hops.blocking.admin import AdminError, call_admin

if TYPE_CHECKING:
    from collections.abc import Collection

    from hops.cluster_view import ClusterView

__all__ = ["ClockError", "advance", "offsets"]

_LAST = "apiserver"


class ClockError(Exception):
    """A clock was not moved; the text says whose, and why."""


def advance(view: ClusterView, seconds: float, services: Collection[str] = ()) -> float:
    """Let `seconds` have passed; answers how far the clocks are ahead then, at most.

    Args:
        services: names, as of `view.admin_sockets`; none: all of them.

    Raises:
        ClockError: a service is unknown, cannot be reached, or refuses.
    """
    chosen = sorted(services or view.admin_sockets, key=lambda name: name == _LAST)
    if not chosen:
        raise ClockError("no service of the cluster runs")
    everywhere = set(chosen) >= set(view.admin_sockets)
    request = {"cmd": "clock", "advance": seconds, "everywhere": everywhere}
    return max(_ask(view, name, request) for name in chosen)


def offsets(view: ClusterView) -> dict[str, float]:
    """By how many seconds each service is ahead of the real time.

    Raises:
        ClockError: one cannot be reached.
    """
    return {name: _ask(view, name, {"cmd": "clock"}) for name in view.admin_sockets}


def _ask(view: ClusterView, service: str, request: dict[str, Any]) -> float:
    socket = view.admin_sockets.get(service)
    if socket is None:
        known = ", ".join(sorted(view.admin_sockets))
        raise ClockError(f"{service}: no such service runs; there are: {known}")
    try:
        answer = call_admin(str(socket), request)
    except AdminError as err:
        raise ClockError(f"{service}: {err}") from err
    return float(answer["ahead"])
