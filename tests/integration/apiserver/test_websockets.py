"""Watches and logs as WebSocket messages, read by the `websockets` library.

That library checks masks, lengths, UTF-8 and the closing handshake by itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidStatus

from hops.serve import on_disconnect
from hops.tls.contexts import client_context
from tests.integration.apiserver.conftest import Api, Cluster, FakeKubelet, node, pod
from wire.websocket_handshake import client_handshake

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PODS = "/api/v1/namespaces/default/pods"
ORIGIN = "http://localhost"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@asynccontextmanager
async def opened(cluster: Cluster, target: str, **options: Any) -> AsyncIterator[Any]:
    """A WebSocket of the administrator, or of a bearer of a token."""
    files = None if options.pop("anonymous", False) else cluster.pki.admin
    tls = client_context(
        cluster.pki.ca_cert,
        cert=files.cert if files else None,
        key=files.key if files else None,
    )
    url = cluster.server.url.replace("https", "wss") + target
    async with (
        asyncio.timeout(20),
        connect(url, ssl=tls, compression=None, proxy=None, **options) as socket,
    ):
        yield socket


async def closed_with(socket: Any) -> int:
    with pytest.raises(ConnectionClosedOK):
        await socket.recv()
    assert socket.close_code is not None
    return int(socket.close_code)


@pytest.fixture
async def bound(cluster: Cluster, kubelet: FakeKubelet) -> Api:
    """A pod on a node whose kubelet is the test's."""
    admin = cluster.admin
    await admin.post("/api/v1/nodes", node(kubelet.port))
    await admin.post(PODS, pod(nodeName="node-1"))
    return admin


def says(*pieces: bytes) -> Any:
    async def log(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    return log


@pytest.mark.parametrize("path", [f"{PODS}?watch=true", f"/api/v1/watch{PODS[7:]}"])
async def test_each_event_of_a_watch_is_a_text_message(
    cluster: Cluster, path: str
) -> None:
    await cluster.admin.post(PODS, pod())

    async with opened(cluster, path, origin=ORIGIN) as socket:
        first = await socket.recv()
        await cluster.admin.post(PODS, pod("other"))
        second = await socket.recv()

    assert first.endswith("}\n")
    seen = [json.loads(message) for message in (first, second)]
    names = [(event["type"], event["object"]["metadata"]["name"]) for event in seen]
    assert names == [("ADDED", "web"), ("ADDED", "other")]


async def test_a_watch_over_websocket_ends_when_its_time_is_up(
    cluster: Cluster,
) -> None:
    target = f"{PODS}?watch=true&timeoutSeconds=1"

    async with opened(cluster, target, origin=ORIGIN) as socket:
        assert await closed_with(socket) == 1000


async def test_a_version_out_of_history_is_one_message(cluster: Cluster) -> None:
    maps = "/api/v1/namespaces/default/configmaps"  # nobody has read them yet

    async with opened(
        cluster, f"{maps}?watch=true&resourceVersion=1", origin=ORIGIN
    ) as socket:
        event = json.loads(await socket.recv())
        assert await closed_with(socket) == 1000

    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


async def test_a_client_that_closes_gives_its_watcher_back(cluster: Cluster) -> None:
    services = cluster.server.services
    resource = services.registry.find("", "v1", "pods")
    assert resource is not None
    watchers = services.cachers.of(resource)._watchers
    before = len(watchers)

    async with opened(cluster, f"{PODS}?watch=true", origin=ORIGIN) as socket:
        await socket.send("what a client says is ignored")
        await (await socket.ping())
        during = len(watchers)
        await socket.close()

    assert (during, len(watchers)) == (before + 1, before)
    assert socket.close_code == 1000


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, 403),
        ({"origin": "nowhere"}, 403),
        ({"origin": ORIGIN, "subprotocols": ["a.example", "b.example"]}, 400),
    ],
    ids=["no origin", "bad origin", "two subprotocols"],
)
async def test_a_handshake_that_the_library_of_the_real_server_refuses(
    cluster: Cluster, options: dict[str, Any], code: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(cluster, f"{PODS}?watch=true", **options):
            pass

    assert refused.value.response.status_code == code


async def test_a_watch_that_is_refused_is_refused_as_a_status(cluster: Cluster) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with opened(cluster, f"{PODS}?watch=true&fieldSelector=x", origin=ORIGIN):
            pass

    assert refused.value.response.status_code == 400
    assert json.loads(refused.value.response.body)["kind"] == "Status"


async def test_a_token_among_the_subprotocols_opens_a_watch(cluster: Cluster) -> None:
    await cluster.admin.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        {
            "metadata": {"name": "b"},
            "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "User", "name": "bob"}],
        },
    )
    await cluster.admin.post(PODS, pod())
    token = base64.urlsafe_b64encode(b"bob-token").decode().rstrip("=")
    bearer = f"base64url.bearer.authorization.k8s.io.{token}"

    async with opened(
        cluster,
        f"{PODS}?watch=true",
        anonymous=True,
        origin=ORIGIN,
        subprotocols=[bearer, "a.example"],
    ) as socket:
        assert socket.subprotocol == "a.example"
        assert json.loads(await socket.recv())["type"] == "ADDED"


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["binary.k8s.io"], "binary.k8s.io"),
        (["v4.channel.k8s.io", "binary.k8s.io"], "binary.k8s.io"),
    ],
)
async def test_a_log_comes_in_binary_messages_after_an_empty_one(
    cluster: Cluster,
    bound: Api,
    kubelet: FakeKubelet,
    offered: list[str],
    chosen: str,
) -> None:
    kubelet.answer = says(b"one\n", b"\xfftwo\n", b"x" * 5000)

    async with opened(cluster, f"{PODS}/web/log", subprotocols=offered) as socket:
        messages = [message async for message in socket]

    assert socket.subprotocol == chosen
    assert messages[0] == b""
    assert b"".join(messages) == b"one\n\xfftwo\n" + b"x" * 5000
    assert max(map(len, messages)) == 2048
    assert socket.close_code == 1000


