"""`mini-kube trace list`: the sessions of a trace, a line each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from traces.facts import SessionFacts
from traces.lines import SESSION_HEADER, session_line

if TYPE_CHECKING:
    from traces.filter import Filter
    from traces.reader import Trace
    from traces.sessions import Session

__all__ = ["is_shown", "print_sessions", "wanted_sessions"]


def print_sessions(trace: Trace, wanted: Filter, *, everything: bool, form: str) -> int:
    """Print those that the filter wants, oldest first, as `text` or `json` lines."""
    chosen = wanted_sessions(trace, wanted, everything=everything)
    if form == "json":
        for facts in chosen:
            print(json.dumps(_row(facts)))
        return 0
    print(SESSION_HEADER)
    for facts in chosen:
        print(session_line(facts))
    return 0


def wanted_sessions(
    trace: Trace, wanted: Filter, *, everything: bool = False
) -> list[SessionFacts]:
    """Those that the filter wants; without `everything`, those with a session id."""
    sessions = [each for each in trace.sessions if everything or is_shown(each)]
    return [
        facts for facts in map(SessionFacts, sessions) if wanted.matches(facts.values())
    ]


def is_shown(session: Session) -> bool:
    """Whether it is a client's: it has an id of the client's own, or asks for a stream.

    What has no id is called like its connection: requests that were refused before a
    session began, and what the services ask each other all the time.
    """
    has_id = not session.id.strip("0123456789abcdef")
    return session.asked.is_streaming or (has_id and not session.is_named_by_server)


def _row(facts: SessionFacts) -> dict[str, object]:
    session = facts.session
    return {
        "session": session.id,
        "started": session.started,
        "ended": session.ended,
        "verb": session.verb,
        "namespace": session.namespace,
        "pod": session.pod,
        "container": session.container,
        "command": list(session.command),
        "client": session.client,
        "subprotocol": session.subprotocol,
        "status": session.status,
        "exit_code": session.exit_code,
        "hops": list(session.hops),
        "faults": list(session.faults),
        "frames": facts.frames,
        "bytes_up": facts.up,
        "bytes_down": facts.down,
    }
