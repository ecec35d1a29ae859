"""The same bytes on every hop: which part of which stream a row carries.

stdout is one stream from the process to the client, however often it is cut anew into
frames on the way. Rows of different hops that carry the same part belong together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from traces.requests import header_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.events import Event
    from traces.rows import Row

__all__ = ["Flow", "fold", "give_flows", "same_bytes"]

_MOST = 4096  # rows that are looked at for one, however strange a trace is
_STREAMS = frozenset({"stdin", "stdout", "stderr", "error", "resize"})


class Flow(NamedTuple):
    """Bytes `start` to `end` of the stream `name`; equal for a message without bytes."""

    name: str
    start: int
    end: int


def give_flows(rows: Iterable[Row]) -> None:
    """Say of each row which bytes it carries."""
    positions: dict[tuple[str, str], int] = {}
    for row in rows:
        name, size = _stream_of(row)
        if not name:
            name = _passed_on(row)
        if not name:
            continue
        if name.startswith("resize"):
            size = 1  # a size has other bytes in JSON than in a call to the terminal
        key = row.top.hop, name
        start = positions.get(key, 0)
        positions[key] = start + size
        row.flow = Flow(name, start, start + size)


def same_bytes(rows: Iterable[Row]) -> dict[int, list[int]]:
    """Index of a row -> indexes of the rows of other hops with some of its bytes."""
    rows = list(rows)
    by_name: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        if row.flow is not None and row.flow.end > row.flow.start:
            by_name.setdefault(row.flow.name, []).append(index)
    found: dict[int, list[int]] = {}
    for indexes in by_name.values():
        indexes.sort(key=lambda index: _flow(rows[index]).start)
        for place, index in enumerate(indexes):
            _overlapping(rows, indexes, place, index, found)
    return found


def _overlapping(
    rows: list[Row],
    indexes: list[int],
    place: int,
    index: int,
    found: dict[int, list[int]],
) -> None:
    """Those behind `place` that begin before `index` ends."""
    flow = _flow(rows[index])
    for at in range(place + 1, min(len(indexes), place + 1 + _MOST)):
        other = indexes[at]
        if _flow(rows[other]).start >= flow.end:
            return
        if rows[other].top.hop != rows[index].top.hop:
            found.setdefault(index, []).append(other)
            found.setdefault(other, []).append(index)


def fold(rows: Iterable[Row]) -> list[Row]:
    """One row for a message that was passed on unchanged from hop to hop."""
    folded: list[Row] = []
    ends: dict[tuple[Flow, str, str], Row] = {}  # waits to be passed on from a lane
    for row in rows:
        if row.flow is None or row.start == row.end:
            folded.append(row)
            continue
        before = ends.pop((row.flow, row.top.dir, row.start), None)
        if before is None:
            before = row
            folded.append(row)
        else:
            before.others.append(row)
            before.end = row.end
        ends[row.flow, row.top.dir, before.end] = before
    return folded


def _flow(row: Row) -> Flow:
    if row.flow is None:
        raise ValueError("a row without a flow")
    return row.flow


def _stream_of(row: Row) -> tuple[str, int]:
    """The stream's name and the number of its bytes; "" for what is none."""
    for event in reversed(row.events):
        name = stream_name(event)
        if name:
            return f"{name} {event.dir}", event.len
    return "", 0


def _passed_on(row: Row) -> str:
    """What has no bytes of a stream, and is still one thing on all hops."""
    close, answer = row.find("websocket", "close"), row.find("http1", "response")
    if close is not None:
        return f"close {close.info.get('code')} {close.dir}"
    if answer is not None and answer.info.get("status") == 101:
        return f"101 {header_of(answer.info, 'sec-websocket-protocol')} {answer.dir}"
    return ""


def stream_name(event: Event) -> str:
    """The name of the stream whose bytes an event carries; "" for none."""
    match event.layer:
        case "channel" | "process" if event.type in _STREAMS:
            return event.type
        case "portforward" if event.type in ("data", "error"):
            which = event.info.get("request_id", event.channel)
            what = "" if event.type == "data" else " error"
            return f"port {event.info.get('port')} {which}{what}"
        case "channel" if event.type == "data":
            return f"port channel {event.channel}"
        case "spdy" if event.type == "data":
            name = str(event.info.get("name") or "")
            return name if name in _STREAMS else f"{name or 'data'} {event.stream}"
    return ""
