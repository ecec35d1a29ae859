"""Header blocks: what is read, what is written, what is refused."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.spdy.dictionary import DICTIONARY
from wire.spdy.headers import HeaderDecoder, HeaderEncoder, header
from wire.spdy.limits import Limits

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
BLOCKS = st.dictionaries(NAMES, VALUES, max_size=6).map(lambda block: [*block.items()])


def uint32(number):
    return number.to_bytes(4, "big")


def counted(data):
    return uint32(len(data)) + data


def plain(*pairs, count=None):
    parts = [uint32(len(pairs) if count is None else count)]
    for name, value in pairs:
        parts += counted(name), counted(value)
    return b"".join(parts)


def deflated(*blocks):
    deflate = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zdict=DICTIONARY)
    return [
        deflate.compress(block) + deflate.flush(zlib.Z_SYNC_FLUSH) for block in blocks
    ]


@given(st.lists(BLOCKS, max_size=5))
def test_blocks_survive_the_shared_context(blocks):
    encoder, decoder = HeaderEncoder(), HeaderDecoder(Limits())

    received = [decoder.decode(encoder.encode(block)) for block in blocks]

    assert received == [tuple(block) for block in blocks]


def test_a_block_of_another_window_size_and_level_is_read():
    [first, second] = deflated(plain((b"port", b"80")), plain((b"port", b"81")))
    decoder = HeaderDecoder(Limits())

    assert decoder.decode(first) == (("port", "80"),)
    assert decoder.decode(second) == (("port", "81"),)


def test_our_first_block_names_the_dictionary_and_ends_with_a_sync_flush():
    block = HeaderEncoder().encode([("streamtype", "error")])

    assert block[0] & 0x0F == zlib.DEFLATED
    assert block[1] & 0x20  # FDICT
    assert block[2:6] == bytes.fromhex("e3c6a7c2")
    assert block.endswith(bytes.fromhex("0000ffff"))


def test_names_are_written_in_lower_case():
    block = HeaderEncoder().encode([("streamType", "error"), ("requestID", "0")])

    assert HeaderDecoder(Limits()).decode(block) == (
        ("streamtype", "error"),
        ("requestid", "0"),
    )


def test_several_values_of_a_name_are_joined_by_nul():
    block = HeaderEncoder().encode([("a", "1"), ("b", "2"), ("A", "3")])

    inflate = zlib.decompressobj(zdict=DICTIONARY)
    assert inflate.decompress(block) == plain((b"a", b"1\x003"), (b"b", b"2"))
    headers = HeaderDecoder(Limits()).decode(block)
    assert headers == (("a", "1"), ("a", "3"), ("b", "2"))


def test_a_value_with_nul_is_a_local_error():
    with pytest.raises(LocalProtocolError, match="NUL"):
        HeaderEncoder().encode([("a", "1\x002")])


def test_header_returns_the_first_value_or_nothing():
    headers = (("port", "80"), ("port", "81"))

    assert header(headers, "port") == "80"
    assert header(headers, "requestid") == ""


@pytest.mark.parametrize(
    ("block", "message"),
    [
        pytest.param(plain((b"Port", b"80")), "not lower case", id="upper case"),
        pytest.param(plain((b"p\xff", b"80")), "not text", id="name not UTF-8"),
        pytest.param(plain(count=1), "ends before", id="no pair"),
        pytest.param(plain((b"a", b"b"))[:-1], "ends before", id="short value"),
        pytest.param(plain((b"a", b"b"), count=2), "ends before", id="one pair of two"),
        pytest.param(b"\0\0", "ends before", id="no count"),
        pytest.param(b"", "ends before", id="empty"),
        pytest.param(plain((b"a", b"b")) + b"c", "1 bytes after", id="surplus"),
        pytest.param(uint32(0xFFFFFFFF), "at most 1000", id="count"),
        pytest.param(
            uint32(1) + uint32(0xFFFFFFF0) + b"a", "ends before", id="huge name"
        ),
        pytest.param(plain((b"a", b"\0" * 1001)), "too many values", id="many values"),
        pytest.param(plain((b"a", b"b" * 65536)), "more than 65536", id="too large"),
    ],
)
def test_a_bad_block_is_refused(block, message):
    with pytest.raises(RemoteProtocolError, match=message):
        HeaderDecoder(Limits()).decode(deflated(block)[0])


def test_bytes_that_are_not_deflated_are_refused():
    with pytest.raises(RemoteProtocolError, match="header block"):
        HeaderDecoder(Limits()).decode(b"\x78\xf9\0\0\0\0junk")


def test_another_dictionary_is_refused():
    deflate = zlib.compressobj(zdict=b"another dictionary")
    block = deflate.compress(plain()) + deflate.flush(zlib.Z_SYNC_FLUSH)

    with pytest.raises(RemoteProtocolError, match="header block"):
        HeaderDecoder(Limits()).decode(block)


def test_a_finished_deflate_stream_cannot_go_on():
    deflate = zlib.compressobj(zdict=DICTIONARY)
    last = deflate.compress(plain((b"a", b"b"))) + deflate.flush()
    decoder = HeaderDecoder(Limits())
    assert decoder.decode(last) == (("a", "b"),)

    with pytest.raises(RemoteProtocolError, match="ends before"):
        decoder.decode(deflated(plain())[0])


def test_many_small_bombs_run_out_of_credit():
    bomb = plain((b"a", b"b" * 60_000))
    blocks = deflated(*[bomb] * 20)
    decoder = HeaderDecoder(Limits())
    assert sum(map(len, blocks)) < 2000

    with pytest.raises(RemoteProtocolError, match="header block of more than"):
        list(map(decoder.decode, blocks))


def test_ordinary_blocks_never_run_out_of_credit():
    blocks = [
        [("streamtype", "data"), ("port", "8080"), ("requestid", str(number))]
        for number in range(20_000)
    ]
    encoder, decoder = HeaderEncoder(), HeaderDecoder(Limits())

    for block in blocks:
        assert decoder.decode(encoder.encode(block)) == tuple(block)
