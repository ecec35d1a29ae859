"""Live events of services that come, go, and are too fast."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from traces.events import Event
from traces.live.feed import (
    EventsLost,
    LiveFeed,
    ServiceJoined,
    ServiceLeft,
    ServiceRefused,
)

HEADER = {"header": 1, "process": "kubelet", "pid": 1, "wall": 1000.0, "mono": 10.0}


class FakeService:
    """An admin socket that says what a test wants."""

    def __init__(self, path, answer=None):
        self.asked = None
        self._path = path
        self._answer = answer or {"ok": True, "header": HEADER}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._connection = None
        self._there = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        self._connection, _ = self._listener.accept()
        with self._connection.makefile("rb") as lines:
            self.asked = json.loads(lines.readline())
        self.say(self._answer)
        self._there.set()

    def say(self, *objects):
        for one in objects:
            self._connection.sendall(json.dumps(one).encode() + b"\n")

    def joined(self):
        assert self._there.wait(10)

    def end(self):
        self.joined()
        self._thread.join()
        self._connection.close()
        self._listener.close()
        self._path.unlink()


def event(ts, **fields):
    blank = {
        "hop": "kubelet-cri",
        "conn": "k-1",
        "dir": "up",
        "layer": "raw",
        "type": "data",
    }
    return {"ts": ts, **blank, **fields}


def read(feed, wanted):
    """News until as many have come."""
    news = []
    while len(news) < wanted:
        news += feed.read(10)
    return news


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def feed(folder):
    def look():
        return {path.stem: path for path in sorted(folder.glob("*.admin"))}

    with LiveFeed(look, 512) as feed:
        yield feed


def test_a_service_is_asked_for_its_events_and_they_get_times(folder, feed):
    service = FakeService(folder / "kubelet.admin")
    assert read(feed, 1) == [ServiceJoined("kubelet")]
    assert service.asked == {"cmd": "trace_stream", "bytes": 512}

    service.joined()
    service.say(event(12.5))
    (one,) = read(feed, 1)

    assert isinstance(one, Event)
    assert (one.wall, one.process) == (1002.5, "kubelet")
    service.end()


def test_events_of_several_services_come_in_the_order_of_time(folder, feed):
    services = [FakeService(folder / f"{name}.admin") for name in "ab"]
    read(feed, 2)
    for service in services:
        service.joined()

    services[0].say(event(3.0), event(5.0))
    services[1].say(event(2.0), event(4.0))
    events = read(feed, 4)

    assert [one.ts for one in events] == [2.0, 3.0, 4.0, 5.0]
    assert [one.seq for one in events] == sorted(one.seq for one in events)
    for service in services:
        service.end()


def test_a_service_that_restarts_is_joined_again(folder, feed):
    first = FakeService(folder / "cri.admin")
    read(feed, 1)
    first.end()
    assert read(feed, 1) == [ServiceLeft("cri")]

    second = FakeService(folder / "cri.admin")
    assert read(feed, 1) == [ServiceJoined("cri", again=True)]
    second.joined()
    second.say(event(1.0))
    assert isinstance(read(feed, 1)[0], Event)
    second.end()


def test_what_was_lost_is_told(folder, feed):
    service = FakeService(folder / "cri.admin")
    read(feed, 1)
    service.joined()

    service.say({"lost": 42})

    assert read(feed, 1) == [EventsLost("cri", 42)]
    service.end()


def test_a_service_that_does_not_know_how_is_asked_once(folder, feed):
    answer = {"ok": False, "error": "unknown command: trace_stream"}
    service = FakeService(folder / "old.admin", answer)

    (told,) = read(feed, 1)

    assert told == ServiceRefused("old", "unknown command: trace_stream")
    assert feed.read(0.7) == []
    service.end()


def test_lines_that_are_no_events_are_passed_over(folder, feed):
    service = FakeService(folder / "cri.admin")
    read(feed, 1)
    service.joined()

    service.say({"what": "is this"}, [1, 2], event(1.0, dir="sideways"), event(2.0))

    (one,) = read(feed, 1)
    assert one.ts == 2.0
    service.end()


def test_a_reader_can_be_woken(feed):
    threading.Timer(0, feed.wake).start()

    assert feed.read(None) == []


def test_whoever_joined_all_misses_nothing_after_that(folder, feed):
    services = [FakeService(folder / f"{name}.admin") for name in "abc"]

    news = feed.join(10)

    assert {one.service for one in news} == {"a", "b", "c"}
    assert set(feed.services) == {"a", "b", "c"}
    for service in services:
        service.end()
