"""Watch bodies, resource paths, and the differences a reflector tells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apimachinery.status import StatusError, expired
from kube_client.reflector import Reflector
from kube_client.resources import LEASES, NODES, PODS
from kube_client.watch import WatchDecoder, WatchEvent
from wire.errors import RemoteProtocolError

EVENTS = [
    WatchEvent("ADDED", {"metadata": {"name": "a"}}),
    WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "7"}}),
]
BODY = b"".join(
    json.dumps({"type": e.type, "object": e.object}).encode() + b"\n" for e in EVENTS
)


@given(st.integers(1, 60))
def test_any_split_gives_the_same_events(size):
    decoder = WatchDecoder()
    events = []

    for at in range(0, len(BODY), size):
        events += decoder.receive_data(BODY[at : at + size])

    assert events == EVENTS


@pytest.mark.parametrize("line", [b"nonsense\n", b"[]\n", b'{"type":"ADDED"}\n'])
def test_junk_is_a_remote_fault(line):
    with pytest.raises(RemoteProtocolError, match="unexpected line"):
        WatchDecoder().receive_data(line)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (NODES.path("n"), "/api/v1/nodes/n"),
        (PODS.path(), "/api/v1/pods"),
        (
            PODS.path("p", namespace="ns", subresource="status"),
            "/api/v1/namespaces/ns/pods/p/status",
        ),
        (
            LEASES.path("n", namespace="kube-node-lease", query={"a": "b"}),
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n?a=b",
        ),
    ],
)
def test_paths(path, expected):
    assert path == expected


def pod(name, version, uid="u"):
    return {
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": uid,
            "resourceVersion": str(version),
        }
    }


class Stop(BaseException):
    """The script is over."""


class ScriptedClient:
    """Answers lists and watches from a script, then stops the reflector."""

    def __init__(self, *script):
        self._script = list(script)
        self.watched_from = []

    def _next(self):
        if not self._script:
            raise Stop
        return self._script.pop(0)

    async def list(self, resource, **selection):
        step = self._next()
        if isinstance(step, Exception):
            raise step
        return {"metadata": {"resourceVersion": "10"}, "items": step}

    async def watch(self, resource, *, resource_version, timeout_seconds, **selection):
        self.watched_from.append(resource_version)
        for event in self._next():
            if isinstance(event, Exception):
                raise event
            yield event


async def reflect(*script):
    told = []
    client = ScriptedClient(*script)
    reflector = Reflector(
        client, PODS, lambda kind, obj: told.append((kind, obj["metadata"]["name"]))
    )
    with pytest.raises(Stop):
        await reflector.run()
    return told, client, reflector


async def test_list_then_watch():
    told, client, reflector = await reflect(
        [pod("a", 1)],
        [WatchEvent("ADDED", pod("b", 11)), WatchEvent("DELETED", pod("a", 12))],
    )

    assert told == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]
    assert list(reflector.items) == [("ns", "b")]
    assert client.watched_from == ["10", "12"]


async def test_broken_watch_goes_on_where_it_was():
    _, client, _ = await reflect(
        [], [WatchEvent("ADDED", pod("b", 11)), ConnectionResetError()]
    )

    assert client.watched_from == ["10", "11"]


async def test_bookmarks_move_the_version():
    bookmark = WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": "99"}})

    told, client, _ = await reflect([], [bookmark])

    assert told == []
    assert client.watched_from == ["10", "99"]


async def test_expired_version_lists_again_and_tells_only_differences():
    told, _, _ = await reflect(
        [pod("a", 1), pod("b", 2), pod("c", 3)],
        [expired("too old")],
        [pod("a", 1), pod("b", 5), pod("c", 6, uid="other")],
    )

    assert told[3:] == [("DELETED", "c"), ("MODIFIED", "b"), ("ADDED", "c")]


async def test_refused_list_is_tried_again():
    refused = StatusError({"code": 403, "reason": "Forbidden"})

    told, _, reflector = await reflect(refused, [pod("a", 1)])

    assert told == [("ADDED", "a")]
    assert reflector.synced.is_set()
