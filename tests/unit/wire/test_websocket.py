import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.errors import RemoteProtocolError
from wire.websocket import (
    CloseCode,
    Frame,
    FrameDecoder,
    FrameError,
    Opcode,
    apply_mask,
    close_payload,
    encode_frame,
    frame_header,
    parse_close,
)

MASK = bytes.fromhex("37fa213d")


@pytest.mark.parametrize(
    ("hexed", "payload"),
    [
        ("820101", b"\x01"),
        ("82040168690a", b"\x01hi\n"),
        ("880203e8", close_payload(1000)),
        ("81053161476b4b", b"1aGkK"),
        ("810131", b"1"),
    ],
)
def test_frames_of_a_server_are_those_of_the_reference(hexed, payload):
    wire = bytes.fromhex(hexed)

    (frame,) = FrameDecoder(False).receive_data(wire)

    assert frame.payload == payload
    assert frame.raw_size == len(wire)
    assert encode_frame(frame.opcode, payload) == wire


@pytest.mark.parametrize(
    ("hexed", "payload"),
    [
        ("828437fa213d37965237", b"\x00ls\n"),
        ("828237fa213dc8fa", b"\xff\x00"),
        ("8284f4e2b19ff48ad895", b"\x00hi\n"),  # real kubectl 1.32.4
        ("828296f224c369f2", b"\xff\x00"),  # real kubectl 1.32.4
    ],
)
def test_frames_of_a_client_are_those_of_the_reference(hexed, payload):
    wire = bytes.fromhex(hexed)

    (frame,) = FrameDecoder(True).receive_data(wire)

    assert frame.payload == payload
    assert encode_frame(Opcode.BINARY, payload, mask=wire[2:6]) == wire


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
@pytest.mark.parametrize("mask", [None, MASK])
def test_every_length_form_survives(size, mask):
    payload = os.urandom(size)

    wire = encode_frame(Opcode.BINARY, payload, mask=mask)
    (frame,) = FrameDecoder(None).receive_data(wire)

    assert frame == Frame(True, Opcode.BINARY, payload, mask is not None, len(wire))


def test_a_header_alone_saves_copying_the_payload():
    assert frame_header(Opcode.BINARY, 4) + b"abcd" == encode_frame(2, b"abcd")


frames = st.lists(
    st.tuples(
        st.sampled_from([Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE]),
        st.binary(max_size=125),
    ),
    max_size=6,
)


@given(frames, cut_lists(800), st.sampled_from([None, MASK]))
def test_any_split_gives_the_same_frames(frames, cuts, mask):
    wire = b"".join(encode_frame(op, data, mask=mask) for op, data in frames)
    decoder = FrameDecoder(mask is not None)

    got = [
        frame for piece in pieces(wire, cuts) for frame in decoder.receive_data(piece)
    ]

    assert [(frame.opcode, frame.payload) for frame in got] == frames
    assert decoder.pending == 0


@given(
    st.binary(max_size=300),
    cut_lists(300),
    st.sampled_from([True, False, None]),
    st.booleans(),
)
def test_any_bytes_end_only_in_a_remote_protocol_error(data, cuts, masked, lenient):
    decoder = FrameDecoder(masked, lenient=lenient)
    code = CloseCode.PROTOCOL_ERROR
    try:
        for piece in pieces(data, cuts):
            decoder.receive_data(piece)
    except RemoteProtocolError as err:
        code = err.code

    assert code in (CloseCode.PROTOCOL_ERROR, CloseCode.TOO_BIG)


@given(st.binary(max_size=300), cut_lists(300))
def test_an_error_comes_at_the_same_frame_however_the_bytes_are_split(data, cuts):
    def run(parts):
        decoder, got = FrameDecoder(True), []
        try:
            for part in parts:
                got += decoder.receive_data(part)
        except FrameError as err:
            return got + err.frames, str(err)
        return got, None

    assert run([data]) == run(pieces(data, cuts))


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"\xc2\x80" + MASK, "RSV"),
        (b"\x83\x80" + MASK, "opcode"),
        (b"\x8b\x80" + MASK, "opcode"),
        (b"\x09\x80" + MASK, "FIN"),
        (b"\x89\xfe\x00\x7e" + MASK, "length"),
        (b"\x82\x01a", "MASK"),
    ],
)
def test_the_strict_reading_refuses(wire, text):
    with pytest.raises(FrameError, match=text) as caught:
        FrameDecoder(True).receive_data(wire)
    assert caught.value.code == CloseCode.PROTOCOL_ERROR


def test_the_lenient_reading_takes_reserved_bits_and_opcodes():
    wire = b"\xf3\x81" + MASK + apply_mask(b"x", MASK)

    (frame,) = FrameDecoder(True, lenient=True).receive_data(wire)

    assert (frame.opcode, frame.rsv, frame.payload) == (3, 7, b"x")


def test_a_masked_frame_is_refused_by_a_client():
    with pytest.raises(FrameError, match="MASK"):
        FrameDecoder(False).receive_data(encode_frame(Opcode.BINARY, b"x", mask=MASK))


def test_a_frame_that_is_too_large_is_refused_at_its_header():
    decoder = FrameDecoder(True, max_payload=1000)

    with pytest.raises(FrameError) as caught:
        decoder.receive_data(b"\x82\xfe\x03\xe9")
    assert caught.value.code == CloseCode.TOO_BIG


def test_frames_before_a_bad_one_are_not_lost():
    good = encode_frame(Opcode.BINARY, b"good", mask=MASK)

    with pytest.raises(FrameError) as caught:
        FrameDecoder(True).receive_data(good + b"\x82\x00")
    assert [frame.payload for frame in caught.value.frames] == [b"good"]


def test_close_payloads_are_read_back():
    assert parse_close(b"") == (1005, "")
    assert parse_close(close_payload(1011, "bye")) == (1011, "bye")


def test_a_long_close_reason_is_cut_at_a_character():
    payload = close_payload(1000, "\u00e4" * 100)

    assert len(payload) <= 125
    assert parse_close(payload) == (1000, "\u00e4" * 61)


def test_a_close_payload_of_one_byte_is_refused():
    with pytest.raises(RemoteProtocolError):
        parse_close(b"\x03")
