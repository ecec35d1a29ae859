from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap.http_core import HttpCore
from wire.errors import RemoteProtocolError
from wire.http1 import RequestHead

GET = b"GET /a HTTP/1.1\r\nHost: tap\r\n\r\n"
GET_ON = b"GET /a HTTP/1.1\r\nHost: real\r\n\r\n"
UPGRADE = b"GET /exec HTTP/1.1\r\nHost: tap\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def to_real(head):
    headers = [(n, "real" if n == "Host" else v) for n, v in head.headers]
    return RequestHead(head.method, head.target, headers, head.version)


@pytest.fixture
def core():
    return HttpCore(to_real)


def cut(data, at):
    """The pieces of data between these places."""
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def test_each_request_of_a_kept_connection_is_rewritten(core):
    assert core.from_client(GET) == GET_ON
    assert core.from_server(OK) == b""
    assert core.from_client(GET) == GET_ON


def test_pipelined_requests_are_rewritten(core):
    assert core.from_client(GET * 3) == GET_ON * 3


@given(places=st.lists(st.integers(0, 10_000), max_size=8))
def test_a_chunked_body_passes_as_it_is_however_it_is_cut(places):
    core = HttpCore(to_real)
    head = b"POST /a HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"3;x=y\r\nabc\r\n2\r\n\r\n\r\n0\r\nTrailer: t\r\n\r\n"
    sent = (head % b"tap" + body) * 2

    got = b"".join(core.from_client(piece) for piece in cut(sent, places))

    assert got == (head % b"real" + body) * 2
    assert core.between_requests


def test_what_looks_like_a_request_inside_a_body_is_not_touched(core):
    head = b"PUT /a HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n"

    got = core.from_client(head % (b"tap", len(GET)) + GET + GET)

    assert got == head % (b"real", len(GET)) + GET + GET_ON


@given(places=st.lists(st.integers(0, 10_000), max_size=8))
def test_after_101_everything_passes_both_ways(places):
    core = HttpCore(to_real)
    core.from_client(UPGRADE)
    released = b"".join(core.from_server(p) for p in cut(SWITCHED + GET, places))

    assert core.switched
    assert released == b""
    assert core.from_client(GET) == GET
    assert core.from_server(b"\x82\x00") == b""


def test_bytes_behind_an_upgrade_wait_for_its_answer(core):
    core.from_client(UPGRADE)

    assert core.holding
    assert core.from_client(b"\x81\x85frame") == b""
    assert core.from_server(SWITCHED) == b"\x81\x85frame"


def test_behind_a_refused_upgrade_comes_the_next_request(core):
    core.from_client(UPGRADE + GET)

    assert core.from_server(REFUSED) == GET_ON
    assert not core.switched
    assert not core.holding


def test_an_earlier_answer_does_not_decide_an_upgrade(core):
    core.from_client(GET + UPGRADE)
    core.from_server(OK)

    assert core.holding
    core.from_server(SWITCHED)
    assert core.switched


def test_100_continue_is_no_answer(core):
    statuses = []
    core = HttpCore(to_real, statuses.append)
    core.from_client(
        b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    )
    core.from_server(b"HTTP/1.1 100 Continue\r\n\r\n")
    core.from_client(b"x")
    core.from_server(OK)

    assert statuses == [200]


def test_an_answer_to_head_has_no_body_whatever_its_length_says(core):
    statuses = []
    core = HttpCore(to_real, statuses.append)
    core.from_client(GET.replace(b"GET", b"HEAD") + GET)
    core.from_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + REFUSED)

    assert statuses == [200, 403]


def test_a_server_that_does_not_speak_http_is_not_hindered(core):
    core.from_client(UPGRADE)
    core.from_server(b"\x00\x01 what is this\r\n\r\n")

    assert core.switched
    assert core.from_client(b"anything") == b"anything"


def test_two_lengths_are_refused(core):
    with pytest.raises(RemoteProtocolError):
        core.from_client(
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        )


def test_a_head_without_end_is_refused(core):
    with pytest.raises(RemoteProtocolError, match="too large"):
        core.from_client(b"GET / HTTP/1.1\r\nA: " + b"x" * (1 << 20))
