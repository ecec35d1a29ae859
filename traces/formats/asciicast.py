"""A terminal recording, asciicast v2: for `asciinema play`.

Source: asciinema, doc/asciicast-v2.md. The format has no exit status; a marker tells it.
"""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from traces.formats.errors import RenderError
from traces.terminal import Transcript, transcript_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from traces.formats.options import Options
    from traces.sessions import Session

__all__ = ["codes", "render", "the_session"]


def render(sessions: Sequence[Session], options: Options) -> str:
    """The recording of one session; what was typed is in it with `everything`.

    Raises:
        RenderError: there are several sessions, or one that has no terminal.
    """
    session = the_session(sessions)
    transcript = transcript_of(session)
    lines = [_header(session, transcript), *_events(transcript, options.everything)]
    if transcript.exit_code is not None:
        lines.append([round(transcript.ended, 6), "m", f"exit {transcript.exit_code}"])
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def the_session(sessions: Sequence[Session]) -> Session:
    """The one that can be recorded."""
    if len(sessions) != 1:
        raise RenderError("a terminal recording holds one session: name it")
    if sessions[0].verb not in ("exec", "attach"):
        raise RenderError(
            f"a terminal recording needs exec or attach, not {sessions[0].title}"
        )
    return sessions[0]


def codes(transcript: Transcript, with_input: bool) -> Iterator[tuple[float, str, str]]:
    """(seconds, code, text) as both versions of the format know them."""
    letters = {"output": "o", "input": "i", "resize": "r"}
    for moment in transcript.moments:
        if moment.kind != "input" or with_input:
            yield moment.time, letters[moment.kind], moment.text


def _header(session: Session, transcript: Transcript) -> dict[str, Any]:
    return {
        "version": 2,
        "width": transcript.width,
        "height": transcript.height,
        "timestamp": int(session.started),
        "duration": round(transcript.ended, 6),
        "command": shlex.join(session.command),
        "title": session.title,
        "env": {"TERM": "xterm-256color"},
    }


def _events(transcript: Transcript, with_input: bool) -> Iterator[list[Any]]:
    for time, code, text in codes(transcript, with_input):
        yield [round(time, 6), code, text]
