import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops.hop import Hop
from hops.pipe import Direction
from hops.taps.connection import ConnectionTap
from hops.trace import MemorySink, TraceEvent
from hops.trace_sinks import JsonLinesSink
from rpc import cri_v1_pb2 as cri
from tests.unit.wire.splits import cut_lists, pieces
from wire.exit_status import exited
from wire.http2 import PREFACE
from wire.remotecommand import RemoteCommandClient, RemoteCommandServer, StreamOptions
from wire.terminal import TerminalSize

UP, DOWN = Direction.UP, Direction.DOWN
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TTY = StreamOptions(stdin=True, stdout=True, tty=True)

UPGRADE = (
    b"GET /api/v1/namespaces/default/pods/p/exec?command=sh HTTP/1.1\r\n"
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Authorization: Bearer secret\r\n"
    b"traceparent: 00-" + TRACE.encode() + b"-00f067aa0ba902b7-01\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
)


class Tapped:
    """A tap and what it told."""

    def __init__(self, hop=Hop.KUBECTL_APISERVER):
        self.sink = MemorySink()
        self.tap = ConnectionTap(self.sink, hop, "c-1")

    def feed(self, direction, data, cuts=()):
        for piece in pieces(data, cuts):
            self.tap.feed(direction, piece, 1.5)

    @property
    def told(self):
        return [(e.dir, e.layer, e.type) for e in self.sink.events]

    def of(self, layer):
        return [event for event in self.sink.events if event.layer == layer]


def exec_session():
    """(bytes up, bytes down) of a session after its handshake."""
    client = RemoteCommandClient("v5.channel.k8s.io", TTY)
    server = RemoteCommandServer("v5.channel.k8s.io", TTY)
    client.send_resize(TerminalSize(80, 24))
    client.send_stdin(b"ls\r")
    client.close_stdin()
    client.ping()
    server.start()
    server.send_stdout(b"file\r\n")
    server.send_result(exited(7))
    server.close()
    return b"".join(client.data_to_send()), b"".join(server.data_to_send())


@given(cut_lists(), cut_lists())
def test_an_exec_session_is_told_layer_by_layer(cuts_up, cuts_down):
    tapped = Tapped()
    up, down = exec_session()

    tapped.feed(UP, UPGRADE, cuts_up)
    tapped.feed(DOWN, SWITCHED + down, cuts_down)
    tapped.feed(UP, up, cuts_up)

    assert tapped.told == [
        ("up", "http1", "request"),
        ("down", "http1", "response"),
        ("down", "websocket", "binary"),
        ("down", "channel", "stdout"),
        ("down", "remotecommand", "ready"),
        ("down", "websocket", "binary"),
        ("down", "channel", "stdout"),
        ("down", "websocket", "binary"),
        ("down", "channel", "error"),
        ("down", "remotecommand", "status"),
        ("down", "websocket", "close"),
        ("up", "websocket", "binary"),
        ("up", "channel", "resize"),
        ("up", "remotecommand", "resize"),
        ("up", "websocket", "binary"),
        ("up", "channel", "stdin"),
        ("up", "websocket", "binary"),
        ("up", "channel", "close"),
        ("up", "remotecommand", "close"),
        ("up", "remotecommand", "stdin_end"),
        ("up", "websocket", "ping"),
    ]
    meaning = {event.type: event.info for event in tapped.of("remotecommand")}
    assert meaning["resize"] == {"width": 80, "height": 24}
    assert meaning["close"] == {"channel": "stdin"}
    assert meaning["status"]["status"]["reason"] == "NonZeroExitCode"


def test_all_events_of_a_session_have_its_id():
    tapped = Tapped()

    tapped.feed(UP, UPGRADE)
    tapped.feed(DOWN, SWITCHED + exec_session()[1])

    assert {event.trace for event in tapped.sink.events} == {TRACE}


def test_a_session_can_be_bound_when_the_bytes_do_not_say_it():
    tapped = Tapped()
    tapped.feed(UP, b"GET / HTTP/1.1\r\n\r\n")

    tapped.tap.bind_session(TRACE)
    tapped.feed(DOWN, b"HTTP/1.1 204 No Content\r\n\r\n")

    assert [event.trace for event in tapped.sink.events] == [None, TRACE, TRACE]


