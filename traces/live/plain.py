"""Live sessions and frames as lines of text: for pipes, and terminals without Textual."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

from traces.events import Event
from traces.facts import facts_of_event
from traces.lines import SESSION_HEADER, frame_line, session_line
from traces.live.book import LiveBook
from traces.live.feed import EventsLost, ServiceJoined, ServiceLeft, ServiceRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.facts import SessionFacts
    from traces.filter import Filter
    from traces.live.feed import LiveFeed, News

__all__ = ["follow_frames", "follow_sessions", "news_text"]

#: A session is told once when it ends, and once before if it goes on for so long.
_PATIENCE: Final = 1.0


def news_text(news: News) -> str:
    """What a person should know of a service; "" for nothing."""
    match news:
        case ServiceLeft(service):
            return f"{service} is gone; waiting for it to come back"
        case ServiceJoined(service, again=True):
            return f"{service} is back"
        case ServiceRefused(service, reason):
            return f"{service} does not tell its events: {reason}"
        case EventsLost(service, count):
            return f"{service}: {count} events were lost, they came too fast"
    return ""


def follow_sessions(feed: LiveFeed, wanted: Filter, *, background: bool) -> None:
    """Print a line for each session, for ever: when it ends, or is still open after 1 s."""
    book = LiveBook(background=background)
    told: dict[str, str] = {}
    news = feed.join()
    print(SESSION_HEADER, flush=True)
    while True:
        _tell_services(news)
        changed = book.add(one for one in news if isinstance(one, Event))
        candidates = changed | {id_ for id_, text in told.items() if text == ""}
        for facts in filter(None, map(book.get, sorted(candidates))):
            _tell_session(facts, wanted, told)
        sys.stdout.flush()
        news = feed.read(_PATIENCE / 2)


def _tell_session(facts: SessionFacts, wanted: Filter, told: dict[str, str]) -> None:
    session = facts.session
    known = told.setdefault(session.id, "")
    if session.is_open and time.time() - session.started < _PATIENCE:
        return
    if session.status != known and wanted.matches(facts.values()):
        print(session_line(facts))
    told[session.id] = session.status


def follow_frames(
    feed: LiveFeed, name: str, wanted: Filter, known: Iterable[Event] = ()
) -> int:
    """Print the frames of one session until it has ended.

    Args:
        name: the id or its beginning, or `next` for the one that begins next.
        known: events of the session that were there before.
    """
    book = LiveBook()
    book.add(known)
    shown: dict[int, None] = {}
    target: SessionFacts | None = None
    told_of_waiting = False
    news = feed.join()
    while True:
        _tell_services(news)
        book.add(one for one in news if isinstance(one, Event))
        if target is None:
            target = _find(book, name)
        if target is not None:
            _print_frames(target, wanted, shown)
            if not target.session.is_open:
                return 0
        elif not told_of_waiting:
            print("waiting for a session to begin ...", file=sys.stderr)
            told_of_waiting = True
        news = feed.read(None)


def _find(book: LiveBook, name: str) -> SessionFacts | None:
    for facts in book.sessions():
        streams = facts.session.asked.is_streaming
        if facts.session.id.startswith(name) or (name == "next" and streams):
            return facts
    return None


def _print_frames(facts: SessionFacts, wanted: Filter, shown: dict[int, None]) -> None:
    for event in list(facts.session.events):
        if id(event) in shown:
            continue
        shown[id(event)] = None
        if event.layer != "bytes" and wanted.matches(facts_of_event(event)):
            print(frame_line(event, facts.session.started))
    sys.stdout.flush()


def _tell_services(news: list[News]) -> None:
    for one in news:
        if isinstance(one, Event):
            continue
        if text := news_text(one):
            print(f"mini-kube: {text}", file=sys.stderr, flush=True)
