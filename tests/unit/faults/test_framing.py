"""Cutting a connection into frames changes no byte of it."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.framing.conversation import Conversation
from faults.framing.http2 import frame_bytes
from hops.pipe import Direction
from tests.support.fault_rules import rule
from tests.unit.faults.conversations import (
    DOWN,
    EXEC,
    FORWARD,
    FORWARDED,
    GRANTED,
    SPDY_EXEC,
    SPDY_GRANTED,
    UP,
    Struck,
    cut,
    down,
    grpc_session,
    joined,
    spdy_session,
    tunnel_session,
    up,
    websocket_session,
)
from wire.hpack import HpackDecoder
from wire.http2 import Http2FrameType, Http2Reader
from wire.spdy.dictionary import DICTIONARY
from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import SynReply, SynStream
from wire.websocket import FrameDecoder as WebSocketFrames
from wire.websocket import encode_frame

SESSIONS = {
    "websocket": websocket_session,
    "spdy": spdy_session,
    "tunnel": tunnel_session,
    "grpc": grpc_session,
}


def passed(conversation, script):
    """What comes out, by direction, with the frames."""
    frames = []
    for direction, data in script:
        frames += conversation.receive(direction, data)
        frames += conversation.released()
    for direction in Direction:
        frames += conversation.rest(direction)
        frames += conversation.released()
    out = {
        way: b"".join(f.encode() for f in frames if f.direction is way)
        for way in Direction
    }
    return out, frames


@pytest.mark.parametrize("name", SESSIONS)
@given(seed=st.integers(0, 10_000))
def test_sessions_go_through_as_they_are_whatever_the_chunks(name, seed):
    script = SESSIONS[name]()

    out, _ = passed(Conversation(), cut(script, seed))

    assert out == {way: joined(script, way) for way in Direction}


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=100))))
def test_any_bytes_go_through(script):
    out, _ = passed(Conversation(), script)

    assert out == {way: joined(script, way) for way in Direction}


@given(
    st.sampled_from(list(SESSIONS)),
    st.integers(0, 10_000),
    st.integers(0, 60),
    st.binary(min_size=1, max_size=30),
)
def test_what_breaks_off_goes_through_too(name, seed, position, junk):
    script = list(cut(SESSIONS[name](), seed))
    script[position:] = [(UP, junk), (DOWN, junk), (UP, junk), (DOWN, junk)]

    out, _ = passed(Conversation(), script)

    assert out == {way: joined(script, way) for way in Direction}


def test_a_control_frame_does_not_overtake_what_a_tunnel_holds():
    script = SESSIONS["tunnel"]()
    begun, ping, junk = b"\x82\x02\x00\x00", b"\x89\x00", b"\xff\xff\xff"
    script += [(DOWN, begun), (DOWN, ping), (DOWN, junk)]

    out, _ = passed(Conversation(), script)

    assert out[DOWN].endswith(begun + ping + junk)


@pytest.mark.parametrize("name", ["websocket", "spdy"])
def test_a_connection_that_is_met_in_its_middle_goes_through(name):
    script = SESSIONS[name]()[4:]

    out, _ = passed(Conversation(late=True), script)

    assert out == {way: joined(script, way) for way in Direction}


def test_a_late_conversation_is_read_from_the_next_request_on():
    conversation = Conversation(late=True)
    script = [(DOWN, b"...rest of a body"), *websocket_session()]

    _, frames = passed(conversation, script)

    assert [f.kinds.get("remotecommand") for f in frames].count("status") == 1


def test_calls_on_a_connection_met_in_its_middle_go_to_a_new_one():
    script = grpc_session()[3:]

    out, _ = passed(Conversation(late=True), script)

    assert out[UP] == joined(script[:4], UP)  # nothing of the call on stream 3
    farewell = frame_bytes(Http2FrameType.GOAWAY, 0, 0, bytes((0, 0, 0, 1, 0, 0, 0, 0)))
    assert out[DOWN].startswith(joined(script[:4], DOWN) + farewell)


@given(seed=st.integers(0, 1000))
def test_a_session_met_in_its_middle_is_read_where_frames_begin(seed):
    script = websocket_session()
    conversation = Conversation(late=True)
    conversation.recall({UP: EXEC, DOWN: GRANTED})

    out, frames = passed(conversation, [*script[2:10], *cut(script[10:], seed)])

    assert out == {way: joined(script[2:], way) for way in Direction}
    assert [f.data for f in frames if f.name == "stdout"] == [
        b"",
        b"one",
        b"two",
        b"three",
    ]
    assert {f.request.pod for f in frames} == {"web"}


def test_data_of_a_spdy_session_met_in_its_middle_is_read():
    script = spdy_session()
    conversation = Conversation(late=True)
    conversation.recall({UP: SPDY_EXEC, DOWN: SPDY_GRANTED})

    out, frames = passed(conversation, script[6:])

    assert out == {way: joined(script[6:], way) for way in Direction}
    data = [(f.channel, f.data) for f in frames if f.kinds.get("spdy") == "data"]
    assert data[1:3] == [(5, b"one"), (5, b"two")]


@pytest.mark.parametrize("first", range(3, 8))
def test_a_tunnel_met_in_its_middle_is_read_where_frames_begin(first):
    script = tunnel_session()
    conversation = Conversation(late=True)
    conversation.recall({UP: FORWARD, DOWN: FORWARDED})

    out, frames = passed(conversation, script[first:])

    assert out == {way: joined(script[first:], way) for way in Direction}
    told = [(f.text, f.direction) for f in frames if f.kinds]
    assert told[:3] == [("spdy/data 3", UP), ("spdy/ping", UP), ("spdy/ping", DOWN)]
    data = [f.data for f in frames if f.kinds.get("spdy") == "data"]
    assert data == [b"hello", b"one", b"two", b"three", b""]


def test_a_block_that_cannot_be_read_is_of_no_kind_so_that_no_rule_takes_it():
    script = spdy_session()
    conversation = Conversation(late=True)
    conversation.recall({UP: SPDY_EXEC, DOWN: SPDY_GRANTED})

    _, frames = passed(conversation, script[4:])

    blocks = [frame for frame in frames if frame.channel and not frame.kinds]
    assert [f.channel for f in blocks] == [3, 3, 5, 5]
    assert next(f.kinds for f in frames if f not in blocks) == {"spdy": "data"}


def test_frames_say_what_they_are():
    _, frames = passed(Conversation(), websocket_session())

    assert [(f.text, f.kinds.get("remotecommand")) for f in frames] == [
        ("http1/request", None),
        ("http1/response", None),
        ("websocket/binary stdout", "ready"),
        ("websocket/binary resize", "resize"),
        ("websocket/binary stdin", None),
        ("websocket/ping", None),
        ("websocket/pong", None),
        ("websocket/binary stdout", None),
        ("websocket/binary stderr", None),
        ("websocket/binary stdout", None),
        ("websocket/binary close", "close"),
        ("websocket/binary stdout", None),
        ("websocket/binary error", "status"),
        ("websocket/close", None),
        ("websocket/close", None),
    ]
    assert {f.request.pod for f in frames} == {"web"}


def test_a_continuation_belongs_to_the_channel_of_its_message():
    script = [
        (UP, EXEC),
        (DOWN, GRANTED),
        down(1, b"be", fin=False),
        (DOWN, encode_frame(0, b"gin")),
        down(2, b"x"),
    ]

    _, frames = passed(Conversation(), script)

    assert [f.name for f in frames[2:]] == ["stdout", "stdout", "stderr"]
    assert [f.data for f in frames[2:]] == [b"be", b"gin", b"x"]


def test_a_client_that_does_not_wait_for_the_101_is_held_until_it():
    conversation = Conversation()
    early = up(0, b"early")

    assert [f.text for f in conversation.receive(UP, EXEC + early[1])] == [
        "http1/request"
    ]
    assert [f.text for f in conversation.receive(DOWN, GRANTED)] == ["http1/response"]
    assert [f.data for f in conversation.released()] == [b"early"]


def headers_of(data: bytes) -> list:
    """The header blocks of SPDY bytes, read as a receiver reads them."""
    frames = FrameDecoder().receive_data(data)
    return [
        (f.stream_id, f.headers) for f in frames if isinstance(f, SynStream | SynReply)
    ]


@given(seed=st.integers(0, 1000), lost=st.integers(1, 3))
def test_the_receiver_of_spdy_reads_on_when_a_header_block_is_lost(seed, lost):
    script = spdy_session()
    fault = rule(
        "frame_drop", layer="spdy", frame="syn_stream", n=lost, stream="upstream"
    )

    struck = Struck(fault).play(cut(script, seed))

    sent = headers_of(joined(script[2:], UP))
    head = len(script[0][1])
    assert headers_of(struck.bytes(UP)[head:]) == sent[: lost - 1] + sent[lost:]
    assert struck.bytes(DOWN) == joined(script, DOWN)


@pytest.mark.parametrize("kind", ["frame_duplicate", "frame_reorder"])
@pytest.mark.parametrize("n", [1, 2])
def test_the_receiver_of_spdy_reads_on_when_blocks_are_doubled_or_moved(kind, n):
    script = spdy_session()

    struck = Struck(rule(kind, layer="spdy", frame="syn_reply", n=n)).play(script)

    head = len(script[1][1])
    numbers = [number for number, _ in headers_of(struck.bytes(DOWN)[head:])]
    expected = {
        ("frame_duplicate", 1): [1, 1, 3, 5],
        ("frame_duplicate", 2): [1, 3, 3, 5],
        ("frame_reorder", 1): [3, 1, 5],
        ("frame_reorder", 2): [1, 5, 3],
    }
    assert numbers == expected[kind, n]


def test_a_small_window_of_the_sender_is_not_exceeded():
    """zlib's first byte announces it (here 4 KiB); a receiver may have no more."""
    client = FrameEncoder()
    noise = random.Random(1).randbytes(6000).hex()
    blocks = [(("streamtype", "stdin"), ("x-noise", noise))] * 3
    script = [(UP, SPDY_EXEC), (DOWN, SPDY_GRANTED)]
    script += [
        (UP, client.encode(SynStream(2 * n + 1, b))) for n, b in enumerate(blocks)
    ]
    lost = rule("frame_drop", layer="spdy", n=2, stream="upstream")

    struck = Struck(lost).play(script)

    rest = struck.bytes(UP)[len(SPDY_EXEC) :]
    inflate = zlib.decompressobj(wbits=12, zdict=DICTIONARY)
    plain = []
    while rest:
        size = 8 + int.from_bytes(rest[5:8])
        plain.append(inflate.decompress(rest[18:size]))
        rest = rest[size:]
    assert len(plain) == 2
    assert plain[0] == plain[1]


