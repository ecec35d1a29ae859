"""A terminal recording, asciicast v3: times from event to event, and the exit status.

Source: asciinema, doc/asciicast-v3.md.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from traces.formats.asciicast import codes, the_session
from traces.terminal import transcript_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from traces.formats.options import Options
    from traces.sessions import Session

__all__ = ["render"]

_EXIT = "x"


def render(sessions: Sequence[Session], options: Options) -> str:
    """The recording of one session; what was typed is in it with `everything`.

    Raises:
        RenderError: there are several sessions, or one that has no terminal.
    """
    session = the_session(sessions)
    transcript = transcript_of(session)
    header = {
        "version": 3,
        "term": {
            "cols": transcript.width,
            "rows": transcript.height,
            "type": "xterm-256color",
        },
        "timestamp": int(session.started),
        "command": shlex.join(session.command),
        "title": session.title,
    }
    events = list(codes(transcript, options.everything))
    if transcript.exit_code is not None:
        events.append((transcript.ended, _EXIT, str(transcript.exit_code)))
    lines: list[Any] = [header]
    before = 0.0
    for time, code, text in events:
        interval = round(max(0.0, time - before), 6)
        before += interval  # the sum stays true, however often it is rounded
        lines.append([interval, code, text])
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
