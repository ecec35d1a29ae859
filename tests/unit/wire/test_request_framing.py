import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.request_framing import RequestFramer

PLAIN = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nupgrade: "
CHUNKED = (
    b"POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n\r\n\r\r\n0\r\n\r\n"
)
UPGRADE = b"POST /exec HTTP/1.1\r\nupgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\n"
WITH_BODY = b"POST /exec HTTP/1.1\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize("upgrade", [UPGRADE, WITH_BODY], ids=["no body", "body"])
@given(
    before=st.lists(st.sampled_from([PLAIN, POST, CHUNKED, b"\r\n"]), max_size=4),
    rest=st.binary(max_size=30),
    cuts=cut_lists(600),
)
def test_what_is_behind_an_upgrade_request_is_held(upgrade, before, rest, cuts):
    framer = RequestFramer()
    head = b"".join(before) + upgrade

    passed = b"".join(map(framer.feed, pieces(head + rest, cuts)))

    assert passed == head
    assert bytes(framer.held) == rest
    assert framer.upgrading


@given(
    st.lists(st.sampled_from([PLAIN, POST, CHUNKED]), max_size=6),
    cut_lists(600),
)
def test_requests_without_an_upgrade_go_through(requests, cuts):
    framer = RequestFramer()
    data = b"".join(requests)

    passed = b"".join(map(framer.feed, pieces(data, cuts)))

    assert passed == data
    assert not framer.held


def test_a_refused_upgrade_gives_back_what_was_held():
    framer = RequestFramer()
    framer.feed(UPGRADE + PLAIN + UPGRADE + b"spdy")

    again = framer.feed(framer.release())

    assert again == PLAIN + UPGRADE
    assert bytes(framer.held) == b"spdy"


@given(st.binary(max_size=300), cut_lists(300))
def test_nothing_is_lost_whatever_the_bytes(data, cuts):
    framer = RequestFramer()

    passed = b"".join(map(framer.feed, pieces(data, cuts)))

    assert passed + bytes(framer.held) == data


def test_a_head_that_never_ends_is_left_to_the_parser():
    framer = RequestFramer()
    data = b"GET /" + b"a" * (2 << 20)

    assert framer.feed(data) == data
    assert framer.feed(b"\r\n\r\n" + UPGRADE + b"x")[-1:] == b"x"


def test_a_length_of_thousands_of_digits_is_left_to_the_parser():
    framer = RequestFramer()
    data = b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nbody"

    assert framer.feed(data) == data
    assert not framer.upgrading
