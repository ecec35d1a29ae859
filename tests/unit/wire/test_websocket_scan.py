import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.websocket import FrameDecoder, encode_frame
from wire.websocket_scan import FrameScanner

FRAMES = st.lists(
    st.tuples(
        st.integers(0, 15),
        st.one_of(st.binary(max_size=10), st.binary(min_size=120, max_size=300)),
        st.booleans(),
        st.none() | st.binary(min_size=4, max_size=4),
    ),
    max_size=6,
)


def scan(data, cuts, wanted):
    scanner = FrameScanner(wanted)
    return [f for piece in pieces(data, cuts) for f in scanner.receive_data(piece)]


@given(FRAMES, cut_lists(600), st.integers(0, 200))
def test_it_sees_the_frames_that_the_decoder_decodes(frames, cuts, most):
    data = b"".join(
        encode_frame(opcode, payload, fin=fin, mask=mask)
        for opcode, payload, fin, mask in frames
    )
    decoder = FrameDecoder(None, lenient=True)

    seen = scan(data, cuts, lambda opcode, length, first: most)

    decoded = decoder.receive_data(data)
    assert [
        (f.fin, f.rsv, f.opcode, f.masked, f.length, f.raw_size, f.payload)
        for f in seen
    ] == [
        (
            f.fin,
            f.rsv,
            f.opcode,
            f.masked,
            len(f.payload),
            f.raw_size,
            f.payload[:most],
        )
        for f in decoded
    ]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 200_000])
def test_lengths_of_all_forms_are_read(size):
    (frame,) = scan(encode_frame(2, bytes(size), mask=b"abcd"), [], lambda *_: 3)

    assert (frame.length, frame.payload) == (size, bytes(min(3, size)))
    assert frame.whole == (size <= 3)


@given(FRAMES, cut_lists(600))
def test_the_first_byte_that_it_asks_about_is_unmasked(frames, cuts):
    asked = []
    data = b"".join(
        encode_frame(op, payload, mask=mask) for op, payload, _, mask in frames
    )

    scan(data, cuts, lambda opcode, length, first: asked.append((length, first)) or 0)

    assert asked == [(len(p), p[0]) for _, p, _, _ in frames if p]


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_no_bytes_make_it_fail(chunks):
    scanner = FrameScanner(lambda *_: 8)
    for chunk in chunks:
        scanner.receive_data(chunk)


def test_it_holds_nothing_of_a_payload_that_nobody_wants():
    scanner = FrameScanner(lambda *_: 2)
    scanner.receive_data(encode_frame(2, bytes(1 << 20))[:-1])

    assert scanner.inside_frame
    assert len(scanner._kept) == 2
