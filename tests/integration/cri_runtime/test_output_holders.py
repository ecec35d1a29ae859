"""Who keeps an output open."""

from __future__ import annotations

import os
import subprocess

import pytest

from cri_runtime.streaming.holders import holders


@pytest.fixture(params=["pipe", "terminal"])
def output(request):
    """A reading and a writing end."""
    ends = os.pipe() if request.param == "pipe" else os.openpty()
    yield ends
    for descriptor in ends:
        os.close(descriptor)


def test_a_process_that_can_write_is_found(output):
    reader, writer = output
    with subprocess.Popen(["sleep", "1000"], stdout=writer, stderr=writer) as child:
        try:
            (found,) = holders([reader])
        finally:
            child.kill()

    assert (found.pid, found.command) == (child.pid, "sleep 1000")


def test_a_process_that_can_only_read_is_none():
    reader, writer = os.pipe()
    with subprocess.Popen(["sleep", "1000"], stdin=reader) as child:
        try:
            found = holders([reader])
        finally:
            child.kill()
    os.close(reader)
    os.close(writer)

    assert found == []
