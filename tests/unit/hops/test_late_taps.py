"""A tap that joins a connection in its middle."""

import pytest

from hops.hop import Hop
from hops.pipe import ConnectionFacts, Deliver, Pipe
from hops.taps.connection import ConnectionTap
from hops.trace import MemorySink
from tests.unit.hops.tapped import DOWN, UP, request, switched
from tests.unit.hops.test_chunk_log import grpc_call
from tests.unit.hops.trace_schema import check_all
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import Data, Ping, SynStream
from wire.websocket import encode_frame

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
EXEC = request(
    "/api/v1/namespaces/default/pods/p/exec?command=sh",
    Upgrade="websocket",
    traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
)
SWITCHED = switched(Upgrade="websocket", Sec_WebSocket_Protocol="v5.channel.k8s.io")


class Watched:
    """A pipe to which a tap can be added while it is in use."""

    version = 0

    def __init__(self, hop=Hop.KUBECTL_APISERVER):
        self.sink = MemorySink()
        self._taps = []
        self.hop = hop
        facts = ConnectionFacts(hop, 1, "test", "server", "c-1")
        self.pipe = Pipe(connection=facts, taps_from=self)
        self.pipe.connected({"peername": ["127.0.0.1", 1]}, 1.0)

    def taps_for(self, connection):
        return self._taps

    def look(self):
        self._taps = [ConnectionTap(self.sink, self.hop, "c-1")]
        self.version += 1

    def feed(self, direction, data):
        assert self.pipe.feed(direction, data, 2.0) == [Deliver(data)]

    @property
    def told(self):
        check_all(self.sink.events)
        return [(e.layer, e.type) for e in self.sink.events]


def test_the_heads_of_a_session_that_is_open_are_told_again():
    watched = Watched()
    watched.feed(UP, EXEC)
    watched.feed(DOWN, SWITCHED)
    watched.feed(DOWN, encode_frame(2, b"\x01nobody sees this"))

    watched.look()
    watched.feed(DOWN, encode_frame(2, b"\x01hello"))

    assert watched.told == [
        ("conn", "open"),
        ("http1", "request"),
        ("http1", "response"),
        ("websocket", "binary"),
        ("channel", "stdout"),
    ]
    late = [e.info.get("late", False) for e in watched.sink.events]
    assert late == [True, True, True, False, False]
    assert {e.trace for e in watched.sink.events[1:]} == {TRACE}


def test_the_rest_of_a_frame_is_skipped_until_one_begins():
    watched = Watched()
    frame = encode_frame(2, b"\x01" + bytes(1000))
    watched.feed(UP, EXEC)
    watched.feed(DOWN, SWITCHED + frame[:500])

    watched.look()
    watched.feed(DOWN, frame[500:])
    watched.feed(DOWN, encode_frame(2, b"\x01x") + encode_frame(8, b"\x03\xe8"))

    assert watched.told[3:] == [
        ("raw", "skipped"),
        ("websocket", "binary"),
        ("channel", "stdout"),
        ("websocket", "close"),
    ]


def test_a_stream_of_chunks_is_told_as_it_comes_and_ends_with_the_next_request():
    watched = Watched()
    watched.feed(UP, b"GET /api/v1/pods?watch=1 HTTP/1.1\r\n\r\n")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    watched.feed(DOWN, head + b"2\r\n{}\r\n")

    watched.look()
    watched.feed(DOWN, b"2\r\n[]\r\n")
    watched.feed(UP, b"GET /next HTTP/1.1\r\n\r\n")
    watched.feed(DOWN, b"HTTP/1.1 204 No Content\r\n\r\n")

    assert watched.told == [
        ("conn", "open"),
        ("http1", "request"),
        ("http1", "response"),
        ("http1", "body"),  # told again with the answer's head
        ("http1", "body"),
        ("http1", "request"),
        ("http1", "response"),
    ]


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"Content-Length: 2\r\n\r\nok", []),
        (b"Content-Length: 4\r\n\r\nok", [b"ok"]),
        (b"Transfer-Encoding: chunked\r\n\r\n", [b"2\r\nok\r\n", b"0\r\n\r\n"]),
    ],
    ids=["in one chunk", "in two", "in chunks"],
)
def test_an_exchange_that_is_over_is_not_told_again(head, rest):
    watched = Watched()
    watched.feed(UP, b"GET /before HTTP/1.1\r\n\r\n")
    for data in (b"HTTP/1.1 200 OK\r\n" + head, *rest):
        watched.feed(DOWN, data)

    watched.look()
    watched.feed(UP, b"GET /after HTTP/1.1\r\n\r\n")

    assert watched.told == [("conn", "open"), ("http1", "request")]
    assert watched.sink.events[-1].info["target"] == "/after"


