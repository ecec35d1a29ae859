"""Where a pod listens, by /proc: found once, and anew when something has changed."""

from __future__ import annotations

import os
import socket

import pytest

from cri_runtime import listeners
from cri_runtime.listeners import Listeners


@pytest.fixture
def looks(monkeypatch):
    """How often the descriptors of the pod's processes were read."""
    counted = []
    read = listeners._sockets

    def counting(pids):
        counted.append(1)
        return read(pids)

    monkeypatch.setattr(listeners, "_sockets", counting)
    return counted


def addresses(known, port):
    return known.addresses(os.getpid(), port, "127.0.0.9")


def test_a_socket_that_goes_on_listening_is_looked_for_once(looks):
    known = Listeners()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        found = [addresses(known, port) for _ in range(3)]

    assert found == [["127.0.0.1"]] * 3
    assert len(looks) == 1


def test_a_socket_that_is_closed_is_forgotten_and_another_found(looks):
    known = Listeners()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        addresses(known, port)
    closed = addresses(known, port)

    with socket.create_server(("127.0.0.2", port)):
        again = addresses(known, port)

    assert (closed, again) == ([], ["127.0.0.2"])


def test_who_is_no_process_of_the_pod_is_not_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = Listeners().addresses(2**22 + 1, server.getsockname()[1], "127.0.0.9")

    assert nobody == []
