"""A sequence diagram for a terminal.

   ms  client       apiserver    kubelet      runtime      process
       │            │            │            │            │
 0.00  ├───────────▶│            │            │            │  GET /api/v1/…
19.61  │            │            │            │◀───────────┤  stdout 3 B  "hi\n"
"""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING

from traces.flows import fold, give_flows
from traces.labels import Label, label_of, size_text
from traces.lanes import LANES, lanes_of
from traces.printable import plain, shortened
from traces.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from traces.formats.options import Options
    from traces.rows import Row
    from traces.sessions import Session

__all__ = ["render"]

_TIME = 10  # columns before the first lane
_GAP = 12  # between two lanes
_PAUSE = 1.0  # seconds without a row that are worth a line of their own
_COLORS = {
    "http": "36",
    "grpc": "35",
    "stdin": "33",
    "stdout": "32",
    "stderr": "31",
    "status": "1;34",
    "resize": "33",
    "control": "2",
    "conn": "2",
    "process": "1",
    "fault": "1;31",
    "data": "",
}


def render(sessions: Sequence[Session], options: Options) -> str:
    """The pictures of all sessions, one below the other."""
    return "\n".join(_Picture(session, options).draw() for session in sessions)


class _Picture:
    def __init__(self, session: Session, options: Options) -> None:
        self._session = session
        self._options = options
        rows = rows_of(session, everything=options.everything)
        give_flows(rows)
        self._rows = fold(rows) if options.fold else rows
        found = lanes_of(row.top for row in self._rows)
        self._lanes = found if len(found) > len(LANES) else LANES
        self._places = {lane: place for place, lane in enumerate(self._lanes)}

    def draw(self) -> str:
        lines = [*self._head(), *self._body(), *self._foot()]
        return "\n".join(line.rstrip() for line in lines) + "\n"

    def _head(self) -> Iterator[str]:
        session = self._session
        yield self._paint("1", f"session {plain(session.id)}")
        yield f"  {self._cut(plain(_title(session)), 2)}"
        yield f"  {self._cut(_summary(session), 2)}"
        yield ""
        names = "".join(
            shortened(plain(lane), _GAP).ljust(_GAP + 1) for lane in self._lanes
        )
        yield self._paint("1", f"{'ms':>{_TIME - 2}}  {names}")

    def _body(self) -> Iterator[str]:
        yield self._empty()
        start, last = self._session.started, None
        for row in self._shown():
            if isinstance(row, str):
                yield self._empty(row)
                continue
            if last is not None and row.wall - last > _PAUSE:
                yield self._empty(f"⋮ {row.wall - last:.1f} s later")
            last = row.wall
            yield self._line(row, (row.wall - start) * 1000)
            yield from map(self._note, self._notes(row))

    def _notes(self, row: Row) -> Iterator[str]:
        """What is to be said of the row, and of those that were folded into it."""
        for each in (row, *row.others):
            for event in each.events:
                yield from self._options.notes.get(event.seq, ())

    def _note(self, text: str) -> str:
        """Beside the lanes, on as many lines as it takes."""
        used = _TIME + (_GAP + 1) * (len(self._lanes) - 1) + 6
        width = max(40, (self._options.width or used + 80) - used)
        lines = textwrap.wrap(plain(text), width) or [""]
        rest = [self._empty(f"  {line}", "1;33") for line in lines[1:]]
        return "\n".join([self._empty(f"↳ {lines[0]}", "1;33"), *rest])

    def _foot(self) -> Iterator[str]:
        yield self._empty()
        if self._session.is_open:
            yield self._empty("… still going on")

    def _shown(self) -> Iterator[Row | str]:
        rows, most = self._rows, self._options.most
        if not most or len(rows) <= most:
            yield from rows
            return
        half = max(1, most // 2)
        yield from rows[:half]
        yield f"⋮ {len(rows) - 2 * half} rows left out"
        yield from rows[-half:]

    def _line(self, row: Row, milliseconds: float) -> str:
        label = label_of(row)
        color = _COLORS[label.kind]
        lanes = self._drawn(row, color)
        text = self._painted_label(label, color, row)
        return f"{milliseconds:>{_TIME - 2}.2f}  {lanes}  {text}"

    def _painted_label(self, label: Label, color: str, row: Row) -> str:
        used = _TIME + (_GAP + 1) * (len(self._lanes) - 1) + 4
        text = self._cut(label.text, used)
        detail = label.detail
        if row.others:
            took = (row.others[-1].wall - row.wall) * 1000
            detail = f"{detail}  {len(row.others) + 1} hops, {took:.2f} ms".strip()
        detail = self._cut(detail, used + len(text) + 2) if detail else ""
        return f"{self._paint(color, text)}  {self._paint('2', detail)}".rstrip()

    def _drawn(self, row: Row, color: str) -> str:
        """The lifelines, with the arrow across them."""
        left, right = sorted((self._places[row.start], self._places[row.end]))
        shaft = "─" * _GAP
        if left == right:
            arrow = "●"
        elif row.start == self._lanes[left]:
            arrow = "├" + "┼".join([shaft] * (right - left))[:-1] + "▶│"
        else:
            arrow = "│◀" + "┼".join([shaft] * (right - left))[1:] + "┤"
        before = ("│" + " " * _GAP) * left
        behind = (" " * _GAP + "│") * (len(self._lanes) - 1 - right)
        return f"{before}{self._paint(color, arrow)}{behind}"

    def _empty(self, note: str = "", color: str = "2") -> str:
        lifelines = ("│" + " " * _GAP) * (len(self._lanes) - 1) + "│"
        return f"{' ' * _TIME}{lifelines}  {self._paint(color, note)}".rstrip()

    def _paint(self, color: str, text: str) -> str:
        return (
            f"\x1b[{color}m{text}\x1b[0m"
            if self._options.color and color and text
            else text
        )

    def _cut(self, text: str, used: int) -> str:
        width = self._options.width
        return shortened(text, max(8, width - used)) if width else text


def _title(session: Session) -> str:
    title = session.title
    if session.command:
        title = title.partition(" -- ")[0] + " -- " + shlex.join(session.command)
    return title


def _summary(session: Session) -> str:
    over = session.transport
    if session.subprotocol:
        over = f"{over}, {session.subprotocol}"
    sizes = sum(event.len for event in session.events if event.layer == "process")
    words = [
        session.client,
        f"over {over}" if over else "",
        f"{session.duration * 1000:.1f} ms",
        f"{size_text(sizes)} in and out of the process" if sizes else "",
        session.status,
    ]
    return plain(" · ".join(filter(None, words)))
