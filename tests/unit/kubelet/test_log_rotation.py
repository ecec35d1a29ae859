"""Rotation of logs: what it leaves on disk, and that a reader loses nothing by it."""

from __future__ import annotations

import asyncio
import gzip
from types import SimpleNamespace

import pytest

from kubelet.config import ConfigError, KubeletConfig
from kubelet.cri import CriError
from kubelet.log_files import clean_up, compress, rotated_files, rotated_name
from kubelet.log_options import LogOptions
from kubelet.log_rotation import LogRotation, RotationPolicy
from kubelet.logs import read_log

STAMP = b"2024-05-01T10:00:00.000000001Z stdout F "
NOON = 1714564800.0  # 2024-05-01T12:00:00Z


class Writer:
    """A runtime with one container, which writes as its shim does."""

    def __init__(self, folder):
        self.path = folder / "0.log"
        self.written = 0
        self.running = True
        self.refuses = False
        self.reopened = 0
        self._file = self.path.open("ab", buffering=0)

    def write(self, count):
        for _ in range(count):
            self._file.write(STAMP + b"%d\n" % self.written)
            self.written += 1

    async def running_container_ids(self):
        return ["c"] if self.running else []

    async def container_status(self, container_id):
        return SimpleNamespace(log_path=str(self.path))

    async def reopen_log(self, container_id):
        if self.refuses:
            raise CriError("UNKNOWN", "container is not running")
        fresh = self.path.open("ab", buffering=0)
        self._file.close()
        self._file = fresh
        self.reopened += 1

    def close(self):
        self._file.close()


@pytest.fixture
def writer(tmp_path):
    writer = Writer(tmp_path)
    yield writer
    writer.close()


class Clock:
    """Ten seconds pass between two looks."""

    def __init__(self):
        self.time = NOON

    def __call__(self):
        self.time += 10
        return self.time


def rotation(writer, **policy):
    return LogRotation(writer, RotationPolicy(**{"max_size": 1, **policy}), Clock())


def names(folder):
    return sorted(path.name for path in folder.iterdir())


async def test_a_large_log_is_renamed_and_a_new_one_begun(writer, tmp_path):
    writer.write(1)

    assert await rotation(writer).rotate_if_large("c")

    writer.write(1)
    assert names(tmp_path) == ["0.log", "0.log.20240501-120010"]
    assert writer.path.read_bytes() == STAMP + b"1\n"


async def test_a_small_log_is_left_alone(writer, tmp_path):
    writer.write(1)

    assert not await rotation(writer, max_size=1000).rotate_if_large("c")

    assert names(tmp_path) == ["0.log"]


async def test_older_files_are_compressed_and_the_oldest_removed(writer, tmp_path):
    rotator = rotation(writer, max_files=4)

    for _ in range(6):
        writer.write(1)
        await rotator.rotate_if_large("c")

    assert names(tmp_path) == [
        "0.log",
        "0.log.20240501-120040.gz",
        "0.log.20240501-120050.gz",
        "0.log.20240501-120100",
    ]
    packed = tmp_path / "0.log.20240501-120050.gz"
    assert gzip.decompress(packed.read_bytes()) == STAMP + b"4\n"


async def test_two_files_are_the_log_and_the_one_before(writer, tmp_path):
    rotator = rotation(writer, max_files=2)

    for _ in range(3):
        writer.write(1)
        await rotator.rotate_if_large("c")

    assert names(tmp_path) == ["0.log", "0.log.20240501-120030"]


async def test_a_runtime_that_cannot_reopen_gets_its_file_back(writer, tmp_path):
    writer.write(1)
    writer.refuses = True

    with pytest.raises(CriError):
        await rotation(writer).rotate_if_large("c")

    writer.write(1)
    assert names(tmp_path) == ["0.log"]
    assert writer.path.read_bytes().count(b"\n") == 2


async def test_a_rotation_that_was_cut_short_is_finished_by_the_next_kubelet(
    writer, tmp_path
):
    writer.write(1)
    writer.path.rename(tmp_path / "0.log.20240501-115900")

    assert not await rotation(writer).rotate_if_large("c")

    assert writer.reopened == 1
    assert names(tmp_path) == ["0.log", "0.log.20240501-115900"]


async def test_two_rotations_in_one_second_lose_nothing(writer, tmp_path):
    rotator = LogRotation(writer, RotationPolicy(max_size=1), lambda: NOON)
    writer.write(1)
    await rotator.rotate_if_large("c")
    writer.write(1)

    assert not await rotator.rotate_if_large("c")

    assert names(tmp_path) == ["0.log", "0.log.20240501-120000"]


async def test_every_running_container_is_looked_at_again_and_again(writer):
    writer.write(1)
    seen = asyncio.Queue()
    rotator = rotation(writer, interval=0.001, workers=2)

    async def look(container_id):
        seen.put_nowait(container_id)
        raise CriError("UNAVAILABLE", "the runtime is away")

    rotator.rotate_if_large = look
    task = asyncio.ensure_future(rotator.run())
    try:
        assert [await seen.get() for _ in range(3)] == ["c"] * 3
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_negative_size_turns_rotation_off(writer):
    await rotation(writer, max_size=-1).run()


