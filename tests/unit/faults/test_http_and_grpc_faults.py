"""Faults on requests, handshakes and calls."""

from __future__ import annotations

import pytest

from hops.hop import Hop
from tests.support.fault_rules import rule
from tests.unit.faults.conversations import (
    DOWN,
    EXEC,
    GRANTED,
    UP,
    Struck,
    grpc_session,
    joined,
    websocket_session,
)
from wire.grpc_messages import GrpcMessageReader, grpc_status
from wire.http1 import HeadReader, get_header
from wire.http2 import Http2FrameType, Http2Reader

GET = (
    b"GET /api/v1/namespaces/ns/pods HTTP/1.1\r\nHost: a\r\nUser-Agent: curl/8\r\n\r\n"
)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def read_head(data):
    reader = HeadReader("response")
    return reader.receive_data(data), reader.leftover


def test_a_request_is_answered_here_and_does_not_reach_the_server():
    answer = rule(
        "http_answer",
        status=404,
        body="<html>",
        content_type="text/html",
        headers={"Server": "nginx"},
    )

    struck = Struck(answer).play([(UP, EXEC)])

    head, body = read_head(struck.bytes(DOWN))
    assert (head.status, head.reason, body) == (404, "Not Found", b"<html>")
    assert get_header(head.headers, "content-type") == "text/html"
    assert get_header(head.headers, "server") == "nginx"
    assert struck.bytes(UP) == b""


def test_the_connection_goes_on_after_an_answer_of_ours():
    answer = rule("http_answer", status=503, selector={"method": "POST"})
    post = b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
    struck = Struck(answer)

    struck.play(
        [(UP, post), (UP, b"hello" + GET), (DOWN, OK), (UP, post), (UP, b"again")]
    )

    assert struck.bytes(UP) == GET
    statuses = struck.bytes(DOWN).split(b"HTTP/1.1 ")[1:]
    assert [s[:3] for s in statuses] == [b"503", b"200", b"503"]


