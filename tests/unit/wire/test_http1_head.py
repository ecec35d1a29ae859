import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.http1 import (
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_request_head,
    encode_response_head,
    get_all,
    get_header,
    has_token,
    is_upgrade,
)

REQUEST = (
    b"GET /api/v1/namespaces/default/pods/p/exec?command=sh&stdout=true HTTP/1.1\r\n"
    b"Host: 127.0.0.1:6443\r\n"
    b"Connection: keep-alive, Upgrade\r\n"
    b"upgrade: websocket\r\n"
    b"Sec-WebSocket-Key:   dGhlIHNhbXBsZSBub25jZQ==  \r\n"
    b"X-Empty:\r\n"
    b"\r\n"
)


def read_head(kind, *data):
    reader = HeadReader(kind)
    for piece in data:
        head = reader.receive_data(piece)
        if head is not None:
            return head, reader
    return None, reader


def test_a_request_head_keeps_order_spelling_and_bytes():
    head, reader = read_head("request", REQUEST + b"\x81\x00")

    assert isinstance(head, RequestHead)
    assert head.method == "GET"
    assert head.target.startswith("/api/v1/")
    assert head.headers == [
        ("Host", "127.0.0.1:6443"),
        ("Connection", "keep-alive, Upgrade"),
        ("upgrade", "websocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("X-Empty", ""),
    ]
    assert head.raw == REQUEST
    assert reader.leftover == b"\x81\x00"


def test_a_response_head_may_have_no_reason():
    head, _ = read_head("response", b"HTTP/1.1 101\r\nUpgrade: SPDY/3.1\r\n\r\n")

    assert head == ResponseHead(101, "", [("Upgrade", "SPDY/3.1")])


def test_a_bare_403_of_a_real_kubelet_is_a_whole_head():
    head, reader = read_head("response", b"HTTP/1.1 403 Forbidden\r\n\r\n")

    assert head == ResponseHead(403, "Forbidden", [])
    assert reader.leftover == b""


def test_lines_may_end_without_a_carriage_return():
    head, reader = read_head("request", b"GET / HTTP/1.1\nHost: a\n\nrest")

    assert head == RequestHead("GET", "/", [("Host", "a")])
    assert reader.leftover == b"rest"


def test_empty_lines_before_a_request_are_skipped():
    head, _ = read_head("request", b"\r\n", b"\r\nGET / HTTP/1.1\r\n\r\n")

    assert head == RequestHead("GET", "/", [])


def test_a_folded_header_becomes_one_line():
    head, _ = read_head("request", b"GET / HTTP/1.1\r\nA: b\r\n \t c\r\n\r\n")

    assert head.headers == [("A", "b c")]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"\x80\x03\x00\x01",
        b"\nGET / HTTP/1.1\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1 x\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"G\xe4T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nspace : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\na: x\0y\r\n\r\n",
        b"GET / HTTP/1.1\r\na: x\ry\r\n\r\n",
    ],
)
def test_malformed_requests_are_refused(data):
    with pytest.raises(RemoteProtocolError):
        read_head("request", data)


@pytest.mark.parametrize(
    "line",
    [b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 +20 OK", b"HTTP/1.1 099 X"],
)
def test_malformed_status_lines_are_refused(line):
    with pytest.raises(RemoteProtocolError):
        read_head("response", line + b"\r\n\r\n")


def test_a_head_larger_than_the_limit_is_refused_before_its_end():
    reader = HeadReader("request", max_size=100)

    with pytest.raises(RemoteProtocolError, match="too large"):
        reader.receive_data(b"GET /" + b"a" * 200)


def test_reading_on_after_the_head_is_a_bug_of_the_caller():
    _, reader = read_head("request", b"GET / HTTP/1.1\r\n\r\n")

    with pytest.raises(LocalProtocolError):
        reader.receive_data(b"x")


@given(cut_lists(300), st.binary(max_size=20))
def test_any_split_gives_the_same_head_and_leftover(cuts, rest):
    whole, _ = read_head("request", REQUEST)
    got = b""
    reader = HeadReader("request")
    head = None
    for piece in pieces(REQUEST + rest, cuts):
        if head is None:
            head = reader.receive_data(piece)
            got = reader.leftover
        else:
            got += piece

    assert head == whole
    assert head.raw == REQUEST
    assert got == rest


@given(st.sampled_from(["request", "response"]), st.binary(max_size=300), cut_lists())
def test_any_bytes_end_only_in_a_remote_protocol_error(kind, data, cuts):
    reader = HeadReader(kind)
    try:
        for piece in pieces(data, cuts):
            if reader.receive_data(piece) is not None:
                return
    except RemoteProtocolError:
        pass


tokens = st.text("abcXYZ-09_", min_size=1, max_size=12)
values = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20
).map(str.strip)


@given(st.lists(st.tuples(tokens, values), max_size=8))
def test_heads_read_as_h11_reads_them(items):
    items = [("Host", "h"), *[(f"X-{name}", value) for name, value in items]]
    raw = encode_request_head(RequestHead("GET", "/a?b=c", items))
    oracle = h11.Connection(h11.SERVER)
    oracle.receive_data(raw)

    event = oracle.next_event()
    head, _ = read_head("request", raw)

    assert head.headers == [
        (name.decode(), value.decode()) for name, value in event.headers.raw_items()
    ]
    assert head.target == event.target.decode()


@given(st.integers(200, 599), st.lists(st.tuples(tokens, values), max_size=8))
def test_heads_are_written_as_h11_can_read_them(status, items):
    items = [(f"X-{name}", value) for name, value in items]
    raw = encode_response_head(ResponseHead(status, "Some reason", items))
    oracle = h11.Connection(h11.CLIENT)
    oracle.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    oracle.receive_data(raw)

    event = oracle.next_event()

    assert event.status_code == status
    assert [(n.decode(), v.decode()) for n, v in event.headers.raw_items()] == items


@pytest.mark.parametrize(
    "head",
    [
        RequestHead("GET", "/ HTTP/1.1\r\nX: y", []),
        RequestHead("GET", "/a b", []),
        RequestHead("", "/", []),
        RequestHead("GET", "/", [("a\r\nb", "c")]),
        RequestHead("GET", "/", [("a", "b\r\nc: d")]),
        RequestHead("GET", "/", [("a", "snow \u2603")]),
    ],
)
def test_nothing_can_be_smuggled_into_a_head(head):
    with pytest.raises(LocalProtocolError):
        encode_request_head(head)


def test_headers_are_found_in_any_case():
    headers = [("X-Stream-Protocol-Version", "v5"), ("x-stream-protocol-version", "v4")]

    assert get_header(headers, "x-STREAM-protocol-version") == "v5"
    assert get_all(headers, "X-Stream-Protocol-Version") == ["v5", "v4"]
    assert get_header(headers, "nope") is None


def test_a_token_is_found_among_others():
    headers = [("Connection", "keep-alive, Upgrade")]

    assert has_token(headers, "connection", "upgrade")
    assert not has_token(headers, "connection", "up")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Upgrade", True), ("keep-alive, upgrade", True), ("close", False)],
)
def test_an_upgrade_request_is_known_by_its_connection_header(value, expected):
    assert is_upgrade([("Connection", value)]) is expected
