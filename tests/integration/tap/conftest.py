"""A real server that the test plays itself, and a tap in front of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import TYPE_CHECKING

import pytest

from certs.authority import CertificateAuthority
from certs.profile import Profile, Usage
from hops.connection import Connection
from hops.dial import dial_connection
from hops.hop import Hop
from hops.hops import Hops
from hops.listen import listen
from hops.tasks import running
from hops.tls.contexts import client_context, server_context
from tap.apiserver import ApiServerTap
from tap.running import TapFolder

if TYPE_CHECKING:
    from pathlib import Path

HOP = Hop.KUBECTL_APISERVER


class Server:
    """Listens; `accepted` gives the connections that came."""

    def __init__(self) -> None:
        self.accepted: asyncio.Queue[Connection] = asyncio.Queue()
        self.all: list[Connection] = []

    async def start(self, tls=None, address=("127.0.0.1", 0)):
        server = self

        class Accepted(Connection):
            def connection_made(self, transport):
                super().connection_made(transport)
                server.all.append(self)
                server.accepted.put_nowait(self)

        self.listener = await listen(
            Hops("server", armed=False), HOP, address, Accepted, tls=tls
        )
        return self

    @property
    def port(self):
        return self.listener.port

    async def close(self):
        self.listener.close()
        for connection in self.all:
            connection.abort()


class Pki:
    """The real cluster's authority and certificates, as files."""

    def __init__(self, folder: Path, *, clients: bool = False) -> None:
        now = time.time()
        authority = CertificateAuthority.create("kubernetes", now)
        self.ca = folder / "ca.crt"
        self.ca.write_bytes(authority.certificate.cert_pem)
        self.cert, self.key = folder / "server.crt", folder / "server.key"
        usages = (Usage.SERVER, Usage.CLIENT) if clients else (Usage.SERVER,)
        profile = Profile("server", hosts=("127.0.0.1",), usages=usages)
        made = authority.issue(profile, now)
        self.cert.write_bytes(made.cert_pem)
        self.key.write_bytes(made.key_pem)

    def server_tls(self):
        return server_context(self.cert, self.key)


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("real"))


@pytest.fixture
async def server(pki):
    """The real API server."""
    made = await Server().start(pki.server_tls())
    yield made
    await made.close()


@pytest.fixture
async def hops():
    made = Hops("tap")
    yield made
    async with asyncio.timeout(20):
        while made.open_connections() or running():  # noqa: ASYNC110 - no event of its own
            await asyncio.sleep(0)


@pytest.fixture
def real_kubeconfig(tmp_path, pki, server):
    """Writes one; answers its path."""

    def write(**cluster):
        document = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "real-token"}}],
            "clusters": [
                {
                    "name": "c",
                    "cluster": {
                        "server": f"https://127.0.0.1:{server.port}",
                        "certificate-authority": str(pki.ca),
                        **cluster,
                    },
                }
            ],
        }
        path = tmp_path / "real-kubeconfig"
        path.write_text(json.dumps(document))
        return path

    return write


class Tapped:
    """A running tap, and clients of it."""

    def __init__(self, tap, folder, hops):
        self.tap = tap
        self.folder = folder
        self._hops = Hops("client", armed=False)
        self.clients = []

    @property
    def address(self):
        return self.tap._tap.address

    def client_tls(self, *, with_certificate=True):
        keys = self.tap._keys
        cert = (keys.client_cert, keys.client_key) if with_certificate else (None, None)
        return client_context(keys.ca, cert=cert[0], key=cert[1])

    async def connect(self, **options):
        client = await dial_connection(
            self._hops, HOP, self.address, tls=self.client_tls(**options)
        )
        self.clients.append(client)
        return client


@pytest.fixture
async def make_tap(tmp_path, hops):
    """Makes a tap that is not started yet."""
    made = []

    def make(kubeconfig, write_kubeconfig=None):
        folder = tmp_path / "tap"
        folder.mkdir(exist_ok=True)
        options = argparse.Namespace(
            kubeconfig=str(kubeconfig),
            context="",
            write_kubeconfig=write_kubeconfig,
            listen="127.0.0.1:0",
        )
        where = TapFolder(folder, tmp_path / "trace", folder / "admin")
        tapped = Tapped(ApiServerTap(options, hops, where, None), folder, hops)
        made.append(tapped)
        return tapped

    yield make
    for tapped in made:
        for client in tapped.clients:
            client.abort()
        await tapped.tap.close()


@pytest.fixture
async def tapped(make_tap, real_kubeconfig, server):
    """A tap that runs."""
    made = make_tap(real_kubeconfig())
    await made.tap.start()
    (await server.accepted.get()).abort()  # it looked whether the server is there
    return made


async def read_until(connection, end):
    """Read until the bytes end so."""
    got = b""
    async with asyncio.timeout(10):
        while not got.endswith(end):
            data = await connection.read()
            assert data, got
            got += data
    return got


async def read_all(connection):
    """Everything up to the end."""
    pieces = []
    async with asyncio.timeout(10):
        while data := await connection.read():
            pieces.append(data)
    return b"".join(pieces)
