"""A slow or stalled link holds up who sends, and does not fill the memory."""

from __future__ import annotations

import asyncio

import pytest

from faults.service import FaultService
from hops.brakes import HIGH
from hops.connection import Connection
from hops.dial import dial_connection
from hops.hop import Hop
from hops.hops import Hops
from hops.listen import listen
from tests.support.fault_rules import rule

HOP = Hop.KUBELET_CRI_STREAMING
#: More than sockets and brakes hold.
MUCH = 16 * 1024 * 1024


@pytest.fixture
async def ends():
    """(client, server, faults): the server's process has the faults."""
    here, there = Hops("client"), Hops("server")
    accepted: asyncio.Queue[Connection] = asyncio.Queue()

    class Accepted(Connection):
        def connection_made(self, transport):
            super().connection_made(transport)
            accepted.put_nowait(self)

    listener = await listen(there, HOP, ("127.0.0.1", 0), Accepted)
    client = await dial_connection(here, HOP, listener.address)
    server = await accepted.get()
    yield client, server, FaultService(there)
    client.abort()
    server.abort()
    listener.close()


async def write(connection, size):
    for _ in range(size // 65536):
        connection.write(bytes(65536))
        await connection.drain()
    connection.write_eof()


async def read(connection):
    size = 0
    while data := await connection.read():
        size += len(data)
    return size


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
@pytest.mark.parametrize(
    ("type_name", "options"),
    [("stall", {}), ("bandwidth", {"rate": 1}), ("latency", {"latency": 60_000})],
)
async def test_who_sends_is_stopped_and_goes_on(ends, stream, type_name, options):
    client, server, service = ends
    name = f"{type_name}_{stream}"
    await service.add(
        {"rule": rule(type_name, HOP, stream=stream, **options).to_json()}
    )
    sender, receiver = (client, server) if stream == "upstream" else (server, client)

    writing = asyncio.ensure_future(write(sender, MUCH))
    reading = asyncio.ensure_future(read(receiver))
    await asyncio.wait([writing], timeout=0.3)

    assert not writing.done()
    (faults,) = service._engine._connections.values()
    assert sum(map(faults.holds, ("up", "down"))) < 4 * HIGH
    if type_name == "stall":
        await service.remove({"name": name})
        await writing
        assert await reading == MUCH
    else:
        writing.cancel()
        reading.cancel()
        await asyncio.wait([writing, reading])
