"""What the tabs say, as text: request, one frame, timing, reasons."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from rich.text import Text

from traces.labels import label_of
from traces.lines import duration, size
from traces.printable import plain
from traces.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from traces.events import Event
    from traces.explain.explanation import Explanation
    from traces.facts import SessionFacts
    from traces.rows import Row
    from traces.sessions import Session

__all__ = ["reasons_text", "request_text", "row_text", "timing_text"]

_COLORS = {"failure": "bold red", "wait": "bold yellow", "note": "bold cyan"}
_BAR = 40


def request_text(facts: SessionFacts) -> Text:
    """What was asked for, and each request and answer with its headers."""
    session = facts.session
    text = Text()
    for name, value in (
        ("session", session.id),
        ("verb", session.verb),
        ("pod", "/".join(filter(None, (session.namespace, session.pod)))),
        ("container", session.container),
        ("command", json.dumps(list(session.command)) if session.command else ""),
        ("client", session.client),
        ("over", " ".join(filter(None, (session.transport, session.subprotocol)))),
        ("status", session.status),
        ("hops", ", ".join(session.hops)),
        ("faults", ", ".join(session.faults)),
        ("bytes", f"{size(facts.up)} up, {size(facts.down)} down"),
    ):
        if value:
            text.append(f"{name:12}", style="bold")
            text.append(f"{plain(value)}\n")
    for row in rows_of(session):
        event = row.find("http1", "request", "response")
        if event is not None:
            _append_head(text, event)
    return text


def _append_head(text: Text, event: Event) -> None:
    info = event.info
    if event.type == "request":
        line = f"{info.get('method')} {info.get('target')}"
        text.append(f"\n{event.hop}\n", style="dim")
    else:
        line = f"{info.get('status')} {info.get('reason')}"
    text.append(f"{plain(line)}\n", style="cyan")
    headers = info.get("headers")
    for pair in headers if isinstance(headers, list) else ():
        text.append(f"  {plain(': '.join(map(str, pair)))}\n")


def row_text(row: Row) -> Text:
    """All events of a frame, their facts, and the bytes."""
    text = Text()
    for event in row.events:
        number = "" if event.stream is None else f" #{event.stream}"
        text.append(f"{event.layer} {event.type}{number}", style="bold")
        text.append(f"  {event.hop} {event.dir} {plain(event.conn)} {event.len} B\n")
        if event.info:
            shown = json.dumps(event.info, indent=2, ensure_ascii=False)
            text.append("".join(plain(line) + "\n" for line in shown.splitlines()))
    payload = row.payload
    if payload is not None and payload.payload:
        text.append(hexdump(payload.payload), style="green")
        if payload.is_cut:
            rest = payload.len - len(payload.payload)
            text.append(f"... {rest} more bytes were not kept\n", style="dim")
    return text


def hexdump(data: bytes, most: int = 4096) -> str:
    """Sixteen bytes a line."""
    lines = []
    for start in range(0, min(len(data), most), 16):
        piece = data[start : start + 16]
        shown = "".join(chr(b) if 32 <= b < 127 else "." for b in piece)
        lines.append(f"{start:06x}  {piece.hex(' '):47}  {shown}\n")
    return "".join(lines)


def timing_text(session: Session) -> Text:
    """When each hop began and ended, as bars on one scale; then the longest pauses."""
    text = Text()
    whole = max(session.duration, 1e-6)
    for hop in session.hops:
        times = [event.wall for event in session.events if event.hop == hop]
        first, last = min(times) - session.started, max(times) - session.started
        left = min(_BAR - 1, int(first / whole * _BAR))
        width = max(1, min(_BAR - left, round((last - first) / whole * _BAR)))
        bar = " " * left + "█" * width
        text.append(f"{hop:22} ", style="bold")
        text.append(f"{bar:{_BAR}}", style="cyan")
        text.append(f" {duration(first):>6} +{duration(last - first)}\n")
    text.append("\nThe longest pauses\n", style="bold")
    for pause, row in _pauses(rows_of(session))[:8]:
        text.append(f"{duration(pause):>8}  before {label_of(row).text}\n")
    return text


def _pauses(rows: Sequence[Row]) -> list[tuple[float, Row]]:
    pauses = [(row.wall - before.wall, row) for before, row in itertools.pairwise(rows)]
    return sorted(pauses, key=lambda pair: -pair[0])


def reasons_text(reasons: Iterable[Explanation], start: float) -> Text:
    """Each explanation with its rule and time."""
    text = Text()
    for one in reasons:
        text.append(f"{(one.at.wall - start) * 1000:10.2f} ms  ", style="dim")
        text.append(f"{one.rule}\n", style=_COLORS[one.kind])
        text.append(f"  {one.text}\n\n")
    return text or Text("Nothing in this session waited or failed.")
