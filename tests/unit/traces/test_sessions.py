"""Which events belong together, and what they say of their session."""

from __future__ import annotations

import itertools

from traces.events import Event
from traces.lines import short_id
from traces.sessions import SessionBook

ONE, TWO = "1" * 32, "2" * 32
EXEC = "/api/v1/namespaces/default/pods/web/exec?command=sh&command=-c&stdout=true"
_NUMBERS = itertools.count()


def event(layer, type_, trace=None, *, hop="kubectl-apiserver", conn="c", **fields):
    number = next(_NUMBERS)
    dir_ = {"request": "up", "response": "down"}.get(type_, fields.pop("dir", ""))
    return Event(
        ts=number / 1000,
        hop=hop,
        conn=conn,
        dir=dir_,
        layer=layer,
        type=type_,
        trace=trace,
        wall=1e9 + number / 1000,
        seq=number,
        **fields,
    )


def request(target=EXEC, trace=None, agent="kubectl/v1.36.2 (linux)", **fields):
    headers = [["User-Agent", agent]]
    info = {"method": "GET", "target": target, "headers": headers}
    return event("http1", "request", trace, info=info, **fields)


def response(status=101, trace=None, headers=(), **fields):
    info = {"status": status, "reason": "R", "headers": [list(p) for p in headers]}
    return event("http1", "response", trace, info=info, **fields)


SWITCH = [("Upgrade", "websocket"), ("Sec-WebSocket-Protocol", "v5.channel.k8s.io")]


def status(code, trace=ONE, **fields):
    cause = {"reason": "ExitCode", "message": str(code)}
    info = {
        "status": {
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "details": {"causes": [cause]},
        }
    }
    return event("remotecommand", "status", trace, info=info, dir="down", **fields)


def book(*events):
    made = SessionBook()
    for each in events:
        made.add(each)
    return made


def test_what_came_before_the_id_was_known_goes_along():
    events = [
        event("conn", "open"),
        event("tls", "established"),
        request(),
        event("conn", "session", ONE),
        response(trace=ONE),
    ]

    (session,) = book(*events).all()

    assert session.id == ONE
    assert session.events == events
    assert session.title == "exec default/web -- sh -c"
    assert session.client == "kubectl/v1.36.2"


def test_the_next_request_of_a_kept_connection_is_another_session():
    first = [
        event("conn", "open"),
        request("/api/v1/pods"),
        event("conn", "session", ONE),
    ]
    answer = [response(200, ONE), event("http1", "body", ONE, dir="down")]
    # the tap still knows the old id when the new request comes
    second = [request(trace=ONE), event("conn", "session", TWO), response(trace=TWO)]

    one, two = book(*first, *answer, *second).all()

    assert one.events == first + answer
    assert two.events == second


def test_the_body_of_the_answer_before_stays_where_it_was():
    before = [
        request("/api/v1/pods"),
        response(200),
        event("http1", "body", dir="down"),
    ]

    old, new = book(*before, request(), event("conn", "session", ONE)).all()

    assert old.events == before
    assert [each.type for each in new.events] == ["request", "session"]


def test_what_has_no_id_belongs_to_its_connection():
    made = book(request(conn="a"), request(conn="b"), response(200, conn="a"))

    assert [session.id for session in made.all()] == ["a", "b"]


def test_calls_of_several_sessions_share_a_connection():
    hop = "kubelet-cri"
    shared = event("http2", "settings", hop=hop, conn="h2")
    one = event("grpc", "call", ONE, hop=hop, conn="h2", info={"method": "/a.B/Exec"})
    two = event("grpc", "call", TWO, hop=hop, conn="h2", info={"method": "/a.B/Exec"})

    made = book(shared, one, two)

    assert made.get(ONE).events == [one]
    assert made.get("h2").events == [shared]
    assert made.get(ONE).title == "Exec"


def test_the_status_that_reached_the_client_counts():
    inner = {"hop": "apiserver-kubelet", "conn": "k"}
    events = [
        request(trace=ONE),
        request("/exec/default/web/main", ONE, **inner),
        response(trace=ONE, headers=SWITCH, **inner),
        response(trace=ONE, headers=SWITCH),
        status(3, **inner),
    ]
    cut = [event("conn", "close", ONE), event("conn", "close", ONE, **inner)]

    (lost,) = book(*events, *cut).all()
    (whole,) = book(*events, status(3), *cut).all()

    assert lost.status == "no status"
    assert (whole.status, whole.exit_code) == ("exit 3", 3)
    assert whole.container == "main"
    assert whole.subprotocol == "v5.channel.k8s.io"
    assert whole.transport == "websocket"


def test_a_session_runs_until_its_connection_closes():
    made = book(request(trace=ONE), response(trace=ONE, headers=SWITCH))
    session = made.get(ONE)

    assert (session.status, session.ended) == ("running", None)
    closing = event("conn", "close", ONE)
    made.add(closing)
    assert not session.is_open
    assert session.ended == closing.wall


def test_a_refused_stream_says_so():
    (session,) = book(request(trace=ONE), response(403, ONE)).all()

    assert session.status == "403 R"


def test_a_port_forward_has_no_status():
    target = "/api/v1/namespaces/d/pods/p/portforward"
    events = [
        request(target, ONE),
        response(trace=ONE, headers=[("Upgrade", "SPDY/3.1")]),
    ]

    (session,) = book(*events, event("conn", "close", ONE)).all()

    assert (session.verb, session.status) == ("port-forward", "closed")
    assert session.transport == "spdy"


def test_a_log_that_is_over_is_over_on_a_connection_that_is_kept():
    target = "/api/v1/namespaces/d/pods/p/log"
    lines = [
        request(target, ONE),
        response(200, ONE),
        event("crilog", "lines", ONE, dir="down"),
    ]
    end = event("crilog", "end", ONE, dir="down")

    (following,) = book(*lines).all()
    (over,) = book(*lines, end).all()

    assert following.status == "running"
    assert (over.status, over.is_open) == ("200 R", False)


def test_a_log_whose_client_left_before_its_end_was_closed():
    target = "/api/v1/namespaces/d/pods/p/log?follow=true"
    events = [request(target, ONE), response(200, ONE), event("conn", "close", ONE)]

    (left,) = book(*events).all()

    assert (left.verb, left.status, left.is_open) == ("logs", "closed", False)


def test_the_name_of_a_session_in_a_line_finds_it_again():
    assert short_id(ONE) == "11111111"
    assert short_id("apiserver-57-12") == "apiserver-57-12"


def test_a_forgotten_session_leaves_nothing_behind():
    made = book(event("conn", "open"), request(trace=ONE), response(trace=ONE))

    made.forget(ONE)

    assert made.all() == []
    assert made.connections == {}
