import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.errors import RemoteProtocolError
from wire.http1 import LAST_CHUNK, BodyReader, RequestHead, ResponseHead, encode_chunk


def response(*headers, status=200):
    return ResponseHead(status, "", list(headers))


def read(reader, *data):
    return b"".join(piece for chunk in data for piece in reader.receive_data(chunk))


def test_a_length_ends_the_body():
    reader = BodyReader.for_response("GET", response(("Content-Length", "5")))

    assert read(reader, b"he", b"llo, next") == b"hello"
    assert reader.complete
    assert reader.leftover == b", next"


def test_chunks_with_extensions_and_trailers_are_read():
    reader = BodyReader.for_response("GET", response(("Transfer-Encoding", "chunked")))

    body = read(reader, b"5;a=b\r\nhello\r\n", b"1\r\n!\r\n0\r\nX: y\r\n\r\nmore")

    assert body == b"hello!"
    assert reader.complete
    assert reader.leftover == b"more"


def test_without_a_length_a_response_lasts_until_the_end_of_the_connection():
    reader = BodyReader.for_response("GET", response())

    assert read(reader, b"a", b"b") == b"ab"
    assert not reader.complete
    assert reader.until_close
    reader.receive_eof()
    assert reader.complete


def test_without_a_length_a_request_has_no_body():
    reader = BodyReader.for_request(RequestHead("POST", "/", []))

    assert reader.complete


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304), ("GET", 101)]
)
def test_some_answers_never_have_a_body(method, status):
    head = response(("Content-Length", "100"), status=status)

    assert BodyReader.for_response(method, head).complete


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "1"), ("Content-Length", "2")],
        [("Content-Length", "-1")],
        [("Content-Length", "1e3")],
        [("Content-Length", "9" * 30)],
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "gzip")],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    ],
)
def test_unclear_lengths_are_refused(headers):
    with pytest.raises(RemoteProtocolError):
        BodyReader.for_request(RequestHead("POST", "/", headers))


def test_the_same_length_twice_is_one_length():
    head = RequestHead("POST", "/", [("Content-Length", "1, 1")])

    assert read(BodyReader.for_request(head), b"ab") == b"a"


@pytest.mark.parametrize(
    "data", [b"\r\n", b"zz\r\n", b"-1\r\n", b"1\r\nab\r\n", b"f" * 20 + b"\r\n"]
)
def test_malformed_chunks_are_refused(data):
    reader = BodyReader(None, chunked=True)

    with pytest.raises(RemoteProtocolError):
        read(reader, data)


def test_an_endless_chunk_size_line_is_refused():
    reader = BodyReader(None, chunked=True)

    with pytest.raises(RemoteProtocolError):
        read(reader, b"1;" + b"x" * 5000)


@pytest.mark.parametrize("reader", [BodyReader(5), BodyReader(None, chunked=True)])
def test_an_early_end_of_the_connection_is_an_error(reader):
    with pytest.raises(RemoteProtocolError, match="unexpected EOF"):
        reader.receive_eof()


@given(st.lists(st.binary(max_size=50), max_size=10), cut_lists(800), st.binary())
def test_chunks_survive_any_split(chunks, cuts, rest):
    wire = b"".join(encode_chunk(chunk) for chunk in chunks) + LAST_CHUNK
    reader = BodyReader(None, chunked=True)

    body = read(reader, *pieces(wire + rest, cuts))

    assert body == b"".join(chunks)
    assert reader.complete
    assert reader.leftover == rest


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=10))
def test_chunks_are_written_as_h11_can_read_them(chunks):
    oracle = h11.Connection(h11.CLIENT)
    oracle.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    oracle.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    oracle.receive_data(b"".join(map(encode_chunk, chunks)) + LAST_CHUNK)

    oracle.next_event()
    body = b""
    while isinstance(event := oracle.next_event(), h11.Data):
        body += event.data

    assert body == b"".join(chunks)


@given(st.binary(max_size=200), cut_lists())
def test_any_bytes_end_only_in_a_remote_protocol_error(data, cuts):
    reader = BodyReader(None, chunked=True)
    try:
        read(reader, *pieces(data, cuts))
        reader.receive_eof()
    except RemoteProtocolError:
        pass