def read_http2(data: bytes, *, client: bool) -> list:
    return Http2Reader(client=client).receive_data(data)


def test_the_receiver_of_http2_reads_on_when_a_header_block_is_lost():
    script = grpc_session()
    fault = rule(
        "frame_drop",
        "kubelet-cri",
        layer="http2",
        frame="headers",
        n=1,
        stream="upstream",
    )

    struck = Struck(fault).play(script)

    frames = read_http2(struck.bytes(UP), client=True)
    (headers,) = [f for f in frames if f.headers]
    assert headers.stream == 3
    assert dict(headers.headers)[":path"].endswith("/Exec")


def test_blocks_that_are_written_anew_leave_the_table_alone():
    from faults.framing.http2 import encode_block

    decoder = HpackDecoder()
    headers = [("grpc-message", "x" * 300), ("grpc-status", "14")]

    assert decoder.decode(encode_block(headers)) == headers
    with pytest.raises(Exception, match=r"."):
        decoder.decode(bytes((0x80 | 62,)))  # the table is empty


@given(seed=st.integers(0, 1000))
def test_an_edited_message_keeps_its_mask_and_its_neighbours(seed):
    script = websocket_session()
    fault = rule(
        "frame_edit",
        layer="channel",
        channel="stdin",
        payload="other\n",
        stream="upstream",
    )

    struck = Struck(fault).play(cut(script, seed))

    before = WebSocketFrames(True).receive_data(joined(script, UP)[len(EXEC) :])
    after = WebSocketFrames(True).receive_data(struck.bytes(UP)[len(EXEC) :])
    assert [f.payload for f in after] == [
        b"\x00other\n" if f.payload == b"\x00hello\n" else f.payload for f in before
    ]
    whole = up(0, b"other\n")[1]
    assert whole in struck.bytes(UP)
    assert struck.bytes(DOWN) == joined(script, DOWN)


def test_data_frames_of_spdy_are_known_by_the_name_of_their_stream():
    _, frames = passed(Conversation(), spdy_session())

    named = [(f.name, f.data) for f in frames if f.kinds.get("spdy") == "data"]
    assert [name for name, _ in named] == [
        "stdin",
        "stdout",
        "stdout",
        "error",
        "stdout",
    ]
