"""A row of a picture: a frame with all that the layers above make of it.

A WebSocket frame, the channel message in it and what that means in exec are three
events and one row; so are the headers, the message and the end of a gRPC call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from traces.lanes import arrow_of
from traces.requests import header_of
from traces.vantage import one_vantage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.events import Event
    from traces.flows import Flow
    from traces.sessions import Session

__all__ = ["Row", "rows_of"]

#: How high a layer stands; an event joins the row of one that is below it.
_HEIGHT = {
    "conn": 0,
    "tls": 1,
    "http1": 1,
    "websocket": 1,
    "http2": 1,
    "channel": 2,
    "spdy": 2,
    "grpc": 2,
    "portforward": 3,
    "cri": 3,
    "etcd": 3,
    "podresources": 3,
    "crilog": 3,
    "remotecommand": 4,
}
#: Of a call, what may follow in the same row within this time, in seconds.
_ONE_CALL = 0.002
_FRAMES = ("http2", "bytes")
_MESSAGES = ("binary", "continuation", "text")


@dataclass(slots=True)
class Row:
    """One line of the picture.

    Args:
        events: from the lowest layer to the highest.
        start, end: the lanes; the same twice for what goes nowhere.
        flow: which bytes of which stream it carries (`traces.flows`).
        is_part: a message of a tunnel that completes no frame of SPDY.
    """

    events: list[Event]
    start: str
    end: str
    flow: Flow | None = None
    is_part: bool = False  # of a frame that was not completed
    others: list[Row] = field(default_factory=list)  # folded into this one

    @property
    def first(self) -> Event:
        """The event of the lowest layer."""
        return self.events[0]

    @property
    def top(self) -> Event:
        """The event that says most."""
        return self.events[-1]

    @property
    def wall(self) -> float:
        """Unix time in seconds."""
        return self.events[0].wall

    @property
    def fault(self) -> str | None:
        """The fault that made it."""
        return next((event.fault for event in self.events if event.fault), None)

    @property
    def payload(self) -> Event | None:
        """The event whose bytes are the ones to show: of the highest layer with any."""
        with_data = (event for event in reversed(self.events) if event.data is not None)
        return next(with_data, None)

    @property
    def is_quiet(self) -> bool:
        """Whether only who wants every frame wants it."""
        top = self.top
        if self.fault:
            return False
        if self.is_part:
            return True
        if top.layer == "conn":
            return top.type in ("eof", "session")
        return top.layer in _FRAMES

    def find(self, layer: str, *types: str) -> Event | None:
        """The event of a layer, of one of these types if any are given."""
        for event in self.events:
            if event.layer == layer and (not types or event.type in types):
                return event
        return None


def rows_of(session: Session, *, everything: bool = False) -> list[Row]:
    """The rows of a session in the order of time, each frame as one witness saw it.

    Args:
        everything: also HTTP/2 frames without a meaning of their own, ends of
            directions, and the like.
    """
    events = (event for event in session.events if event.layer != "bytes")
    rows = _joined(one_vantage(events))
    return [row for row in rows if everything or not row.is_quiet]


def _joined(events: Iterable[Event]) -> list[Row]:
    rows: list[Row] = []
    last: dict[tuple[str, str], Row] = {}  # conn and direction -> its last row
    calls: dict[tuple[str, int | None], Row] = {}  # -> the row of its last message
    tunnels: set[str] = set()
    for event in events:
        key = event.conn, event.dir
        row = last.get(key)
        if row is None or not _joins(event, row):
            row = Row([event], *arrow_of(event))
            rows.append(row)
        else:
            row.events.append(event)
        if event.conn in tunnels:
            row.is_part = row.top.layer == "websocket" and row.top.type in _MESSAGES
        elif _opens_tunnel(event):
            tunnels.add(event.conn)
        if event.layer == "grpc":
            row = _join_call(rows, row, calls)
        last[key] = row
    return rows


def _joins(event: Event, row: Row) -> bool:
    """Whether an event is what a layer above makes of the row, or goes on with it."""
    if row.is_part and event.layer in ("websocket", "spdy"):
        return event.layer == "spdy" or event.type in _MESSAGES
    below = row.top
    if event.ts != below.ts:
        return False
    if event.layer == below.layer == "http1":
        return event.type == "body" and event.stream == below.stream
    return _HEIGHT.get(event.layer, 0) > _HEIGHT.get(below.layer, 9)


def _opens_tunnel(event: Event) -> bool:
    """SPDY in WebSocket: it is cut into messages anywhere (portforward, form B)."""
    if event.layer != "http1" or event.info.get("status") != 101:
        return False
    return header_of(event.info, "sec-websocket-protocol").startswith("SPDY/")


def _join_call(
    rows: list[Row], row: Row, calls: dict[tuple[str, int | None], Row]
) -> Row:
    """The first message belongs to the call, the status to the last message."""
    event = row.top
    key = event.conn, event.stream
    before = calls.get(key)
    calls[key] = row
    if before is None or before is row or before.top.dir != event.dir:
        return row
    pair = before.top.type, event.type
    near = event.ts - before.top.ts <= _ONE_CALL
    if pair not in (("call", "message"), ("message", "status")) or not near:
        return row
    rows.remove(row)
    before.events += row.events
    calls[key] = before
    return before
