"""Log options, filters and file reading, as logs.md has them."""

from __future__ import annotations

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelet.log_filter import LogFilter, UnknownLogFormatError
from kubelet.log_options import (
    InvalidLogOptionsError,
    LogOptions,
    UndecodableLogOptionsError,
)
from kubelet.log_selection import LogUnavailableError, select_log_instance
from kubelet.log_tail import seek_to_tail
from kubelet.logs import LogReadError, read_log

T1 = b"2024-05-01T10:00:00.000000001Z"
T2 = b"2024-05-01T10:00:01.5Z"
T3 = b"2024-05-01T10:00:02+02:00"


def record(text, tag=b"F", stream=b"stdout", time=T1):
    return b"%s %s %s %s\n" % (time, stream, tag, text)


def run(data, **options):
    log = LogFilter(LogOptions(**options))
    return log.receive_data(data) + log.receive_eof()


LOG = (
    record(b"one")
    + record(b"two", stream=b"stderr", time=T2)
    + record(b"thr", b"P", time=T1)
    + record(b"ee", b"F", time=T1)
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, b"one\ntwo\nthree\n"),
        (
            {"timestamps": True},
            T1 + b" one\n2024-05-01T10:00:01.500000000Z two\n" + T1 + b" three\n",
        ),
        ({"stream": "Stderr"}, b"two\n"),
        ({"stream": "Stdout"}, b"one\nthree\n"),
        ({"limit_bytes": 5}, b"one\nt"),
        ({"tail": 2}, b"one\ntwo\n"),
        ({"tail": 0}, b""),
        ({"since": 1714557601_000_000_000}, b"two\n"),
        ({"timestamps": True, "limit_bytes": 10}, T1[:10]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_filters(options, expected):
    assert run(LOG, **options) == expected


def test_zone_of_the_runtime_is_kept():
    output = run(record(b"x", time=T3), timestamps=True)

    assert output == b"2024-05-01T10:00:02.000000000+02:00 x\n"


def test_limit_does_not_count_the_other_stream():
    assert run(LOG, stream="Stderr", limit_bytes=3) == b"two"


def test_unreadable_line_is_skipped():
    data = record(b"a") + b"garbage\n" + record(b"b")

    assert run(data) == b"a\nb\n"


def test_unreadable_first_line_is_an_error():
    with pytest.raises(UnknownLogFormatError, match='unsupported log format: "junk'):
        run(b"junk\n")


def test_docker_format_is_detected():
    line = b'{"log":"hi\\n","stream":"stdout","time":"2024-05-01T10:00:00.1Z"}\n'

    assert run(line) == b"hi\n"


def test_missing_final_newline_stays_missing():
    assert run(record(b"a") + record(b"b", b"P")) == b"a\nb"


def test_unfinished_record_counts_at_the_end_only():
    log = LogFilter(LogOptions())

    assert log.receive_data(record(b"a")[:-1]) == b""
    assert log.receive_eof() == b"a"


LINES = st.lists(
    st.tuples(
        st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")),
        st.sampled_from([b"F", b"P", b"F:x"]),
        st.sampled_from([b"stdout", b"stderr"]),
        st.sampled_from([T1, T2, T3]),
    ),
    min_size=1,
)


@given(LINES, st.integers(1, 50), st.booleans())
def test_any_split_gives_the_same_output(lines, size, timestamps):
    data = b"".join(record(*line) for line in lines)
    whole = run(data, timestamps=timestamps)

    log = LogFilter(LogOptions(timestamps=timestamps))
    pieces = [
        log.receive_data(data[at : at + size]) for at in range(0, len(data), size)
    ]

    assert b"".join(pieces) + log.receive_eof() == whole


@given(
    LINES,
    st.integers(1, 50),
    st.one_of(st.none(), st.integers(0, 8)),
    st.sampled_from([None, 0, 1714557600_500_000_000, 1714557601_600_000_000]),
)
def test_fast_path_agrees_with_reading_record_by_record(lines, size, tail, since):
    data = b"".join(record(*line) for line in lines)
    options = LogOptions(tail=tail, since=since)
    slow = LogFilter(options)
    slow._fast = lambda block: None

    fast = LogFilter(options)
    pieces = [
        fast.receive_data(data[at : at + size]) for at in range(0, len(data), size)
    ]

    expected = slow.receive_data(data) + slow.receive_eof()
    assert b"".join(pieces) + fast.receive_eof() == expected


@given(st.lists(st.binary(max_size=9)), st.integers(0, 12))
def test_tail_starts_at_the_nth_line_from_the_end(lines, count):
    data = b"\n".join(lines)
    expected = b"".join(data.splitlines(keepends=True)[-count:]) if count else b""
    if b"\r" in data:
        return

    file = io.BytesIO(data)
    seek_to_tail(file, count)

    assert file.read() == expected


def test_tail_crosses_blocks():
    data = b"".join(b"%08d\n" % n for n in range(50_000))
    file = io.BytesIO(data)

    seek_to_tail(file, 30_000)

    assert file.read(9) == b"00020000\n"


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, LogOptions()),
        ({"follow": "", "timestamps": "yes"}, LogOptions(follow=True, timestamps=True)),
        ({"follow": "0", "previous": "False"}, LogOptions()),
        ({"tailLines": "3"}, LogOptions(tail=3)),
        ({"tail": "5"}, LogOptions(tail=5)),
        ({"tail": "", "tailLines": "3"}, LogOptions(tail=3)),
        ({"tail": "all", "tailLines": "3"}, LogOptions()),
        ({"sinceSeconds": "10"}, LogOptions(since=90_000_000_000)),
        ({"sinceSeconds": "9223372036854775807"}, LogOptions(since=0)),
        (
            {"sinceTime": "1970-01-01T00:00:01Z", "limitBytes": "7"},
            LogOptions(since=1_000_000_000, limit_bytes=7),
        ),
        ({"stream": "Stderr"}, LogOptions(stream="Stderr")),
    ],
)
def test_query(query, options):
    assert LogOptions.from_query(query, now=100.0) == options


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"tailLines": "x"}, UndecodableLogOptionsError),
        ({"tailLines": ""}, UndecodableLogOptionsError),
        ({"tailLines": "9" * 5000}, UndecodableLogOptionsError),
        ({"sinceTime": "yesterday"}, UndecodableLogOptionsError),
        ({"tailLines": "-1"}, InvalidLogOptionsError),
        ({"limitBytes": "0"}, InvalidLogOptionsError),
        ({"sinceSeconds": "0"}, InvalidLogOptionsError),
        (
            {"sinceSeconds": "1", "sinceTime": "1970-01-01T00:00:01Z"},
            InvalidLogOptionsError,
        ),
    ],
)
def test_bad_query(query, error):
    with pytest.raises(error):
        LogOptions.from_query(query, now=100.0)


