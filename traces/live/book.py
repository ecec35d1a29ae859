"""The sessions that are going on and those that went by lately."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from traces.facts import SessionFacts
from traces.listing import is_shown
from traces.sessions import SessionBook

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.events import Event
    from traces.filter import Filter

__all__ = ["LiveBook"]

_MOST_SESSIONS: Final = 500
_MOST_EVENTS: Final = 200_000


class LiveBook:
    """Sessions by id, the oldest forgotten when there are too many.

    Args:
        background: whether requests count that have no session id: what the services
            ask each other all the time.
    """

    def __init__(self, *, background: bool = False) -> None:
        self._background = background
        self._book = SessionBook()
        self._facts: dict[str, SessionFacts] = {}
        self._events = 0

    def add(self, events: Iterable[Event]) -> set[str]:
        """Take events in the order of time; answers whose sessions changed."""
        changed = set()
        for event in events:
            session = self._book.add(event)
            self._events += 1
            if session.id not in self._facts:
                self._facts[session.id] = SessionFacts(session)
            changed.add(session.id)
        self._forget()
        return {id_ for id_ in changed if id_ in self._facts and self._shown(id_)}

    def get(self, id_: str) -> SessionFacts | None:
        """A session that is known, by its whole id.

        What seemed to be one for as long as its id was not known is none any more.
        """
        facts = self._facts.get(id_)
        return facts if facts is not None and facts.session.events else None

    def sessions(self, wanted: Filter | None = None) -> list[SessionFacts]:
        """Those that the filter wants, in the order of their beginnings."""
        shown = [
            facts
            for id_, facts in self._facts.items()
            if self._shown(id_)
            and facts.session.events
            and (wanted is None or wanted.matches(facts.values()))
        ]
        return sorted(shown, key=lambda facts: facts.session.started)

    def _shown(self, id_: str) -> bool:
        """A session without an id of its own is called like its connection.

        While its server has not answered it may yet be told its id, and be another.
        """
        session = self._facts[id_].session
        is_settled = session.has_id or not session.is_open
        return self._background or (is_settled and is_shown(session))

    def _forget(self) -> None:
        """Those that have ended go first; what has no id goes after a while."""
        if len(self._facts) <= _MOST_SESSIONS and self._events <= _MOST_EVENTS:
            return
        facts = sorted(self._facts.values(), key=_worth)
        keep, kept = _MOST_SESSIONS * 3 // 4, _MOST_EVENTS * 3 // 4
        while facts and (len(facts) > keep or self._events > kept):
            gone = facts.pop(0)
            self._events -= len(gone.session.events)
            del self._facts[gone.session.id]
            self._book.forget(gone.session.id)


def _worth(facts: SessionFacts) -> tuple[bool, bool, float]:
    session = facts.session
    last = session.events[-1].wall if session.events else 0.0
    return is_shown(session), session.is_open, last
