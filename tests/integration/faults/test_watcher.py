"""What a scenario sees of the services' traces."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from faults.scenarios.watcher import Watcher

EVENTS = [{"layer": "channel", "type": f"event {number}"} for number in range(3)]


@pytest.fixture
def service(tmp_path):
    """A control socket that tells all events at once, and ends."""
    path = tmp_path / "admin.sock"

    def serve():
        with listener.accept()[0] as viewer:
            viewer.recv(1000)
            lines = [{"ok": True, "header": {}}, *EVENTS]
            viewer.sendall(
                b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            )

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        server = threading.Thread(target=serve)
        server.start()
        yield path
        server.join()


def test_a_step_goes_on_with_the_event_behind_that_of_the_step_before(service):
    with Watcher([service]) as watcher:
        first = next(watcher.events(None))
        rest = list(watcher.events(None))

    assert [first, *rest] == EVENTS