def test_secrets_do_not_reach_the_trace():
    tapped = Tapped()

    tapped.feed(UP, UPGRADE)

    (event,) = tapped.sink.events
    assert "secret" not in event.to_json()
    assert ["Authorization", "Bearer ***"] in event.info["headers"]


def test_kept_connections_number_their_requests():
    tapped = Tapped()
    for _ in range(2):
        tapped.feed(UP, b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
        tapped.feed(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    tapped.feed(UP, b"HEAD /b HTTP/1.1\r\n\r\n")
    tapped.feed(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")

    assert [
        (e.dir, e.type, e.stream, e.len) for e in tapped.sink.events if e.type == "body"
    ] == [
        ("up", "body", 1, 3),
        ("down", "body", 1, 2),
        ("up", "body", 2, 3),
        ("down", "body", 2, 2),
    ]
    assert tapped.sink.events[-1].stream == 3


def test_a_refused_upgrade_goes_on_as_http():
    tapped = Tapped()

    tapped.feed(UP, UPGRADE + b"GET /next HTTP/1.1\r\n\r\n")
    tapped.feed(DOWN, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    tapped.feed(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    assert [event.type for event in tapped.sink.events] == [
        "request",
        "response",
        "request",
        "response",
    ]


def test_an_early_frame_waits_for_the_answer():
    tapped = Tapped()

    tapped.feed(UP, UPGRADE + exec_session()[0])
    assert tapped.told == [("up", "http1", "request")]
    tapped.feed(DOWN, SWITCHED)

    assert ("up", "remotecommand", "resize") in tapped.told


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"PRI * JTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_cannot_be_decoded_is_told_as_raw(data):
    tapped = Tapped()

    tapped.feed(UP, data)
    tapped.feed(DOWN, b"more")

    assert [kind for _, layer, kind in tapped.told if layer == "raw"] == [
        "undecodable",
        "data",
    ]


def test_what_is_wrong_with_a_head_is_told_without_its_credentials():
    tapped = Tapped()

    tapped.feed(UP, b"GET / HTTP/1.1\r\nAuthorization : Bearer hush\r\n\r\n")

    (raw,) = [event for event in tapped.sink.events if event.layer == "raw"]
    assert "Authorization" in raw.info["error"]
    assert "hush" not in raw.info["error"]
    assert b"hush" not in base64.b64decode(raw.data)


def test_the_end_tells_how_much_went_by():
    tapped = Tapped()
    tapped.tap.connected({"peername": ["127.0.0.1", 1]}, 0.0)
    tapped.feed(UP, b"GET / HTTP/1.1\r\n\r\n")

    tapped.tap.eof(UP, 2.0)
    tapped.tap.lost("Connection reset by peer", 3.0)

    assert tapped.told[0] == ("", "conn", "open")
    assert tapped.told[-2:] == [("up", "conn", "eof"), ("", "conn", "close")]
    assert tapped.sink.events[-1].info == {
        "up": 18,
        "down": 0,
        "reason": "Connection reset by peer",
    }


def h2(kind, flags, stream, payload):
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags))
    return head + stream.to_bytes(4, "big") + payload


def literal(name, value):
    """A header without Huffman, not added to the table."""
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value


def grpc_message(data):
    return b"\x00" + len(data).to_bytes(4, "big") + data


@given(cut_lists(400), cut_lists(200))
def test_grpc_calls_are_named(cuts_up, cuts_down):
    tapped = Tapped(Hop.KUBELET_CRI)
    session = b"00-" + TRACE.encode() + b"-00f067aa0ba902b7-01"
    block = (
        b"\x83"  # :method POST
        + literal(b":path", b"/runtime.v1.RuntimeService/Exec")
        + literal(b"content-type", b"application/grpc")
        + literal(b"traceparent", session)
    )
    request = cri.ExecRequest(container_id="c1", cmd=["sh"]).SerializeToString()
    response = cri.ExecResponse(url="http://127.0.0.1:1/exec/tOkEn").SerializeToString()
    up = PREFACE + h2(4, 0, 0, b"") + h2(1, 0, 1, block[:20]) + h2(9, 4, 1, block[20:])
    up += h2(0, 1, 1, grpc_message(request))
    trailers = literal(b"grpc-status", b"5") + literal(b"grpc-message", b"gone")
    down = h2(4, 0, 0, b"") + h2(
        1, 4, 1, b"\x88" + literal(b"content-type", b"application/grpc")
    )
    down += h2(0, 0, 1, grpc_message(response)) + h2(1, 5, 1, trailers)

    tapped.feed(DOWN, b"")
    tapped.feed(UP, up, cuts_up)
    tapped.feed(DOWN, down, cuts_down)

    assert [(e.dir, e.type, e.len) for e in tapped.of("grpc")] == [
        ("up", "call", 0),
        ("up", "message", len(request)),
        ("down", "message", len(response)),
        ("down", "status", 0),
    ]
    assert {e.info["method"] for e in tapped.of("grpc")} == {
        "/runtime.v1.RuntimeService/Exec"
    }
    assert tapped.of("grpc")[-1].info["code"] == 5
    asked, answered = (e.info for e in tapped.of("grpc") if e.type == "message")
    assert asked["message_type"] == "runtime.v1.ExecRequest"
    assert asked["message"] == {"container_id": "c1", "cmd": ["sh"]}
    assert answered["message"] == {"url": "http://127.0.0.1:1/exec/***"}
    assert [(e.type, e.info["code"]) for e in tapped.of("cri")] == [("Exec", 5)]
    assert {e.trace for e in tapped.of("grpc")} == {TRACE}
    shown = "".join(e.to_json() for e in tapped.sink.events)
    assert "tOkEn" not in shown
    assert base64.b64encode(response[:-5]).decode()[:-4] in shown
    assert len(tapped.of("http2")) == 8


def test_a_message_of_an_unknown_method_is_told_without_what_looks_like_a_token():
    tapped = Tapped(Hop.KUBELET_CRI)
    block = (
        b"\x83"
        + literal(b":path", b"/x.Y/Z")
        + literal(b"content-type", b"application/grpc")
    )
    up = PREFACE + h2(4, 0, 0, b"") + h2(1, 4, 1, block)

    tapped.feed(UP, up + h2(0, 1, 1, grpc_message(b"\x0abearer hUnTeR2")))

    (message,) = [e for e in tapped.of("grpc") if e.type == "message"]
    assert base64.b64decode(message.data) == b"\x0abearer *******"


def test_a_server_that_speaks_first_does_not_confuse_the_tap():
    tapped = Tapped(Hop.KUBELET_CRI)

    tapped.feed(DOWN, h2(4, 0, 0, b""))
    tapped.feed(UP, PREFACE + h2(4, 0, 0, b""))

    assert sorted(tapped.told) == [
        ("down", "http2", "settings"),
        ("up", "http2", "settings"),
    ]


@given(
    st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=100)), max_size=8)
)
def test_no_bytes_make_the_tap_fail(chunks):
    tapped = Tapped()
    for direction, data in chunks:
        tapped.feed(direction, data)
    tapped.tap.eof(UP, 0)


