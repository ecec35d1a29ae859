import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire.splits import cut_lists, pieces
from wire.terminal import ResizeDecoder, TerminalSize, encode_resize

sizes = st.builds(TerminalSize, st.integers(0, 65535), st.integers(0, 65535))


def test_a_size_is_written_as_client_go_writes_it():
    assert encode_resize(TerminalSize(80, 24)) == b'{"Width":80,"Height":24}\n'


@pytest.mark.parametrize(
    "data",
    [
        b'{"Width":80,"Height":24}\n',
        b'{"height":24,"width":80}',
        b' \r\n\t{"WIDTH" : 80 , "hEIGHT" : 24 , "Other": [1, {"a": "}"}]} ',
    ],
)
def test_keys_match_in_any_case_and_order(data):
    assert ResizeDecoder().receive_data(data) == [TerminalSize(80, 24)]


def test_absent_and_null_are_zero_as_in_go():
    data = b'null {"Width":null}{"Height":3}'

    assert ResizeDecoder().receive_data(data) == [
        TerminalSize(0, 0),
        TerminalSize(0, 0),
        TerminalSize(0, 3),
    ]


@given(st.lists(sizes, max_size=5), cut_lists(200))
def test_any_split_gives_the_same_sizes(sizes, cuts):
    decoder = ResizeDecoder()
    data = b"".join(map(encode_resize, sizes))

    got = [s for piece in pieces(data, cuts) for s in decoder.receive_data(piece)]

    assert got == sizes


@pytest.mark.parametrize(
    "data",
    [b"[1,2]", b"7", b'{"Width":-1}', b'{"Width":65536}', b'{"Width":"80"}', b"true"],
)
def test_malformed_input_ends_it_silently(data):
    decoder = ResizeDecoder()

    assert decoder.receive_data(data + b" ") == []
    assert decoder.receive_data(b'{"Width":80,"Height":24}') == []


def test_an_endless_object_is_not_kept():
    decoder = ResizeDecoder()

    decoder.receive_data(b'{"Width":' + b" " * 5000)

    assert decoder.broken


@given(st.binary(max_size=300), cut_lists(300))
def test_any_bytes_give_sizes_or_nothing(data, cuts):
    decoder = ResizeDecoder()
    for piece in pieces(data, cuts):
        decoder.receive_data(piece)
