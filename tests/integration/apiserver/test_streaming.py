"""exec, attach and logs over a kubelet that a test plays."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from aiohttp import web

from certs.pki import PkiNames, ensure_pki
from hops.client import UpgradeRefused
from hops.serve import take_over
from tests.integration.apiserver.conftest import Api, Cluster, FakeKubelet, node, pod

PODS = "/api/v1/namespaces/default/pods"
EXEC = (
    f"{PODS}/web/exec?command=echo&command=hi+there&container=c&stdout=true&stdin=true"
)
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
)
WEBSOCKET = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Protocol", "v5.channel.k8s.io"),
]


@pytest.fixture
async def bound(admin: Api, kubelet: FakeKubelet) -> Api:
    """A pod on a node whose kubelet is the test's."""
    await admin.post("/api/v1/nodes", node(kubelet.port))
    await admin.post(PODS, pod(nodeName="node-1"))
    return admin


def refusal(error: UpgradeRefused) -> tuple[int, Any]:
    return error.head.status, json.loads(error.body)


async def test_exec_bytes_pass_both_ways_unchanged(
    bound: Api, kubelet: FakeKubelet
) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        connection = await take_over(request)
        connection.write(SWITCHING + b"first")
        while data := await connection.read():
            connection.write(data)
        return connection.response

    kubelet.answer = echo

    upgraded = await bound.client.upgrade("GET", EXEC, WEBSOCKET)
    async with upgraded.connection as connection:
        connection.write(b"\x00ping\xff")
        received = b""
        while len(received) < len(b"first\x00ping\xff"):
            received += await connection.read()

    assert received == b"first\x00ping\xff"
    assert upgraded.head.raw == SWITCHING
    asked = kubelet.requests[0]
    assert asked.path_qs == (
        "/exec/default/web/c?command=echo&command=hi+there&input=1&output=1"
    )
    assert asked.headers["Sec-WebSocket-Protocol"] == "v5.channel.k8s.io"
    assert asked.headers["X-Forwarded-For"] == "127.0.0.1"
    assert asked.headers["traceparent"].count("-") == 3


async def test_a_refusal_of_the_kubelet_reaches_the_client_as_it_is(
    bound: Api, kubelet: FakeKubelet
) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text="pod does not exist")

    kubelet.answer = refuse

    with pytest.raises(UpgradeRefused) as caught:
        await bound.client.upgrade("GET", EXEC, WEBSOCKET)

    assert caught.value.head.status == 404
    assert caught.value.body == b"pod does not exist"


async def test_the_bearer_token_stays_with_the_api_server(
    cluster: Cluster, bound: Api, kubelet: FakeKubelet
) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404)

    kubelet.answer = refuse
    await bound.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        {
            "metadata": {"name": "b"},
            "roleRef": {"kind": "ClusterRole", "name": "edit"},
            "subjects": [{"kind": "User", "name": "bob"}],
        },
    )
    bob = cluster.api()

    with pytest.raises(UpgradeRefused):
        await bob.client.upgrade(
            "GET", EXEC, [*WEBSOCKET, ("Authorization", "Bearer bob-token")]
        )

    assert "Authorization" not in kubelet.requests[0].headers


async def test_a_plain_request_is_told_to_upgrade(bound: Api) -> None:
    status, body = await bound.call("GET", EXEC)

    assert (status, body["message"]) == (400, "Upgrade request required")