def test_without_a_head_the_next_message_is_waited_for():
    watched = Watched()
    watched.feed(DOWN, b"junk that is no head")

    watched.look()
    watched.feed(UP, b"the rest of a body")
    watched.feed(UP, b"GET /a HTTP/1.1\r\n\r\n")
    watched.feed(DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    assert watched.told == [
        ("conn", "open"),
        ("raw", "skipped"),
        ("http1", "request"),
        ("http1", "response"),
    ]


def test_the_middle_of_a_spdy_frame_is_skipped():
    watched = Watched()
    watched.feed(UP, request("/exec/a/b/c", Upgrade="SPDY/3.1"))
    watched.feed(DOWN, switched(Upgrade="SPDY/3.1"))

    watched.look()
    watched.feed(DOWN, b"\x00\x01\x00\x00\x00\x02hi")

    assert watched.told[-1] == ("raw", "skipped")


def test_a_session_that_was_bound_before_is_told():
    watched = Watched()
    watched.feed(UP, b"GET /a HTTP/1.1\r\n\r\n")
    watched.pipe.bind_session(TRACE)

    watched.look()
    watched.feed(DOWN, b"HTTP/1.1 204 No Content\r\n\r\n")

    assert watched.told[-2:] == [("conn", "session"), ("http1", "response")]
    assert watched.sink.events[-1].trace == TRACE


def test_http2_that_was_read_along_in_silence_is_decoded_from_then_on():
    sink = MemorySink()
    tap = ConnectionTap(sink, Hop.KUBELET_CRI, "c-1", muted=True)
    up, head, (data,) = grpc_call(b"")
    tap.connected({}, 1.0)
    tap.feed(UP, up, 1.0)
    assert sink.events == []

    tap.unmute(2.0)
    tap.feed(DOWN, head + data, 3.0)

    check_all(sink.events)
    assert [(e.layer, e.type) for e in sink.events] == [
        ("conn", "open"),
        ("http2", "headers"),
        ("http2", "data"),
        ("grpc", "message"),
    ]
    assert sink.events[-1].info["message_type"] == "runtime.v1.ExecResponse"


@pytest.mark.parametrize("layer", ["http1", "websocket", "spdy", "http2"])
def test_a_fork_knows_what_its_tap_knows_and_goes_its_own_way(layer):
    first, second = MemorySink(), MemorySink()
    tap = ConnectionTap(first, Hop.KUBELET_CRI, "c-1")
    tap.connected({}, 1.0)
    before, after = {
        "http1": ([(UP, b"GET /a HTTP/1.1\r\nHo")], (UP, b"st: x\r\n\r\n")),
        "websocket": ([(UP, EXEC), (DOWN, SWITCHED + b"\x82")], (DOWN, b"\x02\x01x")),
        "spdy": (
            [
                (UP, request("/exec/a", Upgrade="SPDY/3.1")),
                (DOWN, switched(Upgrade="SPDY/3.1")),
            ],
            (DOWN, b"\x00\x00\x00\x01\x00\x00\x00\x02hi"),
        ),
        "http2": ([(UP, grpc_call(b"")[0])], (DOWN, grpc_call(b"")[1])),
    }[layer]
    for direction, data in before:
        tap.feed(direction, data, 1.0)

    other = tap.fork(second, 2.0)
    count = len(first.events)
    other.feed(*after, 3.0)

    assert len(first.events) == count
    assert second.events[0].layer == layer


def test_the_session_of_a_request_that_is_over_is_not_told_of_the_connection():
    watched = Watched()
    watched.feed(UP, b"GET /one HTTP/1.1\r\n\r\n")
    watched.pipe.bind_session(TRACE)
    watched.feed(DOWN, b"HTTP/1.1 204 No Content\r\n\r\n")

    watched.look()
    watched.feed(UP, b"GET /two HTTP/1.1\r\n\r\n")
    watched.pipe.bind_session("2" * 32)

    assert watched.told == [("conn", "open"), ("http1", "request"), ("conn", "session")]
    assert [e.trace for e in watched.sink.events] == [None, None, "2" * 32]


def test_the_session_of_an_open_request_is_told_between_it_and_its_answer():
    watched = Watched()
    watched.feed(UP, b"GET /api/v1/pods?watch=1 HTTP/1.1\r\n\r\n")
    watched.pipe.bind_session(TRACE)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    watched.feed(DOWN, head + b"2\r\n{}\r\n")

    watched.look()
    watched.feed(DOWN, b"2\r\n[]\r\n")

    assert watched.told[1:4] == [
        ("http1", "request"),
        ("conn", "session"),
        ("http1", "response"),
    ]
    assert {e.trace for e in watched.sink.events[2:]} == {TRACE}


def test_a_spdy_session_is_told_without_names_from_the_next_frame_on():
    watched = Watched()
    client, server = FrameEncoder(), FrameEncoder()
    watched.feed(UP, EXEC.replace(b"websocket", b"SPDY/3.1"))
    watched.feed(DOWN, switched(Upgrade="SPDY/3.1"))
    watched.feed(UP, client.encode(SynStream(1, (("streamtype", "stdout"),))))
    frame = server.encode(Data(1, b"seen by nobody"))
    watched.feed(DOWN, frame[:10])

    watched.look()
    watched.feed(DOWN, frame[10:])
    watched.feed(DOWN, server.encode(Data(1, b"hello")) + server.encode(Ping(2)))
    watched.feed(UP, client.encode(SynStream(3, (("streamtype", "stdin"),))))

    assert watched.told[3:] == [
        ("raw", "skipped"),
        ("spdy", "data"),
        ("spdy", "ping"),
        ("spdy", "syn_stream"),
    ]
    assert [e.info for e in watched.sink.events[4:]] == [{}, {"ping_id": 2}, {}]


def test_the_tunnel_of_a_port_forward_is_told_from_the_next_frame_on():
    watched = Watched()
    server = FrameEncoder()
    protocol = "SPDY/3.1+portforward.k8s.io"
    target = EXEC.replace(b"/exec?command=sh", b"/portforward")
    watched.feed(UP, target)
    watched.feed(DOWN, switched(Upgrade="websocket", Sec_WebSocket_Protocol=protocol))

    watched.look()
    for data in (b"first", b"second"):
        frame = server.encode(Data(3, data))
        for piece in (frame[:4], frame[4:8], frame[8:]):
            watched.feed(DOWN, encode_frame(2, piece))

    spdy = [e for e in watched.sink.events if e.layer == "spdy"]
    assert [(e.type, e.stream, e.len) for e in spdy] == [("data", 3, 6)]
    assert not [e for e in watched.sink.events if e.type == "undecodable"]
