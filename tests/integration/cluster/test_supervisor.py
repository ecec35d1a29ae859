"""Services as processes: detached, recorded, started again."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from cluster.layout import Layout
from cluster.ports import choose_port, is_free
from cluster.records import read_record, read_records
from cluster.services import Service, SocketReady
from cluster.supervisor import StartError, end_services, running, start

LOOK = "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read())"


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path / "state", tmp_path / "sockets" / "a")
    layout.make()
    return layout


@pytest.fixture
def begin(layout):
    """Starts services, and keeps hold of them until they have ended."""
    started = []

    def begin(*command: str):
        started.append(start(layout, service(*command), ""))
        return started[-1]

    yield begin
    end_services(layout, read_records(layout))
    for item in started:
        item.process.wait()


def service(*command: str) -> Service:
    return Service("it", command, "address", SocketReady(Path("/s")))


def test_a_service_is_known_by_its_record(layout, begin):
    started = begin("sleep", "1000")

    record = running(layout, "it")

    assert record == started.record
    assert record.command == ("sleep", "1000")
    assert not started.has_ended()


def test_a_service_has_its_own_session_and_no_input(layout, begin):
    started = begin(sys.executable, "-c", LOOK)

    started.process.wait()

    assert layout.log("it").read_text() == "True \n"
    assert layout.log("it").stat().st_mode & 0o777 == 0o600


def test_a_killed_service_does_not_run(layout, begin):
    started = begin("sleep", "1000")

    os.kill(started.process.pid, signal.SIGKILL)
    started.process.wait()

    assert running(layout, "it") is None
    assert started.ending() == "was ended by signal 9"


def test_an_ended_service_leaves_no_record(layout, begin):
    started = begin("sleep", "1000")

    end_services(layout, [started.record])

    assert read_record(layout, "it") is None
    assert started.has_ended()


def test_a_program_that_is_not_there_is_an_error_that_names_it(layout):
    with pytest.raises(StartError, match="/no/such/program"):
        start(layout, service("/no/such/program"), "")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": 1}'])
def test_a_damaged_record_names_nobody(layout, text):
    layout.record("it").write_text(text)

    assert running(layout, "it") is None
    assert read_records(layout) == []


def test_a_port_that_is_listened_on_is_not_free():
    port = choose_port("127.0.0.1", ())
    with socket.socket() as server:
        server.bind(("127.0.0.1", port))
        server.listen()

        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)
