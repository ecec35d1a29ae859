"""Faults on frames and on what sessions say, over both protocols."""

from __future__ import annotations

import json

import pytest

from hops.pipe import Delay, Deliver
from tests.support.fault_rules import rule
from tests.unit.faults.conversations import (
    DOWN,
    EXEC,
    GRANTED,
    SPDY_GRANTED,
    SUCCESS,
    UP,
    Struck,
    joined,
    spdy_session,
    websocket_session,
)
from wire.spdy.frame_decoder import FrameDecoder as SpdyFrames
from wire.spdy.frames import Data, GoAway, Ping, RstStream
from wire.websocket import FrameDecoder, Opcode, parse_close


def websocket(*rules):
    """The frames that a WebSocket client gets when rules act on a session."""
    struck = Struck(*rules).play(websocket_session())
    return FrameDecoder(None, lenient=True).receive_data(
        struck.bytes(DOWN)[len(GRANTED) :]
    )


def spdy(*rules):
    """The frames that a SPDY client gets when rules act on a session."""
    struck = Struck(*rules).play(spdy_session())
    return SpdyFrames().receive_data(struck.bytes(DOWN)[len(SPDY_GRANTED) :])


def stdout(frames):
    return [f.payload[1:] for f in frames if f.payload[:1] == b"\x01"]


def statuses(frames):
    return [
        f.payload[1:]
        for f in frames
        if f.payload[:1] == b"\x03" and f.opcode == Opcode.BINARY
    ]


PLAIN = [b"", b"one", b"two", b"three"]


@pytest.mark.parametrize(
    ("type_name", "options", "expected"),
    [
        ("frame_drop", {"n": 2}, [b"", b"two", b"three"]),
        ("frame_drop", {"n": 0}, []),
        ("frame_drop", {"n": 9}, PLAIN),
        ("frame_drop", {"n": 0, "count": 2}, [b"two", b"three"]),
        ("frame_drop", {"n": 0, "probability": 0}, PLAIN),
        ("frame_duplicate", {"n": 2}, [b"", b"one", b"one", b"two", b"three"]),
        (
            "frame_duplicate",
            {"n": 2, "copies": 2},
            [b"", *[b"one"] * 3, b"two", b"three"],
        ),
        ("frame_reorder", {"n": 2, "by": 2}, [b"", b"two", b"one", b"three"]),
        ("frame_reorder", {"n": 4, "by": 99}, [b"", b"one", b"two"]),
        ("frame_edit", {"n": 2, "payload": "x"}, [b"", b"x", b"two", b"three"]),
        (
            "frame_edit",
            {"n": 0, "find": "t", "replace": "T"},
            [b"", b"one", b"Two", b"Three"],
        ),
        (
            "frame_edit",
            {"n": 2, "payload_base64": "AAE="},
            [b"", b"\0\x01", b"two", b"three"],
        ),
        ("frame_edit", {"n": 2, "empty": True}, [b"", b"", b"two", b"three"]),
        ("frame_edit", {"n": 2, "to_channel": 7}, [b"", b"two", b"three"]),
        (
            "frame_add",
            {"n": 2, "to_channel": 1, "payload": "+"},
            [b"", b"+", b"one", b"two", b"three"],
        ),
        (
            "frame_add",
            {"n": 2, "to_channel": 1, "payload": "+", "where": "after"},
            [b"", b"one", b"+", b"two", b"three"],
        ),
    ],
)
def test_the_nth_frame_of_a_channel_is_struck(type_name, options, expected):
    frames = websocket(rule(type_name, layer="channel", channel="stdout", **options))

    assert stdout(frames) == expected
    assert statuses(frames) == [SUCCESS]


def test_what_is_held_comes_before_the_end():
    struck = Struck(
        rule("frame_reorder", layer="channel", channel="stdout", n=4, by=99)
    )
    struck.play(websocket_session())

    struck.end(DOWN)

    frames = FrameDecoder(None).receive_data(struck.bytes(DOWN)[len(GRANTED) :])
    assert stdout(frames) == PLAIN
    assert struck.ended(DOWN)


def test_a_late_frame_makes_those_behind_it_late():
    struck = Struck(rule("frame_delay", layer="channel", channel="stderr", delay=300))

    struck.play(websocket_session())

    at = struck.actions[DOWN].index(Delay(0.3))
    assert struck.actions[DOWN][at + 1].data.endswith(b"\x02warning")
    assert struck.bytes(DOWN) == joined(websocket_session(), DOWN)


@pytest.mark.parametrize(
    ("what", "opcode", "payload"),
    [
        ("ping", Opcode.PING, b"?"),
        ("pong", Opcode.PONG, b"?"),
        ("text", Opcode.TEXT, b"?"),
        ("close", Opcode.CLOSE, b"\x03\xf3?"),
    ],
)
def test_frames_can_be_added_to_a_websocket(what, opcode, payload):
    add = rule(
        "frame_add",
        layer="channel",
        channel="stderr",
        what=what,
        payload="?",
        code=1011,
    )

    frames = websocket(add)

    names = [f.payload for f in frames]
    added = frames[names.index(b"\x02warning") - 1]
    assert (added.opcode, added.payload, added.masked) == (opcode, payload, False)


