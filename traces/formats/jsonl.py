"""The events themselves, a line each, with process and wall clock: one file of many.

`traces.reader` reads it as it reads the folder that it was made of.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from traces.events import Event
    from traces.formats.options import Options
    from traces.sessions import Session

__all__ = ["line_of", "render"]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def render(sessions: Sequence[Session], options: Options) -> str:
    """All events of the sessions, and what else their connections need, by time."""
    events = {
        event.seq: event
        for session in sessions
        for event in (*session.connection_events(), *session.events)
    }
    return "".join(f"{line_of(events[seq])}\n" for seq in sorted(events))


def line_of(event: Event) -> str:
    """One event as a line, without its end."""
    return _ENCODER.encode(event.to_object())
