import asyncio
import socket

import pytest

from hops.connection import Connection
from hops.dial import dial_connection
from hops.hop import Hop
from hops.hops import Hops
from hops.listen import listen
from hops.tasks import running
from hops.tls.contexts import client_context, server_context
from tests.integration.hops.pki import Authority

HOP = Hop.KUBECTL_APISERVER
LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"), "ca")


@pytest.fixture(scope="session")
def serving(authority):
    return authority.leaf("server", hosts=["localhost", "127.0.0.1"])


@pytest.fixture(scope="session")
def admin(authority):
    return authority.leaf("admin", organization="system:masters")


@pytest.fixture
def server_tls(authority, serving):
    return server_context(serving.cert, serving.key, client_ca=authority.path)


@pytest.fixture
def client_tls(authority, admin):
    return client_context(authority.path, cert=admin.cert, key=admin.key)


@pytest.fixture(params=["tls", "plain"])
def both_tls(request):
    """(server context, client context): with TLS and without."""
    if request.param == "plain":
        return None, None
    get = request.getfixturevalue
    return get("server_tls"), get("client_tls")


@pytest.fixture
async def hops():
    """A process's hops; afterwards every connection must be closed."""
    made = Hops("test")
    yield made
    async with asyncio.timeout(20):
        await until(lambda: not made.open_connections() and not running())


@pytest.fixture(params=["bare", "armed", "traced"])
async def bare_or_traced(request, hops, tmp_path):
    """The same test without a Pipe, with an idle one, and with one that looks."""
    hops.armed = request.param == "armed"
    if request.param == "traced":
        hops.trace_to(tmp_path / "trace")
    yield
    hops.trace_to(None)


class Listening(Connection):
    """Puts each accepted connection into a queue."""

    accepted: asyncio.Queue

    def connection_made(self, transport):
        super().connection_made(transport)
        self.accepted.put_nowait(self)


@pytest.fixture
async def connect(hops):
    """Makes pairs of connected streams: `client, server = await connect(tls...)`."""
    listeners, made = [], []

    async def pair(server_tls=None, client_tls=None, address=LOOPBACK):
        queue = asyncio.Queue()
        kind = type("Accepted", (Listening,), {"accepted": queue})
        listener = await listen(hops, HOP, address, kind, tls=server_tls)
        listeners.append(listener)
        client = await dial_connection(hops, HOP, listener.address, tls=client_tls)
        server = await queue.get()
        made.extend([client, server])
        return client, server

    yield pair
    for listener in listeners:
        listener.close()
    for connection in made:
        connection.abort()
    for connection in made:
        await connection.wait_closed()


async def until(condition):
    """Let the loop turn until something is true that has no event of its own."""
    while not condition():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0)


async def read_all(connection):
    """Everything up to the end."""
    pieces = []
    while data := await connection.read():
        pieces.append(data)
    return b"".join(pieces)


def raw_connection(port):
    """A blocking socket without any of our code."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.settimeout(20)
    return sock