async def test_a_dead_kubelet_is_named_in_the_answer(admin: Api) -> None:
    await admin.post("/api/v1/nodes", node(1))
    await admin.post(PODS, pod(nodeName="node-1"))

    with pytest.raises(UpgradeRefused) as caught:
        await admin.client.upgrade("GET", EXEC, WEBSOCKET)

    code, body = refusal(caught.value)
    assert code == 500
    assert body["message"] == (
        "error dialing backend: dial tcp 127.0.0.1:1: connect: connection refused"
    )
    assert "reason" not in body


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        (f"{PODS}/nosuch/exec", 404, 'pods "nosuch" not found'),
        (f"{PODS}/web/exec?container=x", 400, "container x is not valid for pod web"),
        (f"{PODS}/web/exec?dryRun=All", 400, "dryRun is not supported"),
    ],
    ids=["pod", "container", "dry run"],
)
async def test_exec_refuses_before_it_dials(
    bound: Api, target: str, code: int, message: str
) -> None:
    with pytest.raises(UpgradeRefused) as caught:
        await bound.client.upgrade("GET", target, WEBSOCKET)

    answered, body = refusal(caught.value)
    assert (answered, body["message"]) == (code, message)


async def test_an_unscheduled_pod_has_no_host(admin: Api) -> None:
    await admin.post(PODS, pod())

    with pytest.raises(UpgradeRefused) as caught:
        await admin.client.upgrade("GET", EXEC, WEBSOCKET)

    assert (
        refusal(caught.value)[1]["message"] == "pod web does not have a host assigned"
    )


async def test_a_missing_node_is_named(admin: Api) -> None:
    await admin.post(PODS, pod(nodeName="gone"))

    with pytest.raises(UpgradeRefused) as caught:
        await admin.client.upgrade("GET", EXEC, WEBSOCKET)

    assert refusal(caught.value)[1]["message"] == 'nodes "gone" not found'


async def test_a_websocket_get_needs_the_right_to_create(
    cluster: Cluster, bound: Api
) -> None:
    await bound.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
        {
            "metadata": {"name": "getter"},
            "rules": [
                {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/exec"]}
            ],
        },
    )
    await bound.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        {
            "metadata": {"name": "getter"},
            "roleRef": {"kind": "Role", "name": "getter"},
            "subjects": [{"kind": "User", "name": "bob"}],
        },
    )
    bob = cluster.api()

    with pytest.raises(UpgradeRefused) as caught:
        await bob.client.upgrade(
            "GET", EXEC, [*WEBSOCKET, ("Authorization", "Bearer bob-token")]
        )

    code, body = refusal(caught.value)
    assert (code, body["message"]) == (403, 'pods "web" is forbidden: ')


async def test_a_log_streams_as_it_comes(bound: Api, kubelet: FakeKubelet) -> None:
    async def log(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"one\n")
        await response.write(b"two\n")
        return response

    kubelet.answer = log

    response = await bound.send("GET", f"{PODS}/web/log?tailLines=5&follow=true")

    assert (response.status, response.body) == (200, b"one\ntwo\n")
    assert dict(response.headers)["Content-Type"] == "text/plain"
    assert kubelet.requests[0].path_qs == (
        "/containerLogs/default/web/c?follow=true&tailLines=5"
    )


async def test_the_kubelet_is_let_go_when_the_reader_of_a_log_leaves(
    bound: Api, kubelet: FakeKubelet
) -> None:
    import asyncio

    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        from hops.serve import on_disconnect

        on_disconnect(request, left.set)
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"line\n")
        await left.wait()
        return response

    kubelet.answer = endless

    async with bound.client.stream("GET", f"{PODS}/web/log?follow=true") as response:
        async for _ in response:
            break

    async with asyncio.timeout(10):
        await left.wait()


@pytest.mark.parametrize(
    ("code", "text", "answered", "message"),
    [
        (
            400,
            'container "c" in pod "web" is waiting to start: ContainerCreating',
            400,
            'container "c" in pod "web" is waiting to start: ContainerCreating',
        ),
        (500, "boom", 500, "Internal error occurred: boom"),
        (
            404,
            "x",
            404,
            "the server could not find the requested resource ( pods/log web)",
        ),
        (403, "Forbidden (user=x)", 403, "Forbidden (user=x) ( pods/log web)"),
    ],
    ids=["waiting", "internal", "missing", "forbidden"],
)
async def test_log_errors_become_statuses(
    bound: Api,
    kubelet: FakeKubelet,
    code: int,
    text: str,
    answered: int,
    message: str,
) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text)

    kubelet.answer = refuse

    status, body = await bound.call("GET", f"{PODS}/web/log")

    assert (status, body["message"]) == (answered, message)


