"""Each frame once: several of our processes may see the same connection.

The word of who dialled is taken where it is there, else that of one who stands between,
else that of who listened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from traces.lanes import dialler_of, lane_of_process, listener_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.events import Event

__all__ = ["one_vantage", "witnesses"]

#: What begins with one of these is a process or a file, which one alone tells of. The
#: log that goes over a connection is told behind its requests.
_OF_ONE = ("process", "crilog")


def one_vantage(events: Iterable[Event]) -> list[Event]:
    """The events without those that another witness of the same connection tells.

    What a fault did is told by who did it alone.
    """
    events = list(events)
    taken = witnesses(events)
    return [
        event
        for event in events
        if taken[event.conn] == event.conn or (event.fault and event.layer == "conn")
    ]


def witnesses(events: Iterable[Event]) -> dict[str, str]:
    """Connection -> the name under which the best witness knows the same connection.

    They are matched by their addresses. Where there are none, as with Unix sockets,
    they are matched by the order in which they were opened.
    """
    first: dict[str, dict[str, Event]] = {}
    for event in events:
        seen = first.setdefault(event.hop, {})
        if (event.layer, event.type) == ("conn", "open"):
            seen[event.conn] = event
        else:
            seen.setdefault(event.conn, event)
    taken: dict[str, str] = {}
    for hop, seen in first.items():
        taken |= _of_hop(hop, seen)
    return taken


def _of_hop(hop: str, first: dict[str, Event]) -> dict[str, str]:
    by_rank: dict[int, list[str]] = {}
    taken: dict[str, str] = {}
    for conn, event in first.items():
        if event.layer in _OF_ONE:
            taken[conn] = conn
        else:
            by_rank.setdefault(_rank(hop, event), []).append(conn)
    best: list[str] = []
    for _, conns in sorted(by_rank.items()):
        pairs = _match(best, conns, first)
        taken |= {conn: pairs.get(conn, conn) for conn in conns}
        best += [conn for conn in conns if conn not in pairs]
    return taken


def _rank(hop: str, event: Event) -> int:
    lane = lane_of_process(event.process or event.conn)
    if lane == dialler_of(hop):
        return 0
    return 2 if lane == listener_of(hop) else 1


def _match(
    best: list[str], conns: list[str], first: dict[str, Event]
) -> dict[str, str]:
    """Which of `conns` are one of `best` under another name."""
    by_address = {_addresses(first[conn].info): conn for conn in best}
    pairs, rest = {}, []
    for conn in conns:
        here, there = _addresses(first[conn].info)
        match = by_address.get((there, here)) if here and there else None
        if match is None:
            rest.append(conn)
        else:
            pairs[conn] = match
    left = [conn for conn in best if conn not in pairs.values()]
    return pairs | dict(zip(rest, left, strict=False))


def _addresses(info: dict[str, Any]) -> tuple[str, str]:
    return _address(info.get("sockname")), _address(info.get("peername"))


def _address(value: object) -> str:
    if isinstance(value, list | tuple) and len(value) >= 2:
        return f"{value[0]}:{value[1]}"
    return ""
