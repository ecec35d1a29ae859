"""CRI log records: what the runtime writes and what the kubelet reads."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire.cri_log import (
    MAX_CONTENT,
    LogDecoder,
    LogEncoder,
    LogRecord,
    format_timestamp,
    parse_record,
    parse_timestamp,
)
from wire.errors import RemoteProtocolError

NOW = 1714557600_123456789
STAMP = b"2024-05-01T10:00:00.123456789Z"


def encode(*chunks, stream="stdout", **options):
    encoder = LogEncoder(stream, **options)
    written = b"".join(encoder.receive_data(chunk, NOW) for chunk in chunks)
    return written + encoder.receive_eof(NOW)


def decode(data):
    decoder = LogDecoder()
    return decoder.receive_data(data) + decoder.receive_eof()


def test_a_line_is_one_full_record():
    assert encode(b"hello\n") == STAMP + b" stdout F hello\n"


def test_several_lines_of_one_chunk_are_several_records():
    assert encode(b"a\n\nb\n", stream="stderr") == b"".join(
        STAMP + b" stderr F " + line + b"\n" for line in (b"a", b"", b"b")
    )


def test_a_line_waits_for_its_newline():
    encoder = LogEncoder("stdout")

    assert encoder.receive_data(b"no newline", NOW) == b""
    assert encoder.receive_data(b" yet\n", NOW) == STAMP + b" stdout F no newline yet\n"


def test_what_has_no_newline_at_the_end_is_a_partial_record():
    assert encode(b"$ ") == STAMP + b" stdout P $ \n"


def test_the_carriage_return_before_a_newline_is_lost_even_when_they_come_apart():
    assert encode(b"a\r", b"\nb\rc\r\n") == (
        STAMP + b" stdout F a\n" + STAMP + b" stdout F b\rc\n"
    )


def test_a_line_of_20000_bytes_is_16384_and_3616():
    records = decode(encode(b"x" * 20000 + b"\n"))

    assert [(r.partial, len(r.content)) for r in records] == [
        (True, 16384),
        (False, 3617),
    ]


def test_a_line_of_exactly_the_limit_is_one_full_record():
    records = decode(encode(b"x" * MAX_CONTENT + b"\n"))

    assert [(r.partial, len(r.content)) for r in records] == [(False, MAX_CONTENT + 1)]


def test_a_line_that_never_ends_is_written_as_it_comes():
    encoder = LogEncoder("stdout")

    written = encoder.receive_data(b"x" * (3 * MAX_CONTENT + 1), NOW)

    assert [len(r.content) for r in decode(written)] == [MAX_CONTENT] * 3


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2024-05-01T10:00:00.123456789Z", NOW),
        ("2024-05-01T10:00:00.1234Z", 1714557600_123400000),
        ("2024-05-01T10:00:00Z", 1714557600_000000000),
        ("2024-05-01T12:30:00.5+02:30", 1714557600_500000000),
        ("2024-05-01T05:00:00.5-05:00", 1714557600_500000000),
    ],
)
def test_timestamps_are_read_leniently(text, nanoseconds):
    assert parse_timestamp(text) == nanoseconds


@pytest.mark.parametrize(
    "text", ["", "now", "2024-05-01 10:00:00Z", "2024-05-01T10:00:00"]
)
def test_what_is_no_timestamp_is_refused(text):
    with pytest.raises(RemoteProtocolError):
        parse_timestamp(text)


@given(st.integers(min_value=0, max_value=4102444800 * 10**9))
def test_timestamps_survive_the_way_there_and_back(now):
    assert parse_timestamp(format_timestamp(now)) == now


def test_a_full_record_keeps_its_newline_and_a_partial_one_loses_it():
    full = parse_record(STAMP + b" stderr F a b \n")
    partial = parse_record(STAMP + b" stdout P:x a\n")

    assert full == LogRecord(STAMP.decode(), "stderr", False, b"a b \n")
    assert partial == LogRecord(STAMP.decode(), "stdout", True, b"a")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        STAMP,
        STAMP + b" stdout F",
        b"x stdout F a\n",
        STAMP + b" stdin F a\n",
    ],
)
def test_what_is_no_record_is_refused(line):
    with pytest.raises(RemoteProtocolError):
        parse_record(line)


def test_lines_that_are_no_records_are_skipped():
    log = b"garbage\n" + encode(b"a\n") + b"\xff\xfe F\n" + encode(b"b\n")

    assert [r.content for r in decode(log)] == [b"a\n", b"b\n"]


@given(
    st.text("xy\r\n", max_size=200).map(str.encode),
    st.lists(st.integers(0, 200), max_size=5),
)
@example(b"x" * 16 + b"\r\n", [])
def test_any_split_of_the_output_gives_the_same_records(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[a:b] for a, b in pairwise(edges)]

    assert encode(*chunks, max_content=16) == encode(
        *(bytes([b]) for b in data), max_content=16
    )


@given(st.binary(max_size=200).map(lambda data: data.replace(b"\r", b"")))
def test_the_contents_together_are_what_the_container_wrote(data):
    records = decode(encode(data, max_content=16))

    assert b"".join(r.content for r in records) == data
    assert all(len(r.content.rstrip(b"\n")) <= 16 for r in records)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_read_without_an_error_and_any_split_alike(data, cut):
    log = encode(b"a\n") + data
    decoder = LogDecoder()

    pieces = decoder.receive_data(log[:cut]) + decoder.receive_data(log[cut:])

    assert pieces + decoder.receive_eof() == decode(log)
