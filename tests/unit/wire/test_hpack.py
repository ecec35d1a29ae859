import contextlib
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import RemoteProtocolError
from wire.hpack import HpackDecoder
from wire.huffman import code_words, decode_huffman

# RFC 7541 Appendix C.4: three requests on one connection, Huffman coded
REQUESTS = [
    (
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "www.example.com"),
        ],
    ),
    (
        "828684be5886a8eb10649cbf",
        [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "www.example.com"),
            ("cache-control", "no-cache"),
        ],
    ),
    (
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        [
            (":method", "GET"),
            (":scheme", "https"),
            (":path", "/index.html"),
            (":authority", "www.example.com"),
            ("custom-key", "custom-value"),
        ],
    ),
]


def test_the_requests_of_the_rfc_are_read():
    decoder = HpackDecoder()

    for block, headers in REQUESTS:
        assert decoder.decode(bytes.fromhex(block)) == headers


def test_the_huffman_code_is_complete():
    assert len(code_words()) == 257
    assert sum(Fraction(1, 2**length) for length, _ in code_words()) == 1


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\x00", b"\xff"])
def test_bad_padding_is_refused(data):
    with pytest.raises(RemoteProtocolError):
        decode_huffman(data)


@pytest.mark.parametrize(
    "block",
    ["80", "be", "40", "0001", "000161", "3fffffffff0f", "7fffffffffffff7f", "82ff"],
)
def test_malformed_blocks_are_refused(block):
    with pytest.raises(RemoteProtocolError):
        HpackDecoder().decode(bytes.fromhex(block))


def test_a_table_of_size_zero_keeps_nothing():
    decoder = HpackDecoder()
    decoder.decode(bytes.fromhex("204001610162"))

    with pytest.raises(RemoteProtocolError, match="no such index"):
        decoder.decode(b"\xbe")


def test_old_entries_leave_a_full_table():
    decoder = HpackDecoder()
    decoder.decode(bytes.fromhex("3f2140016101624001630164"))  # 64 bytes

    assert decoder.decode(b"\xbe") == [("c", "d")]
    with pytest.raises(RemoteProtocolError):
        decoder.decode(b"\xbf")


@given(st.binary(max_size=100))
def test_any_bytes_end_only_in_a_remote_protocol_error(block):
    with contextlib.suppress(RemoteProtocolError):
        HpackDecoder().decode(block)
