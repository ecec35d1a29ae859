"""Finding the begin of a frame in the middle of a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.frame_encoder import FrameEncoder
from wire.spdy.frames import Data, GoAway, Ping, RstStream, SynStream, WindowUpdate
from wire.spdy.middle import FrameFinder, is_whole

HEADERS = (("streamtype", "data"), ("port", "80"))
FRAMES = [
    SynStream(1, HEADERS),
    Data(1, b"some bytes"),
    Ping(1),
    WindowUpdate(1, 10),
    RstStream(1, 5),
    GoAway(1, 0),
]


def encoded():
    encoder = FrameEncoder()
    return [encoder.encode(frame) for frame in FRAMES]


@pytest.mark.parametrize("number", range(len(FRAMES)))
def test_what_is_whole_and_what_is_not(number):
    frame = encoded()[number]

    assert is_whole(frame)
    assert is_whole(frame * 2)
    assert not is_whole(frame[:-1])
    assert not is_whole(frame + frame[:5])
    assert not is_whole(frame[1:])


@pytest.mark.parametrize("skipped", range(1, 3))
def test_frames_in_pieces_are_found_where_the_next_one_begins(skipped):
    pieces = [p for f in encoded() for p in (f[:4], f[4:8], f[8:])][skipped:]
    finder = FrameFinder()

    found = [finder.receive(piece) for piece in pieces]

    # what is left of the first is no frame; the second and all others end with a piece
    assert found.index(True) == 5 - skipped
    assert found.count(True) == len(FRAMES) - 1


def test_text_is_no_frame():
    finder = FrameFinder()

    assert not any(finder.receive(b"GET / HTTP/1.1\r\n\r\n") for _ in range(3))
    assert not is_whole(b"")


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_can_be_shown(chunks):
    finder = FrameFinder()

    for chunk in chunks:
        finder.receive(chunk)


def test_frames_are_read_without_the_blocks_that_were_not_seen():
    first, *rest = encoded()
    encoder = FrameEncoder()
    encoder.encode(SynStream(1, HEADERS))
    second = encoder.encode(SynStream(3, HEADERS))

    frames = FrameDecoder(late=True).receive_data(second + b"".join(rest))

    assert frames[0].stream_id == 3
    assert frames[0].headers == ()
    assert [type(frame) for frame in frames[1:]] == [type(f) for f in FRAMES[1:]]
    assert first
