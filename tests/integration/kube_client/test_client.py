"""KubeClient over a real socket, against a server that answers from a table."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from apimachinery.kubeconfig import ClientConfig
from apimachinery.status import StatusError
from hops.hop import Hop
from hops.hops import Hops
from hops.serve import serve_application
from kube_client.client import MERGE_PATCH, KubeClient
from kube_client.credentials import UnsupportedCredentialsError, tls_context
from kube_client.resources import PODS


class Server:
    """Remembers what it was asked, answers what it was told to."""

    def __init__(self):
        self.requests = []
        self.answer = {"text": '{"kind": "Pod"}'}

    async def handle(self, request):
        self.requests.append((request, await request.read()))
        return web.Response(**self.answer)


@pytest.fixture
async def server():
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    hops = Hops("test")
    listener = await serve_application(
        hops, Hop.KUBELET_APISERVER, app, ("127.0.0.1", 0)
    )
    config = ClientConfig(server=f"http://127.0.0.1:{listener.port}")
    server.client = KubeClient.from_config(
        hops, Hop.KUBELET_APISERVER, config, user_agent="test"
    )
    yield server
    await server.client.close()
    await listener.wait_closed()


async def test_verbs_reach_their_paths(server):
    client = server.client
    pod = {"metadata": {"name": "p"}}

    await client.get(PODS, "p", namespace="ns")
    await client.list(PODS, field_selector="spec.nodeName=n")
    await client.create(PODS, pod, namespace="ns")
    await client.update(PODS, pod, namespace="ns", subresource="status")
    await client.patch(PODS, "p", {"a": 1}, namespace="ns", content_type=MERGE_PATCH)
    await client.delete(PODS, "p", namespace="ns", options={"gracePeriodSeconds": 0})

    assert [(r.method, r.path_qs) for r, _ in server.requests] == [
        ("GET", "/api/v1/namespaces/ns/pods/p"),
        ("GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Dn"),
        ("POST", "/api/v1/namespaces/ns/pods"),
        ("PUT", "/api/v1/namespaces/ns/pods/p/status"),
        ("PATCH", "/api/v1/namespaces/ns/pods/p"),
        ("DELETE", "/api/v1/namespaces/ns/pods/p"),
    ]
    assert server.requests[4][0].headers["Content-Type"] == MERGE_PATCH
    assert json.loads(server.requests[5][1]) == {"gracePeriodSeconds": 0}
    assert server.requests[0][0].headers["User-Agent"] == "test"


async def test_status_body_becomes_a_status_error(server):
    body = {"kind": "Status", "reason": "NotFound", "message": 'pods "p" not found'}
    server.answer = {"text": json.dumps(body), "status": 404}

    with pytest.raises(StatusError) as error:
        await server.client.get(PODS, "p", namespace="ns")

    assert error.value.code == 404
    assert error.value.reason == "NotFound"
    assert str(error.value) == 'pods "p" not found'


async def test_other_body_becomes_what_client_go_says(server):
    server.answer = {"text": "404 page not found", "status": 404}

    with pytest.raises(StatusError) as error:
        await server.client.get(PODS, "p", namespace="ns")

    assert error.value.reason == "NotFound"
    assert "the server could not find the requested resource" in str(error.value)


async def test_watch_yields_events_until_the_server_ends(server):
    lines = [{"type": "ADDED", "object": {"n": n}} for n in range(3)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    server.answer = {"text": text}

    events = [e async for e in server.client.watch(PODS, resource_version="5")]

    assert [e.object["n"] for e in events] == [0, 1, 2]
    query = server.requests[0][0].query
    assert query["watch"] == "true"
    assert query["allowWatchBookmarks"] == "true"
    assert query["resourceVersion"] == "5"


async def test_error_event_is_raised(server):
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"}
    line = json.dumps({"type": "ERROR", "object": status})
    server.answer = {"text": line + "\n"}

    with pytest.raises(StatusError, match="old") as error:
        [e async for e in server.client.watch(PODS)]

    assert error.value.code == 410


def test_unverified_server_is_refused():
    config = ClientConfig(server="https://x", insecure_skip_tls_verify=True)

    with pytest.raises(UnsupportedCredentialsError):
        tls_context(config)
