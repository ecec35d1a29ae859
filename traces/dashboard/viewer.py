"""One browser: what it looks at, and what it has still to be told.

To the browser, a JSON object a message:

    {"sessions": [ROW ...], "gone": [ID ...]}   rows that are new or other
    {"picture": PICTURE, "reasons": [...]}      of the session that is looked at
    {"news": TEXT}                              about a service
    {"filter": TEXT}                            what is wrong with the filter; "" nothing

From it: {"watch": ID or null} and {"filter": TEXT}. There is nothing else to say.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from traces.explain.engine import explain
from traces.filter import FilterError, parse_filter
from traces.lines import duration, size, target
from traces.live.pace import Pace
from traces.picture import picture_of

if TYPE_CHECKING:
    from traces.facts import SessionFacts
    from traces.live.book import LiveBook
    from traces.sessions import Session

__all__ = ["Viewer"]

#: Of a longer session no picture is drawn again and again.
_MOST_EVENTS: Final = 20_000
_LONGEST_FILTER: Final = 1000
_LEAST: Final = 0.2  # seconds between two pictures


class Viewer:
    """Says what to send; it neither sends nor receives."""

    def __init__(self, book: LiveBook) -> None:
        self._book = book
        self._wanted = parse_filter("")
        self._rows: dict[str, dict[str, Any]] = {}  # as they were told
        self._watched = ""
        self._drawn = 0  # events in the picture that was told
        self._reasons: list[Any] = []
        self._said: list[dict[str, Any]] = []
        self._pace = Pace(_LEAST)

    def take(self, message: str) -> None:
        """The browser said something; what is none of ours is passed over."""
        try:
            asked = json.loads(message)
        except (ValueError, RecursionError):
            return
        if not isinstance(asked, dict):
            return
        if "watch" in asked:
            self._watched = str(asked["watch"] or "")
            self._drawn, self._reasons = 0, []
            self._pace = Pace(_LEAST)
        if isinstance(asked.get("filter"), str):
            self._filter(asked["filter"][:_LONGEST_FILTER])

    def note(self, text: str) -> None:
        """News of a service."""
        self._said.append({"news": text})

    def messages(self) -> list[dict[str, Any]]:
        """What has changed since the last call."""
        said, self._said = self._said, []
        if changes := self._changes():
            said.append(changes)
        if picture := self._picture():
            said.append(picture)
        return said

    def _filter(self, text: str) -> None:
        try:
            self._wanted = parse_filter(text)
        except FilterError as err:
            self._said.append({"filter": str(err)})
        else:
            self._said.append({"filter": ""})

    def _changes(self) -> dict[str, Any]:
        rows = {f.session.id: _row(f) for f in self._book.sessions(self._wanted)}
        changed = [row for id_, row in rows.items() if self._rows.get(id_) != row]
        gone = [id_ for id_ in self._rows if id_ not in rows]
        self._rows = rows
        return {"sessions": changed, "gone": gone} if changed or gone else {}

    def _picture(self) -> dict[str, Any]:
        facts = self._book.get(self._watched) if self._watched else None
        if facts is None:
            return {}
        session = facts.session
        is_new = len(session.events) != self._drawn
        # what an open session waits for shows by nothing coming
        if not self._pace.ready or not (is_new or session.is_open):
            return {}
        with self._pace.run():
            return self._drawing(session, is_new=is_new)

    def _drawing(self, session: Session, *, is_new: bool) -> dict[str, Any]:
        now = time.monotonic() if session.is_open else None
        notes: dict[int, list[str]] = {}
        found = explain(session.events, now)
        for one in found:
            notes.setdefault(one.at.seq, []).append(one.text)
        reasons = [
            {
                "rule": one.rule,
                "kind": one.kind,
                "text": one.text,
                "t": round((one.at.wall - session.started) * 1000, 3),
            }
            for one in found
        ]
        if not is_new and [r["rule"] for r in reasons] == self._reasons:
            return {}
        self._drawn = len(session.events)
        self._reasons = [r["rule"] for r in reasons]
        told: dict[str, Any] = {"watched": session.id, "reasons": reasons}
        if is_new and len(session.events) <= _MOST_EVENTS:
            told["picture"] = picture_of(session, notes=notes)
        return told


def _row(facts: SessionFacts) -> dict[str, Any]:
    session = facts.session
    return {
        "id": session.id,
        "started": session.started,
        "verb": session.verb,
        "target": target(facts),
        "command": " ".join(session.command),
        "status": session.status,
        "open": session.is_open,
        "exit": session.exit_code,
        "up": size(facts.up),
        "down": size(facts.down),
        "time": duration(session.duration),
        "client": session.client,
        "faults": list(session.faults),
    }
