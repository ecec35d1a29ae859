"""A sequence diagram in mermaid's language, for Markdown.

Source: mermaid, docs/syntax/sequenceDiagram.md. Text of strangers could end a line or
open a comment there, so what mermaid gives a meaning is written as its entity codes
(`#35;` is `#`), as its documentation tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from traces.flows import fold, give_flows
from traces.labels import label_of
from traces.lanes import LANES, lanes_of
from traces.printable import plain, shortened
from traces.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from traces.formats.options import Options
    from traces.rows import Row
    from traces.sessions import Session

__all__ = ["render"]

_LONGEST = 64
_LONGEST_NOTE = 200
_PAUSE = 1.0
_LITERAL = frozenset(" .,/=?&()[]-_+*!'|@")
#: The arrow of a row by its kind: solid for requests and data, dotted for the rest.
_DOTTED = frozenset({"control", "conn"})


def render(sessions: Sequence[Session], options: Options) -> str:
    """A diagram a session; several are divided by an empty line, each its own."""
    return "\n".join("\n".join(_diagram(each, options)) + "\n" for each in sessions)


def _diagram(session: Session, options: Options) -> Iterator[str]:
    rows = rows_of(session, everything=options.everything)
    give_flows(rows)
    if options.fold:
        rows = fold(rows)
    used = {lane for row in rows for lane in (row.start, row.end)}
    lanes = lanes_of(row.top for row in rows)
    shown = [lane for lane in lanes if lane in used or lane in LANES]
    names = {lane: f"L{number}" for number, lane in enumerate(shown)}
    yield "sequenceDiagram"
    yield f"    title {_escaped(session.title, 120)}"
    for lane, name in names.items():
        yield f"    participant {name} as {_escaped(lane)}"
    yield from _messages(session, rows, names, options)


def _messages(
    session: Session, rows: list[Row], names: dict[str, str], options: Options
) -> Iterator[str]:
    first, last = next(iter(names.values())), list(names.values())[-1]
    half = max(1, options.most // 2) if options.most else len(rows)
    before = session.started
    for number, row in enumerate(rows):
        left_out = len(rows) - 2 * half
        if left_out > 0 and half <= number < half + left_out:
            if number == half:
                yield f"    Note over {first},{last}: {left_out} rows left out"
            continue
        if row.wall - before > _PAUSE:
            yield f"    Note over {first},{last}: {row.wall - before:.1f} s later"
        before = row.wall
        yield f"    {_message(row, names, (row.wall - session.started) * 1000)}"
        for said in (n for e in row.events for n in options.notes.get(e.seq, ())):
            yield f"    Note over {first},{last}: {_escaped(said, _LONGEST_NOTE)}"
    status = _escaped(session.status, 120)
    if status:
        yield f"    Note over {first},{last}: {status}"


def _message(row: Row, names: dict[str, str], milliseconds: float) -> str:
    label = label_of(row)
    words = f"{label.text} {label.detail}".strip()
    text = f"{_escaped(words, _LONGEST)}<br/>{milliseconds:.1f} ms"
    start, end = names[row.start], names[row.end]
    if start == end:
        return f"Note over {start}: {text}"
    arrow = "-->>" if label.kind in _DOTTED else "->>"
    if label.kind == "fault":
        arrow = "-x"
    return f"{start}{arrow}{end}: {text}"


def _escaped(text: str, limit: int = 0) -> str:
    return "".join(map(_entity, shortened(plain(text), limit)))


def _entity(character: str) -> str:
    if character.isalnum() or character in _LITERAL:
        return character
    return f"#{ord(character)};"
