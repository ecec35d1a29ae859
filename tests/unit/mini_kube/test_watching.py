"""Traces of a cluster, read as its files grow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hops.cluster_view import ClusterView
from mini_kube.errors import WaitError
from mini_kube.watching import Trace


@pytest.fixture
def folder(tmp_path):
    """Where the services would write; there are none to be asked."""
    return tmp_path


@pytest.fixture
def trace(folder):
    nowhere = Path("/nowhere")
    return Trace(
        ClusterView("t", nowhere, nowhere, nowhere, admin_sockets={}, trace_dir=folder)
    )


def write(folder, *events, process="apiserver", end="\n"):
    """Add lines to a process's file, behind its header."""
    path = folder / f"{process}-1.jsonl"
    if not path.exists():
        header = {"header": 1, "process": process, "pid": 1, "wall": 1000, "mono": 0}
        path.write_text(json.dumps(header) + "\n")
    with path.open("a") as file:
        file.write("\n".join(map(json.dumps, events)) + end)


def event(ts, layer="channel", **fields):
    base = {"ts": ts, "hop": "kubectl-apiserver", "conn": "c", "dir": "up"}
    return {**base, "layer": layer, "type": "data", "trace": "s", **fields}


def test_events_of_all_files_are_in_the_order_of_time(folder, trace):
    write(folder, event(2.0), event(4.0))
    write(folder, event(3.0), process="kubelet")
    assert [each.ts for each in trace.events()] == [2.0, 3.0, 4.0]

    write(folder, event(3.5), process="kubelet")
    assert [each.ts for each in trace.events()] == [2.0, 3.0, 3.5, 4.0]
    assert {each.process for each in trace.events()} == {"apiserver", "kubelet"}
    assert trace.events()[0].wall == 1002.0


def test_half_a_line_is_waited_for(folder, trace):
    line = json.dumps(event(1.0))
    write(folder, event(0.5))
    with (folder / "apiserver-1.jsonl").open("a") as file:
        file.write(line[:20])
        file.flush()
        assert len(trace.events()) == 1
        file.write(line[20:] + "\n")

    assert len(trace.events()) == 2


def test_what_was_before_clear_does_not_count(folder, trace):
    write(folder, event(1.0))
    trace.clear()
    write(folder, event(2.0))

    assert [each.ts for each in trace.events()] == [2.0]


def test_a_file_whose_header_is_not_written_yet_is_no_trouble(folder, trace):
    (folder / "kubelet-1.jsonl").write_text("")
    trace.clear()
    (folder / "kubelet-1.jsonl").unlink()
    write(folder, event(2.0), process="kubelet")

    assert [each.process for each in trace.events()] == ["kubelet"]


def test_frames_are_found_by_their_fields(folder, trace):
    write(folder, event(1.0, channel=1), event(2.0, channel=3), event(3.0, "grpc"))

    assert [e.ts for e in trace.frames(layer="channel", channel=3)] == [2.0]
    assert [e.ts for e in trace.frames(channel={1, 3})] == [1.0, 2.0]
    assert [e.ts for e in trace.frames(ts=lambda ts: ts > 1.5)] == [2.0, 3.0]
    with pytest.raises(AttributeError):
        trace.frames(chanel=3)


def test_what_does_not_come_is_told_with_what_did(folder, trace):
    write(folder, event(1.0))

    with pytest.raises(WaitError, match="1 of 2 frames with layer='channel'"):
        trace.expect_frames(2, layer="channel", timeout=0)
    with pytest.raises(
        WaitError, match=r"(?s)0 of 1 sessions with verb='exec'.*connection"
    ):
        trace.expect(verb="exec", timeout=0)