def test_head_has_no_body():
    answer = rule("http_answer", status=500, body="long")

    struck = Struck(answer).play([(UP, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")])

    head, body = read_head(struck.bytes(DOWN))
    assert (get_header(head.headers, "content-length"), body) == ("4", b"")


def test_an_answer_may_close():
    struck = Struck(rule("http_answer", close=True)).play([(UP, GET), (UP, GET)])

    assert struck.bytes(DOWN).count(b"HTTP/1.1 503") == 1
    assert struck.ended(DOWN)
    assert struck.ended(UP)


def test_what_follows_a_refused_upgrade_is_dropped():
    struck = Struck(rule("http_answer", status=403)).play(
        [(UP, EXEC + b"\x82\x80abcd")]
    )

    assert struck.bytes(UP) == b""
    assert b"403 Forbidden" in struck.bytes(DOWN)


def test_the_status_of_an_answer_is_another():
    struck = Struck(rule("http_status", status=429, reason="Slow Down"))

    struck.play([(UP, GET), (DOWN, OK)])

    assert struck.bytes(DOWN) == OK.replace(b"200 OK", b"429 Slow Down")


def test_an_upgrade_that_becomes_an_error_is_an_answer_with_an_end():
    struck = Struck(rule("http_status", status=500)).play(websocket_session())

    assert struck.bytes(DOWN).startswith(
        b"HTTP/1.1 500 Internal Server Error\r\n"
        b"Content-Length: 0\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ({"header": "user-agent", "action": "remove"}, b"User-Agent: curl/8\r\n", b""),
        ({"header": "X-New", "value": "1"}, b"\r\n\r\n", b"\r\nX-New: 1\r\n\r\n"),
        (
            {"header": "Host", "value": "b", "action": "append"},
            b"\r\n\r\n",
            b"\r\nHost: b\r\n\r\n",
        ),
    ],
)
def test_a_header_is_another(options, before, after):
    struck = Struck(rule("http_header", **options)).play([(UP, GET)])

    assert struck.bytes(UP) == GET.replace(before, after)


@pytest.mark.parametrize("value", ["", "v4.channel.k8s.io"])
def test_the_handshake_names_another_subprotocol(value):
    struck = Struck(rule("subprotocol", value=value)).play(
        [(UP, EXEC), (DOWN, GRANTED)]
    )

    head, _ = read_head(struck.bytes(DOWN))
    assert get_header(head.headers, "sec-websocket-protocol") == (value or None)


def test_after_the_upgrade_nothing_passes():
    struck = Struck(rule("upgrade_silence")).play(websocket_session())

    assert struck.bytes(DOWN) == GRANTED
    assert struck.bytes(UP) == EXEC


def test_a_long_body_is_refused_by_its_length_or_when_it_comes():
    limit = rule("body_limit", bytes=4)
    post = b"POST / HTTP/1.1\r\nHost: a\r\n"

    told = Struck(limit).play([(UP, post + b"Content-Length: 5\r\n\r\nhello")])
    chunked = Struck(limit).play(
        [
            (UP, post + b"Transfer-Encoding: chunked\r\n\r\n"),
            (UP, b"5\r\nhello\r\n0\r\n\r\n"),
        ]
    )
    short = Struck(limit).play([(UP, post + b"Content-Length: 2\r\n\r\nhi")])

    assert b" 413 " in told.bytes(DOWN)
    assert told.bytes(UP) == b""
    assert b" 413 " in chunked.bytes(DOWN)
    assert short.bytes(DOWN) == b""


def test_only_the_requests_that_are_meant_are_struck():
    answer = rule(
        "http_answer", selector={"client": "kubectl", "pod": "web", "verb": "exec"}
    )

    struck = Struck(answer).play([(UP, GET), (DOWN, OK), (UP, EXEC)])

    assert struck.bytes(UP) == GET
    assert struck.bytes(DOWN).startswith(OK)
    assert b" 503 " in struck.bytes(DOWN)


def grpc(*rules):
    return Struck(*rules, hop=Hop.KUBELET_CRI)


def frames(struck, direction):
    return Http2Reader(client=direction is UP).receive_data(struck.bytes(direction))


def test_a_call_is_answered_with_a_code_and_the_others_go_on():
    fault = rule(
        "grpc_status",
        "kubelet-cri",
        method="Exec",
        code="NOT_FOUND",
        message="ünknown %",
        count=1,
    )
    script = grpc_session()
    struck = grpc(fault)

    struck.play(script[:4] + script[7:9])

    up = frames(struck, UP)
    assert {f.stream for f in up} == {0, 3}
    assert [dict(f.headers)[":path"] for f in up if f.headers] == [
        "/runtime.v1.RuntimeService/Exec"  # the test's second call takes the same path
    ]
    down = frames(struck, DOWN)
    (trailers,) = [f for f in down if f.stream == 1 and f.headers]
    assert grpc_status(trailers.headers) == (5, "%C3%BCnknown %25")
    assert trailers.end_stream


def test_the_window_of_a_dropped_message_is_given_back():
    fault = rule("grpc_status", "kubelet-cri", method="Exec")
    script = grpc_session()

    struck = grpc(fault).play(script[:4])

    updates = [
        f for f in frames(struck, DOWN) if f.type == Http2FrameType.WINDOW_UPDATE
    ]
    size = len(script[3][1]) - 9
    assert [(f.stream, int.from_bytes(f.data)) for f in updates] == [
        (0, size),
        (1, size),
    ]


def test_an_answer_comes_late_and_holds_up_no_other_call():
    fault = rule(
        "grpc_delay",
        "kubelet-cri",
        method="/runtime.v1.RuntimeService/Exec",
        delay=500,
        count=1,
    )
    script = grpc_session()
    struck = grpc(fault)

    struck.play(script)
    early = {f.stream for f in frames(struck, DOWN)}
    struck.wait(1.0)
    after = frames(struck, DOWN)

    assert early == {0, 3}
    assert [f.stream for f in after if f.stream] == [3, 3, 3, 1, 1, 1]
    assert [f.headers for f in after if f.stream == 1 and f.headers] == [
        ((":status", "200"), ("content-type", "application/grpc")),
        (("grpc-status", "0"),),
    ]


@pytest.mark.parametrize(
    ("how", "kept"), [("dead", b"http://127.0.0.1:00001/exec/abcdef12"), ("used", None)]
)
def test_the_streaming_url_leads_nowhere(how, kept):
    struck = grpc(rule("stream_url", "kubelet-cri", how=how)).play(grpc_session())

    data = [f.data for f in frames(struck, DOWN) if f.stream == 1 and not f.headers]
    (message,) = GrpcMessageReader().receive_data(data[0])
    url = message.data[2:]
    assert len(url) == len(b"http://127.0.0.1:40000/exec/abcdef12")
    if kept:
        assert url == kept
    else:
        assert url.startswith(b"http://127.0.0.1:40000/exec/")
        assert not url.endswith(b"/abcdef12")


def test_a_call_that_is_not_meant_is_not_touched():
    script = grpc_session()

    struck = grpc(rule("grpc_status", "kubelet-cri", method="Attach")).play(script)

    assert struck.bytes(UP) == joined(script, UP)
    assert struck.bytes(DOWN) == joined(script, DOWN)
