"""An API server in this process, on loopback with real TLS, and clients of it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from apiserver.app import ApiServer, build
from apiserver.config import Config
from certs.pki import KeyPairFiles, Pki, PkiNames, ensure_pki
from hops.client import HttpClient, Response
from hops.hop import Hop
from hops.hops import Hops
from hops.serve import serve_application
from hops.tls.contexts import client_context, server_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NODE = "node-1"
JSON = ("Content-Type", "application/json")


@dataclass
class Api:
    """One client of the server; answers are parsed."""

    client: HttpClient
    headers: list[tuple[str, str]] = field(default_factory=list)

    async def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        *headers: tuple[str, str],
    ) -> Response:
        data = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
        return await self.client.request(
            method, target, headers=[*self.headers, *headers], body=data
        )

    async def call(
        self, method: str, target: str, body: Any = None, *headers: tuple[str, str]
    ) -> tuple[int, Any]:
        response = await self.send(method, target, body, *headers)
        return response.status, json.loads(response.body or b"null")

    async def get(self, target: str, *headers: tuple[str, str]) -> Any:
        status, document = await self.call("GET", target, None, *headers)
        assert status == 200, document
        return document

    async def post(self, target: str, body: Any) -> Any:
        status, document = await self.call("POST", target, body, JSON)
        assert status == 201, document
        return document

    def watch(self, target: str) -> WatchStream:
        return WatchStream(self.client, target, self.headers)


class WatchStream:
    """`async with api.watch(...) as events: await events.next()`."""

    def __init__(
        self, client: HttpClient, target: str, headers: list[tuple[str, str]]
    ) -> None:
        self._context = client.stream("GET", target, headers=headers)
        self._buffer = b""

    async def __aenter__(self) -> WatchStream:
        self.response = await self._context.__aenter__()
        assert self.response.status == 200
        self._chunks = aiter(self.response)
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self._chunks.aclose()  # type: ignore[attr-defined]
        await self._context.__aexit__(*exc_info)

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while b"\n" not in self._buffer:
                self._buffer += await anext(self._chunks)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    async def ended(self) -> bool:
        async with asyncio.timeout(10):
            async for chunk in self._chunks:
                self._buffer += chunk
        return not self._buffer


@dataclass
class Cluster:
    """The server, its certificates, and ways to reach it."""

    server: ApiServer
    pki: Pki
    hops: Hops
    clients: list[HttpClient] = field(default_factory=list)

    def api(
        self, identity: KeyPairFiles | None = None, *headers: tuple[str, str]
    ) -> Api:
        tls = client_context(
            self.pki.ca_cert,
            cert=identity.cert if identity else None,
            key=identity.key if identity else None,
        )
        client = HttpClient(self.hops, Hop.KUBECTL_APISERVER, self.server.url, tls=tls)
        self.clients.append(client)
        return Api(client, list(headers))

    @property
    def admin(self) -> Api:
        return self.api(self.pki.admin)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    directory = tmp_path_factory.mktemp("pki")
    names = PkiNames(nodes={NODE: ("127.0.0.1",)})
    return ensure_pki(directory, names, time.time())


@pytest.fixture
def config(pki: Pki, tmp_path: Path) -> Config:
    tokens = tmp_path / "tokens.csv"
    tokens.write_text('bob-token,bob,1001,"builders,testers"\n')
    return Config(
        secure_port=0,
        tls_cert_file=pki.api_server.cert,
        tls_private_key_file=pki.api_server.key,
        client_ca_file=pki.ca_cert,
        kubelet_client_certificate=pki.api_server_kubelet_client.cert,
        kubelet_client_key=pki.api_server_kubelet_client.key,
        kubelet_certificate_authority=pki.ca_cert,
        storage_backend="memory",
        token_auth_file=tokens,
        service_account_signing_key_file=pki.service_account_key,
        service_account_key_file=pki.service_account_public_key,
    )


@pytest.fixture
async def start(pki: Pki, config: Config) -> AsyncIterator[Any]:
    """`await start(emulate_version=...)`: a running cluster with changed settings."""
    running: list[Cluster] = []

    async def start(**changes: Any) -> Cluster:
        hops = Hops("apiserver-test")
        server = await build(replace(config, **changes), hops)
        await server.start()
        await server.ready()
        cluster = Cluster(server, pki, hops)
        running.append(cluster)
        return cluster

    yield start
    for cluster in running:
        for client in cluster.clients:
            await client.close()
        await cluster.server.close()


@pytest.fixture
async def cluster(start: Any) -> Cluster:
    return await start()


@pytest.fixture
def admin(cluster: Cluster) -> Api:
    return cluster.admin


@dataclass
class FakeKubelet:
    """Answers as a test tells it, and remembers what it was asked."""

    port: int = 0
    requests: list[web.Request] = field(default_factory=list)
    answer: Any = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return await self.answer(request)


@pytest.fixture
async def kubelet(pki: Pki) -> AsyncIterator[FakeKubelet]:
    fake = FakeKubelet()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", fake.handle)
    files = pki.kubelet(NODE)
    listener = await serve_application(
        Hops("kubelet-test"),
        Hop.APISERVER_KUBELET,
        application,
        ("127.0.0.1", 0),
        tls=server_context(
            files.cert, files.key, client_ca=pki.ca_cert, require_client_cert=True
        ),
    )
    fake.port = listener.port
    yield fake
    await listener.wait_closed()


def pod(name: str = "web", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "busybox:1.36"}], **spec},
    }


def node(
    port: int, *, features: tuple[str, ...] = ("ExtendWebSocketsToKubelet",)
) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "declaredFeatures": list(features),
        },
    }