def test_a_frame_that_is_added_for_a_client_is_masked():
    add = rule(
        "frame_add", layer="channel", channel="stdin", what="ping", stream="upstream"
    )

    struck = Struck(add).play(websocket_session())

    frames = FrameDecoder(True).receive_data(struck.bytes(UP)[len(EXEC) :])
    assert [f.opcode for f in frames].count(Opcode.PING) == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"opcode": 1}, (True, 1, 0)),
        ({"fin": 0}, (False, 2, 0)),
        ({"rsv": 4}, (True, 2, 4)),
    ],
)
def test_the_header_of_a_frame_can_be_edited(options, expected):
    frames = websocket(rule("frame_edit", layer="channel", channel="stderr", **options))

    (frame,) = [f for f in frames if f.payload == b"\x02warning"]
    assert (frame.fin, frame.opcode, frame.rsv) == expected


def test_a_message_moves_to_a_channel_that_nobody_knows():
    frames = websocket(rule("unknown_channel", channel="stdout", n=2))

    assert stdout(frames) == [b"", b"two", b"three"]
    assert b"\x09one" in [f.payload for f in frames]


def test_a_message_comes_as_text():
    frames = websocket(rule("text_for_binary", n=2))

    assert [f.opcode for f in frames].count(Opcode.TEXT) == 1
    assert stdout(frames) == PLAIN


def test_the_close_has_another_code():
    frames = websocket(rule("close_code", code=1011, reason="gone"))

    assert parse_close(frames[-1].payload) == (1011, "gone")
    assert statuses(frames) == [SUCCESS]


def test_a_close_comes_early_and_ends_everything():
    frames = websocket(rule("close_code", code=1001, n=3))

    assert stdout(frames) == [b"", b"one"]
    assert [f.opcode for f in frames][-1] == Opcode.CLOSE
    assert not statuses(frames)


def test_pings_are_not_answered():
    assert Opcode.PONG not in [f.opcode for f in websocket(rule("no_pong"))]
    assert not [f for f in spdy(rule("no_pong")) if isinstance(f, Ping)]


def test_the_status_is_missing():
    assert statuses(websocket(rule("status_missing"))) == []
    errors = [
        f
        for f in spdy(rule("status_missing"))
        if isinstance(f, Data) and f.stream_id == 1
    ]
    assert [(f.data, f.fin) for f in errors] == [(b"", True)]


def test_the_status_is_malformed():
    assert statuses(websocket(rule("status_malformed"))) == [b'{"status":']
    errors = [
        f
        for f in spdy(rule("status_malformed", payload="?"))
        if getattr(f, "stream_id", 0) == 1
    ]
    assert [(f.data, f.fin) for f in errors if isinstance(f, Data)] == [(b"?", True)]


def test_the_status_comes_twice():
    assert statuses(websocket(rule("status_twice"))) == [SUCCESS, SUCCESS]
    errors = [
        f
        for f in spdy(rule("status_twice"))
        if isinstance(f, Data) and f.stream_id == 1
    ]
    assert [(f.data, f.fin) for f in errors] == [(SUCCESS, False), (SUCCESS, True)]


def test_the_status_comes_late():
    struck = Struck(rule("status_late", delay=700)).play(websocket_session())

    actions = struck.actions[DOWN]
    at = actions.index(Delay(0.7))
    behind = [a for a in actions[at:] if isinstance(a, Deliver)]
    assert json.loads(behind[0].data[3:]) == json.loads(SUCCESS)


def test_a_spdy_stream_is_reset_and_sends_nothing_more():
    frames = spdy(rule("spdy_reset", channel="stdout", n=2))

    assert [f.data for f in frames if isinstance(f, Data) and f.stream_id == 5] == [
        b"one"
    ]
    assert [(f.stream_id, f.status) for f in frames if isinstance(f, RstStream)] == [
        (5, 5)
    ]
    assert [f.data for f in frames if isinstance(f, Data) and f.stream_id == 1] == [
        SUCCESS
    ]


def test_spdy_says_goaway():
    frames = spdy(rule("spdy_goaway", frame="data", status=2, last_stream=5))

    at = [type(f) for f in frames].index(GoAway)
    assert (frames[at].last_good_stream_id, frames[at].status) == (5, 2)
    assert isinstance(frames[at + 1], Data)


def test_frames_can_be_added_to_spdy():
    where = {"layer": "spdy", "channel": "stdout", "frame": "data"}
    for what, kind in (("rst_stream", RstStream), ("goaway", GoAway), ("ping", Ping)):
        frames = spdy(rule("frame_add", what=what, **where))
        added = [f for f in frames if isinstance(f, kind)]
        assert len(added) == (2 if what == "ping" else 1)
    data = [
        f.data
        for f in spdy(rule("frame_add", payload="+", **where))
        if isinstance(f, Data)
    ]
    assert data[:2] == [b"+", b"one"]


def test_faults_act_one_after_the_other():
    first = rule(
        "frame_edit", name="a", layer="channel", channel="stdout", n=2, payload="x"
    )
    second = rule("frame_duplicate", name="b", layer="channel", channel="stdout", n=2)

    assert stdout(websocket(first, second)) == [b"", b"x", b"x", b"two", b"three"]