@given(
    st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=8)
)
def test_no_bytes_make_it_fail_after_an_upgrade(chunks):
    for answer in (SWITCHED, SWITCHED.replace(b"websocket", b"SPDY/3.1")):
        tapped = Tapped()
        tapped.feed(UP, UPGRADE)
        tapped.feed(DOWN, answer)
        for direction, data in chunks:
            tapped.feed(direction, data)


def test_a_trace_file_has_a_header_and_a_line_an_event(tmp_path):
    waiting = []
    sink = JsonLinesSink(tmp_path / "t", "kubelet/n1", defer=waiting.append)
    event = TraceEvent(1.25, "kubelet-cri", "c-1", "up", "http1", "body", 2, 5)

    sink.emit(event)
    sink.emit(event)
    assert len(waiting) == 1  # both lines in one write
    waiting.pop()()
    sink.close()
    sink.emit(event)  # after the end: nothing

    header, *lines = map(json.loads, sink.path.read_text().splitlines())
    assert header["process"] == "kubelet/n1"
    facts = {"process", "pid", "wall", "mono", "bytes", "hash", "secrets"}
    assert set(header) == {"header", *facts}
    assert (
        lines
        == [
            {
                "ts": 1.25,
                "hop": "kubelet-cri",
                "conn": "c-1",
                "dir": "up",
                "layer": "http1",
                "type": "body",
                "stream": 2,
                "len": 5,
                "info": {},
                "trace": None,
                "fault": None,
                "channel": None,
                "data": None,
                "hash": None,
            }
        ]
        * 2
    )
    assert sink.path.stat().st_mode & 0o777 == 0o600
    assert sink.path.name.startswith("kubelet-n1-")
