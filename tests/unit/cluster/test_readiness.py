"""A service is ready when it says so, and not when it has ended."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cluster.processes import ProcessIdentity
from cluster.readiness import await_ready, node_is_ready
from cluster.records import ServiceRecord
from cluster.services import HttpsReady, NodeReady, Service, SocketReady
from cluster.supervisor import StartedService, StartError

SERVING = HttpsReady("127.0.0.1", 1, "/healthz")
LATER = 1_800_000_000.0


class View:
    """A cluster that becomes ready with each look, or stays as it is."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def accepts(self, socket):
        return self.answers.pop(0)

    def is_healthy(self, host, port, path):
        return self.answers.pop(0)

    def node_states(self, name):
        yield from self.answers
        self.answers = []


class Process:
    def __init__(self, code=None):
        self.code = code

    def poll(self):
        return self.code


def started(readiness, code=None, *, fresh=True):
    service = Service("it", ("it",), "address", readiness)
    record = ServiceRecord("it", ProcessIdentity(1, 1, ""), ("it",), "address", 0.0)
    return StartedService(service, record, fresh=fresh, process=Process(code))


def node(status="True", heartbeat="2027-01-15T08:00:00Z"):
    condition = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat}
    return {"status": {"conditions": [condition]}}


def soon():
    return time.monotonic() + 60


def test_a_socket_is_tried_until_somebody_listens():
    view = View(False, True)

    await_ready(started(SocketReady(Path("/s"))), view, since=0, deadline=soon())

    assert view.answers == []


def test_a_path_is_asked_until_it_answers():
    view = View(False, False, True)

    await_ready(started(SERVING), view, since=0, deadline=soon())

    assert view.answers == []


@pytest.mark.parametrize(
    ("code", "text"), [(3, "it ended with code 3"), (-9, "it was ended by signal 9")]
)
def test_a_service_that_ends_is_not_waited_for(code, text):
    with pytest.raises(StartError, match=text):
        await_ready(started(SERVING, code), View(False), since=0, deadline=soon())


def test_waiting_ends_at_the_deadline():
    with pytest.raises(StartError, match="not ready in time"):
        await_ready(started(SERVING), View(False), since=0, deadline=0)


def test_a_node_is_waited_for_after_its_kubelet_serves():
    view = View(True)
    view.node_states = lambda name: iter([None, node("False"), node()])

    await_ready(
        started(NodeReady("n", SERVING)), view, since=LATER - 10, deadline=soon()
    )


def test_the_word_of_a_former_kubelet_does_not_count():
    old = node(heartbeat="2027-01-15T07:59:59Z")

    assert node_is_ready(node(), LATER)
    assert not node_is_ready(old, LATER)
    assert not node_is_ready(node("Unknown"), LATER)
    assert not node_is_ready({}, LATER)
