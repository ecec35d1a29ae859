"""A trace file on a disk that is full for a while."""

from __future__ import annotations

import errno
import json
import os

import pytest

from hops import trace_sinks
from hops.trace import TraceEvent
from hops.trace_sinks import JsonLinesSink


class Disk:
    """Has room for so many bytes."""

    def __init__(self):
        self.room = 1 << 20
        self._write = os.write

    def write(self, descriptor, data):
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._write(descriptor, data[: self.room])
        self.room -= taken
        return taken


@pytest.fixture
def disk(monkeypatch):
    disk = Disk()
    monkeypatch.setattr(trace_sinks.os, "write", disk.write)
    return disk


def event(size):
    return TraceEvent(0.0, "cri-shim", "c-1", "down", "process", "stdout", len=size)


@pytest.mark.parametrize("left", [0, 1, 70, 400])
def test_what_a_full_disk_did_not_take_is_counted_when_there_is_room(
    tmp_path, disk, left
):
    sink = JsonLinesSink(tmp_path, "cri")
    disk.room = left
    for size in range(1, 6):
        sink.emit(event(size))
    disk.room = 1 << 20

    sink.emit(event(6))
    sink.emit(event(7))
    sink.close()

    told = []
    for line in sink.path.read_text().splitlines()[1:]:
        try:
            told.append(json.loads(line))
        except ValueError:
            assert (
                not told or "lost" not in told[-1]
            )  # the half one, before what is lost
    kept = [one["len"] for one in told if "len" in one]
    (lost,) = [one["lost"] for one in told if "lost" in one]
    assert kept == [*range(1, 6 - lost), 6, 7]
    assert lost == 5 - left // (len(event(1).to_json()) + 1)


def test_a_link_in_the_place_of_a_trace_file_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    (tmp_path / f"cri-{os.getpid()}.jsonl").symlink_to(tmp_path / "mine")

    with pytest.raises(OSError, match="symbolic links"):
        JsonLinesSink(tmp_path, "cri")

    assert (tmp_path / "mine").read_text() == "mine\n"