async def test_a_log_without_subprotocol_is_binary(
    bound: Api, kubelet: FakeKubelet
) -> None:
    kubelet.answer = says(b"one\n")

    # The real server writes the empty choice out, which `websockets` does not take.
    upgraded = await bound.client.upgrade(
        "GET", f"{PODS}/web/log", client_handshake(KEY, [])
    )
    async with upgraded.connection as connection:
        received = b""
        while data := await connection.read():
            received += data

    assert b"\r\nSec-WebSocket-Protocol: \r\n" in upgraded.head.raw
    assert received == b"\x82\x00" + b"\x82\x04one\n" + b"\x88\x02\x03\xe8"


async def test_a_log_comes_in_base64_as_text(
    cluster: Cluster, bound: Api, kubelet: FakeKubelet
) -> None:
    kubelet.answer = says(b"one\n\xff")
    protocols = ["base64.binary.k8s.io"]

    async with opened(cluster, f"{PODS}/web/log", subprotocols=protocols) as socket:
        messages = [message async for message in socket]

    assert messages == ["", base64.b64encode(b"one\n\xff").decode()]


async def test_a_log_in_an_unknown_subprotocol_is_forbidden(
    cluster: Cluster, bound: Api, kubelet: FakeKubelet
) -> None:
    kubelet.answer = says(b"one\n")

    with pytest.raises(InvalidStatus) as refused:
        async with opened(cluster, f"{PODS}/web/log", subprotocols=["x.example"]):
            pass

    assert refused.value.response.status_code == 403


async def test_the_refusal_of_a_log_is_a_status_over_websocket_too(
    cluster: Cluster, bound: Api, kubelet: FakeKubelet
) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=400, text="is waiting to start")

    kubelet.answer = refuse

    with pytest.raises(InvalidStatus) as refused:
        async with opened(cluster, f"{PODS}/web/log"):
            pass

    assert refused.value.response.status_code == 400
    body = json.loads(refused.value.response.body)
    assert body["message"] == "is waiting to start"


async def test_the_kubelet_is_let_go_when_the_reader_closes_its_socket(
    cluster: Cluster, bound: Api, kubelet: FakeKubelet
) -> None:
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        on_disconnect(request, left.set)
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"line\n")
        await left.wait()
        return response

    kubelet.answer = endless

    target = f"{PODS}/web/log?follow=true"
    async with opened(cluster, target, subprotocols=["binary.k8s.io"]) as socket:
        assert await socket.recv() == b""
        assert await socket.recv() == b"line\n"

    async with asyncio.timeout(10):
        await left.wait()


async def test_an_unmasked_frame_ends_the_socket(
    cluster: Cluster, bound: Api, kubelet: FakeKubelet
) -> None:
    async with opened(cluster, f"{PODS}?watch=true", origin=ORIGIN) as socket:
        await socket.recv()
        socket.transport.write(b"\x81\x02hi")
        with pytest.raises(ConnectionClosed):
            await socket.recv()

    assert socket.close_code == 1002
