import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpc import cri_v1_pb2 as cri
from tap.cri_core import StreamUrlChanger
from wire.http2 import PREFACE, Http2Reader

URL = "http://127.0.0.1:41234/exec/AbCdEfGh"
OURS = "http://127.0.0.1:50000/exec/zyxwvuts"
TRACE = "0af7651916cd43dd8448eb211c80319c"
EXEC = "/runtime.v1.RuntimeService/Exec"
VERSION = "/runtime.v1.RuntimeService/Version"


def frame(kind, flags, stream, payload):
    return (
        len(payload).to_bytes(3, "big")
        + struct.pack("!BBI", kind, flags, stream)
        + payload
    )


def literal(name, value):
    """A header field without the tables (RFC 7541 6.2.2)."""
    return b"\0" + b"".join(
        bytes([len(part)]) + part.encode() for part in (name, value)
    )


def call(stream, path, *more):
    fields = (("content-type", "application/grpc"), (":path", path), *more)
    return frame(1, 0x4, stream, b"".join(literal(*each) for each in fields))


def message(made):
    data = made.SerializeToString()
    return struct.pack("!BI", 0, len(data)) + data


def data(stream, payload):
    return frame(0, 0, stream, payload)


TRAILERS = frame(1, 0x5, 1, literal("grpc-status", "0"))
ANSWER = message(cri.ExecResponse(url=URL))
CHANGED = message(cri.ExecResponse(url=OURS))


@pytest.fixture
def asked():
    return []


@pytest.fixture
def changer(asked):
    def replace(url, trace):
        asked.append((url, trace))
        return OURS

    return StreamUrlChanger(replace)


def begin(changer, *frames):
    sent = PREFACE + frame(4, 0, 0, b"") + b"".join(frames)
    return changer.upward(sent)


def test_the_url_of_an_answer_is_replaced(changer, asked):
    begin(changer, call(1, EXEC))

    assert changer.downward(data(1, ANSWER) + TRAILERS) == data(1, CHANGED) + TRAILERS
    assert [url for url, _ in asked] == [URL]


def test_the_session_of_a_call_is_told_and_the_call_not_touched(changer, asked):
    asking = call(1, EXEC, ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"))

    assert begin(changer, asking).endswith(asking)
    changer.downward(data(1, ANSWER))
    assert asked == [(URL, TRACE)]


def fields(sent):
    """The header fields that a runtime gets, by stream."""
    return {
        each.stream: dict(each.headers)
        for each in Http2Reader(client=True).receive_data(sent)
        if each.headers is not None
    }


def padded(asking, padding):
    payload = bytes([padding]) + asking[9:] + bytes(padding)
    return frame(1, 0x4 | 0x8, 1, payload)


def in_two(asking):
    """HEADERS and CONTINUATION."""
    return frame(1, 0, 1, asking[9:20]) + frame(9, 0x4, 1, asking[20:])


@pytest.mark.parametrize(
    "asking",
    [
        call(1, EXEC),
        padded(call(1, EXEC), 0),
        padded(call(1, EXEC), 7),
        in_two(call(1, EXEC)),
    ],
    ids=["plain", "padded by nothing", "padded", "continued"],
)
def test_a_call_without_a_session_gets_one(changer, asked, asking):
    got = fields(begin(changer, asking))[1]
    changer.downward(data(1, ANSWER))

    assert got[":path"] == EXEC
    assert got["traceparent"].split("-")[1] == asked[0][1]


@given(places=st.lists(st.integers(0, 400), max_size=8))
def test_requests_may_be_cut_anywhere(places):
    changer = StreamUrlChanger(lambda url, trace: OURS)
    sent = (
        PREFACE
        + frame(4, 0, 0, b"")
        + call(1, EXEC)
        + data(1, b"x" * 99)
        + call(3, VERSION)
    )
    places = [0, *sorted(place % len(sent) for place in places), len(sent)]

    got = b"".join(changer.upward(sent[a:b]) for a, b in pairwise(places))

    assert set(fields(got)[1]) == {"content-type", ":path", "traceparent"}
    assert set(fields(got)[3]) == {"content-type", ":path"}
    assert data(1, b"x" * 99) in got


def test_other_calls_are_not_touched(changer):
    asking = call(1, VERSION)

    assert begin(changer, asking).endswith(asking)


@given(places=st.lists(st.integers(0, 200), max_size=6))
def test_it_does_not_matter_how_the_bytes_are_cut(places):
    changer = StreamUrlChanger(lambda url, trace: OURS)
    begin(changer, call(1, EXEC))
    sent = frame(4, 0, 0, b"") + data(1, ANSWER) + TRAILERS
    places = [0, *sorted(place % len(sent) for place in places), len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(places)]

    got = b"".join(map(changer.downward, pieces))

    assert got == frame(4, 0, 0, b"") + data(1, CHANGED) + TRAILERS


@given(at=st.integers(0, len(ANSWER)), padding=st.integers(0, 9))
def test_a_message_in_several_padded_frames_keeps_them(at, padding):
    changer = StreamUrlChanger(lambda url, trace: OURS)
    begin(changer, call(1, EXEC))

    def cut(whole):
        padded = bytes([padding]) + whole[:at] + bytes(padding)
        return frame(0, 0x8, 1, padded) + data(1, whole[at:])

    assert changer.downward(cut(ANSWER)) == cut(CHANGED)


def test_other_streams_pass_while_an_answer_is_held(changer):
    begin(changer, call(1, EXEC), call(3, VERSION))
    other = data(3, message(cri.VersionResponse(version=URL)))

    assert changer.downward(data(1, ANSWER[:9])) == b""
    assert changer.downward(other) == other
    assert changer.downward(data(1, ANSWER[9:])) == data(1, CHANGED[:9]) + data(
        1, CHANGED[9:]
    )


def test_a_url_in_another_answer_is_nobodys_business(changer, asked):
    begin(changer, call(1, VERSION))
    answer = data(1, message(cri.VersionResponse(version=URL)))

    assert changer.downward(answer) == answer
    assert asked == []


def test_trailers_release_an_answer_that_never_became_whole(changer):
    begin(changer, call(1, EXEC))
    changer.downward(data(1, ANSWER[:9]))

    assert changer.downward(TRAILERS) == data(1, ANSWER[:9]) + TRAILERS


def test_what_cannot_be_replaced_is_left():
    changer = StreamUrlChanger(lambda url, trace: None)
    begin(changer, call(1, EXEC))

    assert changer.downward(data(1, ANSWER)) == data(1, ANSWER)


def test_a_compressed_answer_is_left(changer):
    begin(changer, call(1, EXEC))
    compressed = data(1, b"\1" + ANSWER[1:])

    assert changer.downward(compressed) == compressed


def test_what_is_not_http2_passes(changer):
    assert changer.upward(b"GET / HTTP/1.1\r\n\r\n") == b"GET / HTTP/1.1\r\n\r\n"
    assert changer.downward(b"HTTP/1.1 400\r\n\r\n") == b"HTTP/1.1 400\r\n\r\n"
