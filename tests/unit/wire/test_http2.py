import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.errors import RemoteProtocolError
from wire.grpc_messages import GrpcMessageReader, grpc_status
from wire.http2 import PREFACE, Http2Frame, Http2Reader


def frame(kind, flags, stream, payload):
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags))
    return head + stream.to_bytes(4, "big") + payload


def test_padding_and_priority_are_taken_off():
    reader = Http2Reader(client=False)
    padded = frame(0, 0x8, 1, b"\x03data\0\0\0")
    headers = frame(1, 0x2C, 1, b"\x01" + bytes(5) + b"\x82" + b"\0")

    data, head = reader.receive_data(padded + headers)

    assert data.data == b"data"
    assert head.headers == ((":method", "GET"),)


def test_a_block_may_go_on_in_further_frames():
    reader = Http2Reader(client=True)

    first, second = reader.receive_data(
        PREFACE + frame(1, 1, 3, b"\x82") + frame(9, 4, 3, b"\x84")
    )

    assert first.headers is None
    assert first.end_stream
    assert second.headers == ((":method", "GET"), (":path", "/"))


@pytest.mark.parametrize(
    "data",
    [
        frame(1, 0, 1, b"") + frame(0, 0, 1, b""),
        frame(0, 8, 1, b""),
        frame(0, 8, 1, b"\x05abc"),
        frame(1, 4, 1, b"\xff"),
    ],
)
def test_malformed_frames_are_refused(data):
    with pytest.raises(RemoteProtocolError):
        Http2Reader(client=False).receive_data(data)


def test_a_client_must_begin_with_the_preface():
    with pytest.raises(RemoteProtocolError):
        Http2Reader(client=True).receive_data(b"GET / HTTP/1.1\r\n")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 2, 4, 6, 8, 77]),
            st.integers(0, 7),
            st.integers(0, 100),
            st.binary(max_size=40),
        ),
        max_size=6,
    ),
    cut_lists(400),
)
def test_any_split_gives_the_same_frames(parts, cuts):
    wire = PREFACE + b"".join(frame(*part) for part in parts)
    reader = Http2Reader(client=True)

    got = [f for piece in pieces(wire, cuts) for f in reader.receive_data(piece)]

    assert got == [
        Http2Frame(kind, flags, stream, data, 9 + len(data))
        for kind, flags, stream, data in parts
    ]


@given(st.binary(max_size=200), cut_lists(200))
def test_any_bytes_end_only_in_a_remote_protocol_error(data, cuts):
    reader = Http2Reader(client=False)
    try:
        for piece in pieces(data, cuts):
            reader.receive_data(piece)
    except RemoteProtocolError:
        pass


@given(st.lists(st.binary(max_size=30), max_size=6), cut_lists(200))
def test_grpc_messages_survive_any_split(messages, cuts):
    wire = b"".join(b"\0" + len(m).to_bytes(4, "big") + m for m in messages)
    reader = GrpcMessageReader()

    got = [m.data for piece in pieces(wire, cuts) for m in reader.receive_data(piece)]

    assert got == messages


def test_what_is_no_message_is_refused():
    with pytest.raises(RemoteProtocolError):
        GrpcMessageReader().receive_data(b"\x07\0\0\0\0")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("grpc-status", "5"), ("grpc-message", "m")], (5, "m")),
        ([("grpc-status", "0")], (0, "")),
        ([("grpc-status", "x")], None),
        ([], None),
    ],
)
def test_the_status_of_a_call_stands_in_its_trailers(headers, status):
    assert grpc_status(headers) == status