def entry(state, last=None, **fields):
    return {
        "containerStatuses": [
            {"name": "c", "state": state, "lastState": last or {}, **fields}
        ]
    }


ENDED = {"terminated": {"containerID": "x://old"}}


@pytest.mark.parametrize(
    ("status", "previous", "chosen"),
    [
        (entry({"running": {}}, containerID="x://now"), False, "x://now"),
        (entry(ENDED), False, "x://old"),
        (entry({"waiting": {"reason": "CrashLoopBackOff"}}, ENDED), False, "x://old"),
        (entry({"running": {}}, ENDED, containerID="x://now"), True, "x://old"),
        (entry({"terminated": {}}, ENDED), False, "x://old"),
    ],
)
def test_chosen_instance(status, previous, chosen):
    assert select_log_instance("p", status, "c", previous=previous) == chosen


@pytest.mark.parametrize(
    ("status", "previous", "text"),
    [
        ({}, False, 'container "c" in pod "p" is not available'),
        (
            entry({"running": {}}),
            True,
            'previous terminated container "c" in pod "p" not found',
        ),
        (entry({"terminated": {}}), False, 'container "c" in pod "p" is terminated'),
        (
            entry({"waiting": {"reason": "ErrImagePull"}}),
            False,
            'container "c" in pod "p" is waiting to start: image can\'t be pulled',
        ),
        (
            entry({"waiting": {"reason": "ImagePullBackOff"}}),
            False,
            'container "c" in pod "p" is waiting to start:'
            " trying and failing to pull image",
        ),
        (
            entry({"waiting": {"reason": "ContainerCreating"}}),
            False,
            'container "c" in pod "p" is waiting to start: ContainerCreating',
        ),
        (
            entry({}),
            False,
            'container "c" in pod "p" is waiting to start - no logs yet',
        ),
    ],
)
def test_no_instance(status, previous, text):
    with pytest.raises(LogUnavailableError) as error:
        select_log_instance("p", status, "c", previous=previous)

    assert str(error.value) == text


async def collect(path, options, running=()):
    answers = iter(running)

    async def is_running():
        return next(answers, False)

    return [chunk async for chunk in read_log(str(path), options, is_running)]


async def test_file_is_read_whole(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(LOG)

    assert b"".join(await collect(path, LogOptions())) == b"one\ntwo\nthree\n"


async def test_tail_reads_the_last_records(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(LOG)

    assert b"".join(await collect(path, LogOptions(tail=1))) == b"ee\n"


async def test_missing_file_is_told_in_the_words_of_the_real_reader(tmp_path):
    path = tmp_path / "0.log"

    with pytest.raises(LogReadError) as error:
        await collect(path, LogOptions())

    assert str(error.value) == (
        f'failed to try resolving symlinks in path "{path}":'
        f" lstat {path}: no such file or directory"
    )


class Follower:
    """A follow in progress, fed and ended by the test."""

    def __init__(self, path, options):
        self.running = True
        self.wake = asyncio.Event()
        self.asked = asyncio.Event()
        self._chunks = read_log(str(path), options, self._is_running, self.wake)

    async def _is_running(self):
        self.asked.set()
        return self.running

    async def next(self):
        return await anext(self._chunks)

    async def rest(self):
        return b"".join([chunk async for chunk in self._chunks])


async def test_follow_sees_new_lines_and_ends_with_the_container(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(record(b"one"))
    follower = Follower(path, LogOptions(follow=True))
    assert await follower.next() == b"one\n"

    with path.open("ab") as file:
        file.write(record(b"two"))
    assert await follower.next() == b"two\n"

    with path.open("ab") as file:
        file.write(record(b"last"))
    follower.running = False
    assert await follower.rest() == b"last\n"


async def test_follow_with_tail_zero_shows_only_new_lines(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(record(b"one"))
    follower = Follower(path, LogOptions(follow=True, tail=0))
    waiting = asyncio.ensure_future(follower.next())
    follower.wake.set()
    await follower.asked.wait()

    with path.open("ab") as file:
        file.write(record(b"two"))

    assert await waiting == b"two\n"
    follower.running = False
    follower.wake.set()
    assert await follower.rest() == b""


async def test_follow_survives_rotation(tmp_path):
    path = tmp_path / "0.log"
    path.write_bytes(record(b"one"))
    follower = Follower(path, LogOptions(follow=True))
    assert await follower.next() == b"one\n"

    with path.open("ab") as file:
        file.write(record(b"two"))
    path.rename(tmp_path / "0.log.20240501-100000")
    path.write_bytes(record(b"three"))

    follower.running = False
    assert await follower.rest() == b"two\nthree\n"
