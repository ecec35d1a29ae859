"""Which sessions are shown while they go on."""

from __future__ import annotations

from tests.unit.traces.test_sessions import ONE, event, request, response
from traces.live.book import LiveBook

CONNECTION = "kubectl-apiserver-7"


def shown(book):
    return [facts.session.id for facts in book.sessions()]


def test_a_request_is_not_shown_until_its_session_is_known():
    book = LiveBook()

    book.add([request(conn=CONNECTION)])
    assert shown(book) == []

    book.add([event("conn", "session", ONE, conn=CONNECTION)])
    assert shown(book) == [ONE]


def test_a_request_that_was_refused_before_its_session_began_is_shown():
    book = LiveBook()

    book.add([request(conn=CONNECTION), response(403, conn=CONNECTION)])

    assert shown(book) == [CONNECTION]


def test_a_request_that_its_server_named_for_what_is_behind_it_is_background():
    list_, given = "/api/v1/namespaces/d/pods", ("traceparent", "00-…")
    asked = request(list_, conn=CONNECTION)
    named = event("conn", "session", ONE, conn=CONNECTION)
    theirs = request(list_, ONE, conn=CONNECTION)
    theirs.info["headers"].append(list(given))
    plain, background, own = LiveBook(), LiveBook(background=True), LiveBook()

    plain.add([asked, named])
    background.add([asked, named])
    own.add([theirs])

    assert shown(plain) == []
    assert shown(background) == [ONE]
    assert shown(own) == [ONE]
