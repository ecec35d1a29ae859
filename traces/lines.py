"""A session, and a frame, as one line of text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from traces.lanes import arrow_of
from traces.printable import plain, shortened

if TYPE_CHECKING:
    from traces.events import Event
    from traces.facts import SessionFacts

__all__ = [
    "SESSION_HEADER",
    "clock",
    "duration",
    "event_words",
    "frame_line",
    "session_line",
    "short_id",
    "size",
]

_ROW: Final = "{:8}  {:8}  {:12} {:32}  {:>6}  {:>6}  {:>7}  {:14}  {}"
SESSION_HEADER: Final = _ROW.format(
    "STARTED", "SESSION", "VERB", "TARGET", "UP", "DOWN", "TIME", "STATUS", "CLIENT"
)
#: Characters: an error may quote a whole command, and a client call itself anything.
_LONGEST_WORDS: Final = 60
_UNITS: Final = ("B", "K", "M", "G", "T")


def session_line(facts: SessionFacts) -> str:
    """A row below `SESSION_HEADER`."""
    session = facts.session
    faults = f"  fault={','.join(session.faults)}" if session.faults else ""
    return plain(
        _ROW.format(
            clock(session.started),
            short_id(session.id),
            session.verb or "-",
            target(facts),
            size(facts.up),
            size(facts.down),
            duration(session.duration),
            shortened(session.status, _LONGEST_WORDS) or "-",
            shortened(session.client or "-", _LONGEST_WORDS) + faults,
        )
    )


def short_id(name: str) -> str:
    """Enough of a session's id to find it again.

    What has none is called like its connection, of which only all is enough.
    """
    return name if name.strip("0123456789abcdef") else name[:8]


def target(facts: SessionFacts) -> str:
    """What it is about: namespace/pod, or whatever else was asked for."""
    session = facts.session
    if session.pod:
        name = "/".join(filter(None, (session.namespace, session.pod)))
        return f"{name} {session.container}".rstrip()
    asked = session.asked
    words = (asked.resource, "/".join(filter(None, (asked.namespace, asked.pod))))
    return " ".join(filter(None, words)) or session.id


def frame_line(event: Event, start: float) -> str:
    """Milliseconds since `start` (Unix time), the lanes, the frame and what it means."""
    lanes = arrow_of(event)
    way = f"{lanes.start} → {lanes.end}" if event.dir else lanes.start
    words = f"{(event.wall - start) * 1000:10.2f}  {way:22}  {event_words(event)}"
    return plain(words)


def event_words(event: Event) -> str:
    """What it is: layer, type, numbers, facts."""
    words = [event.layer, event.type]
    if event.stream is not None:
        words.append(f"#{event.stream}")
    if event.len:
        words.append(f"({event.len} B)")
    words += _info_words(event)
    if event.fault:
        words.append(f"fault={event.fault}")
    return " ".join(words)


def _info_words(event: Event) -> list[str]:
    info = event.info
    if (event.layer, event.type) == ("http1", "request"):
        return [f"{info.get('method')} {info.get('target')}"]
    if (event.layer, event.type) == ("http1", "response"):
        return [f"{info.get('status')} {info.get('reason')}"]
    hidden = ("headers", "wire", "peer")
    return [
        f"{k}={v}" for k, v in info.items() if k not in hidden and v not in ("", {})
    ]


def clock(wall: float) -> str:
    """The local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(wall))


def duration(seconds: float) -> str:
    """Short: 12ms, 3.4s, 5m20s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"


def size(count: int) -> str:
    """Short: 12B, 3.4K, 5.0M."""
    number, unit = float(count), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{count}B" if unit == 0 else f"{number:.1f}{_UNITS[unit]}"
