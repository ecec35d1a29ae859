"""Frames: real bytes to frames and back, and what makes the reader fail."""

import pytest

from wire.errors import RemoteProtocolError
from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import (
    Data,
    Flag,
    GoAway,
    HeadersFrame,
    Ping,
    RstStream,
    Setting,
    Settings,
    SynReply,
    SynStream,
    WindowUpdate,
)
from wire.spdy.limits import Limits

# In this order: the header blocks share one context.
CLIENT_OF_REAL_KUBECTL = [
    (
        "80030001 00000029 00000001 00000000 0000 78f9e3c6a7c2"
        "6260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff",
        SynStream(1, (("streamtype", "error"),)),
    ),
    (
        "80030001 00000017 00000003 00000000 0000 c22e555c92929907000000ffff",
        SynStream(3, (("streamtype", "stdin"),)),
    ),
    (
        "80030001 00000019 00000005 00000000 0000 c22ac5565c92925f5a02000000ffff",
        SynStream(5, (("streamtype", "stdout"),)),
    ),
    (
        "80030001 00000015 00000007 00000000 0000 c229975a5404000000ffff",
        SynStream(7, (("streamtype", "stderr"),)),
    ),
    ("00000003 00000003 68690a", Data(3, b"hi\n", 0, 3)),
    ("00000003 01000000", Data(3, b"", Flag.FIN, 0)),
    ("80030003 00000008 00000005 00000005", RstStream(5, 5)),
    ("80030006 00000004 00000001", Ping(1)),
    ("80030007 00000008 00000000 00000000", GoAway(0, 0)),
]
SERVER_OF_THE_STUB = [
    (
        "80030002 00000014 00000001 78f9e3c6a7c2 02a6230600000000ffff",
        SynReply(1),
    ),
    ("80030002 0000000c 00000003 020100000000ffff", SynReply(3)),
    ("00000005 00000004 6f75740a", Data(5, b"out\n", 0, 4)),
    ("00000005 01000000", Data(5, b"", Flag.FIN, 0)),
]


@pytest.mark.parametrize("recorded", [CLIENT_OF_REAL_KUBECTL, SERVER_OF_THE_STUB])
def test_recorded_bytes_are_read(recorded):
    decoder = FrameDecoder()

    for text, expected in recorded:
        data = bytes.fromhex(text)
        [frame] = decoder.receive_data(data)
        assert frame == expected
        assert frame.raw == data


FRAMES = [
    SynStream(1, (("streamtype", "data"), ("port", "80")), priority=5, slot=9),
    SynStream(3, (), 1, flags=Flag.FIN | Flag.UNIDIRECTIONAL),
    SynReply(1, (("a", "b"),), flags=Flag.FIN),
    HeadersFrame(1, (("c", "d"),)),
    RstStream(3, 11),
    Settings((Setting(4, 100, 1), Setting(0xFFFFFF, 0xFFFFFFFF)), flags=1),
    Settings(),
    Ping(0xFFFFFFFF),
    GoAway(7, 2),
    WindowUpdate(0, 65536),
    Data(5, b"data", 0, 4),
    Data(5, b"", Flag.FIN, 0),
]


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
def test_what_is_written_is_read(frame):
    data = FrameEncoder().encode(frame)

    [received] = FrameDecoder().receive_data(data)

    assert received == frame
    assert received.raw == data


def test_the_version_is_not_checked():
    data = bytes.fromhex("80020006 00000004 00000001")

    assert FrameDecoder().receive_data(data) == [Ping(1)]


def test_a_long_data_frame_comes_in_pieces_of_one_size():
    decoder = FrameDecoder(Limits(max_data_piece=4))
    data = bytes.fromhex("00000001 0100000a") + b"0123456789"

    pieces = decoder.receive_data(data)

    assert [piece.data for piece in pieces] == [b"0123", b"4567", b"89"]
    assert [piece.fin for piece in pieces] == [False, False, True]
    assert b"".join(piece.raw for piece in pieces) == data


def test_the_longest_data_frame_is_not_held_back():
    decoder = FrameDecoder()
    received = decoder.receive_data(bytes.fromhex("00000001 00ffffff"))
    for _ in range(255):
        received += decoder.receive_data(bytes(65536))

    assert sum(len(piece.data) for piece in received) == 255 * 65536
    assert decoder.inside_frame


BAD = {
    "unknown type 5": "80030005 00000000",
    "unknown type 10": "8003000a 00000000",
    "unknown type 0": "80030000 00000000",
    "data on stream 0": "00000000 00000000",
    "reset with status 0": "80030003 00000008 00000001 00000000",
    "reset of stream 0": "80030003 00000008 00000000 00000005",
    "reset too short": "80030003 00000004",
    "reset too long": "80030003 0000000c",
    "ping with id 0": "80030006 00000004 00000000",
    "ping with flags": "80030006 01000004",
    "ping too long": "80030006 00000008",
    "goaway with flags": "80030007 01000008",
    "goaway too short": "80030007 00000004",
    "window update with flags": "80030009 80000008",
    "window update too long": "80030009 00000009",
    "settings too short": "80030004 00000003",
    "settings count too high": "80030004 0000000c 00000002 00000000 00000000",
    "settings count too low": "80030004 0000000c 00000000 00000000 00000000",
    "settings too long": "80030004 00ffffff",
    "stream without block": "80030001 0000000a 00000001 00000000 0000",
    "stream too short": "80030001 00000009",
    "block too long": "80030001 00ffffff",
    "reply too short": "80030002 00000003",
    "headers too short": "80030008 00000000",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_bad_frame_is_refused(text):
    with pytest.raises(RemoteProtocolError):
        FrameDecoder().receive_data(bytes.fromhex(text))


@pytest.mark.parametrize(
    "frame",
    [
        SynStream(1, (("connection", "close"),)),
        SynStream(1, (("host", "a"),)),
        SynStream(1, (("keep-alive", "1"),)),
        SynReply(1, (("transfer-encoding", "chunked"),)),
        HeadersFrame(1, (("proxy-connection", "a"),)),
        HeadersFrame(2, (("host", "a"),)),
        SynStream(0),
        SynReply(0),
        HeadersFrame(0),
    ],
    ids=repr,
)
def test_bad_headers_are_refused(frame):
    with pytest.raises(RemoteProtocolError):
        FrameDecoder().receive_data(FrameEncoder().encode(frame))


@pytest.mark.parametrize(
    "frame", [SynReply(1, (("host", "a"),)), HeadersFrame(1, (("host", "a"),))]
)
def test_host_is_forbidden_in_requests_only(frame):
    assert FrameDecoder().receive_data(FrameEncoder().encode(frame)) == [frame]


def test_frames_before_bad_bytes_are_returned_first():
    decoder = FrameDecoder()

    frames = decoder.receive_data(
        bytes.fromhex("80030006 00000004 00000001 8003ffff 00000000")
    )

    assert frames == [Ping(1)]
    with pytest.raises(RemoteProtocolError, match="unknown control frame 65535"):
        decoder.receive_data(b"")


def test_a_bad_head_is_refused_before_its_payload_comes():
    with pytest.raises(RemoteProtocolError, match="SETTINGS of length 16777215"):
        FrameDecoder().receive_data(bytes.fromhex("80030004 00ffffff"))
