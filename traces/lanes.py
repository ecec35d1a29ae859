"""Where a hop lies in the picture: from which lane to which.

client | apiserver | kubelet | runtime | process, and what else takes part behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.events import Event

__all__ = ["LANES", "Arrow", "arrow_of", "dialler_of", "lanes_of", "listener_of"]

#: The lanes of a session, from left to right.
LANES = ("client", "apiserver", "kubelet", "runtime", "process")

#: hop -> the lanes of who dials and of who listens.
_ENDS = {
    "kubectl-apiserver": ("client", "apiserver"),
    "controllers-apiserver": ("client", "apiserver"),
    "apiserver-kubelet": ("apiserver", "kubelet"),
    "kubelet-apiserver": ("kubelet", "apiserver"),
    "kubelet-cri": ("kubelet", "runtime"),
    "kubelet-cri-streaming": ("kubelet", "runtime"),
    "kubelet-pod": ("kubelet", "process"),
    "cri-shim": ("runtime", "process"),
    "cri-pod": ("runtime", "process"),
    "apiserver-etcd": ("apiserver", "etcd"),
}
#: process name, up to its "/" -> lane
_PROCESSES = {
    "mini-kubectl": "client",
    "kubectl": "client",
    "controllers": "client",
    "apiserver": "apiserver",
    "kubelet": "kubelet",
    "cri": "runtime",
}


class Arrow(NamedTuple):
    """From where to where an event goes; the same twice for one that goes nowhere."""

    start: str
    end: str


def dialler_of(hop: str) -> str:
    """The lane of who dials on this hop."""
    return _ends(hop)[0]


def listener_of(hop: str) -> str:
    """The lane of who listens on this hop."""
    return _ends(hop)[1]


def arrow_of(event: Event) -> Arrow:
    """The lanes an event goes between."""
    left, right = _ends(event.hop)
    if event.dir == "up":
        return Arrow(left, right)
    if event.dir == "down":
        return Arrow(right, left)
    seen_at = lane_of_process(event.process or event.conn)
    at = seen_at if seen_at in (left, right) else left
    return Arrow(at, at)


def lane_of_process(process: str) -> str | None:
    """Where a process belongs; None for one that stands between, as a tap does."""
    name = process.partition("/")[0]
    while name and name not in _PROCESSES:
        name = name.rpartition("-")[0]  # a connection's name is PROCESS-PID-NUMBER
    return _PROCESSES.get(name)


def lanes_of(events: Iterable[Event]) -> tuple[str, ...]:
    """The five lanes, and those of other hops that occur, in order of appearance."""
    found = list(LANES)
    for hop in dict.fromkeys(event.hop for event in events):
        found += [lane for lane in _ends(hop) if lane not in found]
    return tuple(found)


def _ends(hop: str) -> tuple[str, str]:
    """A hop that is not known is named after its ends, like all others."""
    known = _ENDS.get(hop)
    if known is not None:
        return known
    left, _, right = hop.partition("-")
    return left or "?", right or "?"
