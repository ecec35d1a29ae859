"""A hop that is down refuses connections, and comes back where it was."""

from __future__ import annotations

import asyncio

import pytest

from faults.service import FaultService
from hops.hop import Hop
from hops.hops import Hops
from hops.listen import listen
from tests.support.fault_rules import rule

HOP = Hop.KUBELET_CRI


class Greeted(asyncio.Protocol):
    """Hangs up at once."""

    def connection_made(self, transport):
        transport.close()


@pytest.fixture(params=["tcp", "unix"])
def address(request, tmp_path):
    return ("127.0.0.1", 0) if request.param == "tcp" else str(tmp_path / "s.sock")


async def connect(address):
    if isinstance(address, str):
        _, writer = await asyncio.open_unix_connection(address)
    else:
        _, writer = await asyncio.open_connection(*address)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0)  # the server hangs up, too


async def test_a_hop_that_is_down_refuses(address):
    hops = Hops("test")
    service = FaultService(hops)
    listener = await listen(hops, HOP, address, Greeted)
    down = rule("down", HOP).to_json()
    await connect(listener.address)

    for _ in range(2):
        await service.add({"rule": down})
        with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
            await connect(listener.address)
        await service.reset({})
        await connect(listener.address)

    listener.close()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await connect(listener.address)


async def test_a_listener_that_is_closed_while_it_is_down_stays_closed(address):
    hops = Hops("test")
    service = FaultService(hops)
    listener = await listen(hops, HOP, address, Greeted)
    await service.add({"rule": rule("down", HOP).to_json()})

    listener.close()
    await service.reset({})

    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await connect(listener.address)


async def test_a_share_of_connections_can_be_refused():
    """Then somebody must listen, and who is refused is reset."""
    hops = Hops("test")
    service = FaultService(hops)
    listener = await listen(hops, HOP, ("127.0.0.1", 0), Greeted)
    await service.add({"rule": rule("down", HOP, count=1).to_json()})

    reader, writer = await asyncio.open_connection(*listener.address)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()

    await connect(listener.address)
    await service.reset({})
    listener.close()


async def test_nothing_of_a_fault_is_left_in_the_path():
    hops = Hops("test", armed=False)
    service = FaultService(hops)

    await service.add({"rule": rule("latency", HOP).to_json()})
    assert hops.pipe_for(HOP, "server") is not None
    await service.reset({})

    assert hops.pipe_for(HOP, "server") is None