def test_what_an_interrupted_rotation_left_is_removed(tmp_path):
    path = str(tmp_path / "0.log")
    for name in (".1", ".1.gz", ".2.tmp", ".2", ".3.gz"):
        (tmp_path / f"0.log{name}").touch()

    assert clean_up(path, keep=2) == [f"{path}.2", f"{path}.3.gz"]
    assert names(tmp_path) == ["0.log.2", "0.log.3.gz"]


def test_a_compressed_file_keeps_the_mode(tmp_path):
    file = tmp_path / "0.log.1"
    file.write_bytes(b"x")
    file.chmod(0o640)

    compress(str(file))

    packed = tmp_path / "0.log.1.gz"
    assert names(tmp_path) == ["0.log.1.gz"]
    assert packed.stat().st_mode & 0o777 == 0o640


def test_names_of_other_logs_are_not_taken_for_rotated_ones(tmp_path):
    for name in ("1.log", "10.log.1", "a[b].log.1"):
        (tmp_path / name).touch()

    assert rotated_files(str(tmp_path / "0.log")) == []
    assert rotated_files(str(tmp_path / "a[b].log")) == [str(tmp_path / "a[b].log.1")]
    assert rotated_name("0.log", NOON) == "0.log.20240501-120000"


class Follower:
    """`logs -f` that reads one chunk when the test says so."""

    def __init__(self, writer, **options):
        self._writer = writer
        self._chunks = read_log(
            str(writer.path), LogOptions(follow=True, **options), self._is_running
        )
        self.text = b""

    async def _is_running(self):
        return self._writer.running

    async def step(self):
        self.text += await anext(self._chunks)

    async def rest(self):
        self._writer.running = False
        async for chunk in self._chunks:
            self.text += chunk


def sequence(writer):
    return b"".join(b"%d\n" % number for number in range(writer.written))


async def test_a_follower_that_is_held_up_over_rotations_loses_no_line(writer):
    rotator = rotation(writer)
    writer.write(10)
    follower = Follower(writer)
    await follower.step()

    for _ in range(3):  # the first is compressed meanwhile
        writer.write(10)
        await rotator.rotate_if_large("c")
    writer.write(10)
    await follower.rest()

    assert follower.text == sequence(writer)


async def test_lines_just_before_the_rotation_are_not_lost(writer):
    rotator = rotation(writer)
    writer.write(1)
    follower = Follower(writer)
    await follower.step()

    writer.write(1)
    await rotator.rotate_if_large("c")
    writer.write(1)
    await follower.rest()

    assert follower.text == sequence(writer)


async def test_a_follower_of_a_fast_writer_sees_every_number_once(writer):
    rotator = rotation(writer, max_size=20_000, max_files=100)
    writer.write(1)
    follower = Follower(writer)
    await follower.step()
    reading = asyncio.ensure_future(_read_until(follower, b"\n20000\n"))

    for _ in range(200):
        writer.write(100)
        await rotator.rotate_if_large("c")
    await reading
    await follower.rest()

    assert follower.text == sequence(writer)
    assert writer.reopened > 20


async def _read_until(follower, end):
    while not follower.text.endswith(end):
        await follower.step()


async def test_a_file_that_was_put_back_is_read_on(writer):
    rotator = rotation(writer)
    writer.write(1)
    follower = Follower(writer)
    await follower.step()

    writer.refuses = True
    with pytest.raises(CriError):
        await rotator.rotate_if_large("c")
    writer.write(1)
    await follower.step()
    writer.refuses = False
    await rotator.rotate_if_large("c")
    writer.write(1)
    await follower.rest()

    assert follower.text == sequence(writer)


async def test_files_rotated_before_are_not_read(writer):
    writer.write(1)
    await rotation(writer).rotate_if_large("c")
    writer.write(1)
    follower = Follower(writer)
    await follower.rest()

    assert follower.text == b"1\n"


async def test_a_log_that_is_just_being_rotated_is_waited_for(writer, tmp_path):
    writer.write(1)
    writer.path.rename(tmp_path / "0.log.20240501-115900")
    follower = Follower(writer)
    reading = asyncio.ensure_future(follower.step())
    await asyncio.sleep(0)

    await writer.reopen_log("c")
    writer.write(1)
    await reading

    assert follower.text == b"1\n"


@pytest.mark.parametrize(
    ("setting", "value", "complaint"),
    [
        ("container_log_max_files", 1, "invalid MaxFiles 1, must be > 1"),
        ("container_log_max_size", "much", "failed to parse container log max size"),
        ("container_log_max_workers", 0, "greater than or equal to 1"),
        ("container_log_monitor_interval", 2.9, "greater than or equal to 3s"),
    ],
)
def test_settings_that_cannot_work_are_refused(setting, value, complaint):
    config = KubeletConfig(
        kubeconfig="k", tls_cert_file="c", tls_private_key_file="p", **{setting: value}
    )

    with pytest.raises(ConfigError, match=complaint):
        config.check()


def test_sizes_are_quantities():
    assert KubeletConfig().container_log_bytes() == 10 * 1024 * 1024
    assert KubeletConfig(container_log_max_size="-1").container_log_bytes() == -1