async def test_the_log_of_an_unscheduled_pod_is_empty(admin: Api) -> None:
    await admin.post(PODS, pod())

    response = await admin.send("GET", f"{PODS}/web/log")

    assert (response.status, response.body) == (204, b"")


async def test_log_options_are_checked(bound: Api) -> None:
    status, body = await bound.call("GET", f"{PODS}/web/log?tailLines=-1")

    assert status == 422
    assert body["message"] == (
        'PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater'
        " than or equal to 0"
    )


async def test_a_dead_kubelet_is_named_by_a_log(admin: Api) -> None:
    await admin.post("/api/v1/nodes", node(1))
    await admin.post(PODS, pod(nodeName="node-1"))

    status, body = await admin.call("GET", f"{PODS}/web/log")

    assert status == 500
    assert body["message"] == (
        'Get "https://127.0.0.1:1/containerLogs/default/web/c": dial tcp 127.0.0.1:1:'
        " connect: connection refused"
    )


async def test_v5_is_translated_for_a_kubelet_that_does_not_take_it(
    admin: Api, kubelet: FakeKubelet
) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=404, text="pod does not exist")

    kubelet.answer = refuse
    await admin.post("/api/v1/nodes", node(kubelet.port, features=()))
    await admin.post(PODS, pod(nodeName="node-1"))

    upgraded = await admin.client.upgrade("GET", EXEC, WEBSOCKET)
    async with upgraded.connection as connection:
        received = b""
        while data := await connection.read():
            received += data

    # The 101 comes first; what the kubelet says is a status on channel 3.
    assert b"unable to upgrade connection: pod does not exist" in received
    asked = kubelet.requests[0]
    assert (asked.method, asked.headers["Upgrade"]) == ("POST", "SPDY/3.1")
    assert asked.headers.getall("X-Stream-Protocol-Version") == [
        "v5.channel.k8s.io",
        "v4.channel.k8s.io",
        "v3.channel.k8s.io",
        "v2.channel.k8s.io",
        "channel.k8s.io",
    ]


async def test_a_nodes_proxy_reaches_its_kubelet(
    bound: Api, kubelet: FakeKubelet
) -> None:
    async def pods(request: web.Request) -> web.StreamResponse:
        return web.json_response({"path": request.path_qs})

    kubelet.answer = pods

    document = await bound.get("/api/v1/nodes/node-1/proxy/pods?x=1")
    redirected = await bound.send("GET", "/api/v1/nodes/node-1/proxy")

    assert document == {"path": "/pods?x=1"}
    assert kubelet.requests[0].headers["X-Forwarded-Proto"] == "https"
    assert redirected.status == 301


@pytest.mark.parametrize(
    ("query", "code"), [("", 500), ("?insecureSkipTLSVerifyBackend=true", 200)]
)
async def test_a_kubelet_that_nobody_vouches_for_is_read_only_if_asked_for(
    start: Any, kubelet: FakeKubelet, tmp_path: Any, query: str, code: int
) -> None:
    stranger = ensure_pki(tmp_path / "other", PkiNames(), time.time())
    cluster = await start(kubelet_certificate_authority=stranger.ca_cert)

    async def log(request: web.Request) -> web.StreamResponse:
        return web.Response(text="one\n")

    kubelet.answer = log
    await cluster.admin.post("/api/v1/nodes", node(kubelet.port))
    await cluster.admin.post(PODS, pod(nodeName="node-1"))

    response = await cluster.admin.send("GET", f"{PODS}/web/log{query}")

    assert response.status == code
    if code == 200:
        assert response.body == b"one\n"
        assert kubelet.requests[0].path_qs == "/containerLogs/default/web/c"
    else:
        assert b"x509: certificate signed by unknown authority" in response.body
