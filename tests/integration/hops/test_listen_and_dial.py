import asyncio
import errno
import os
import socket
import stat

import pytest

from hops.connection import Connection
from hops.dial import ConnectError, dial_connection
from hops.hop import Hop
from hops.listen import listen
from hops.relay import Relay
from tests.integration.hops.conftest import HOP, LOOPBACK, read_all, until


async def connect_and_leave(hops, address):
    connection = await dial_connection(hops, HOP, address)
    await until(lambda: hops.open_connections().get(HOP) == 2)
    connection.close()
    await connection.wait_closed()


async def test_a_unix_socket_is_for_its_owner_only(hops, tmp_path):
    path = str(tmp_path / "s.sock")

    listener = await listen(hops, HOP, path, asyncio.Protocol)

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert listener.address == path
    listener.close()
    assert os.listdir(tmp_path) == []


async def test_a_socket_that_a_dead_process_left_is_replaced(hops, tmp_path):
    path = str(tmp_path / "s.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)

    listener = await listen(hops, HOP, path, asyncio.Protocol)

    await connect_and_leave(hops, path)
    listener.close()


async def test_a_socket_that_is_in_use_is_not_taken_away(hops, tmp_path):
    path = str(tmp_path / "s.sock")
    listener = await listen(hops, HOP, path, asyncio.Protocol)

    with pytest.raises(ConnectError, match="bind: address already in use"):
        await listen(hops, HOP, path, asyncio.Protocol)

    await connect_and_leave(hops, path)
    listener.close()


async def test_a_port_that_is_none_is_named(hops):
    with pytest.raises(ConnectError, match="listen tcp: address 70000: invalid port"):
        await listen(hops, HOP, ("127.0.0.1", 70000), asyncio.Protocol)


async def test_a_port_in_use_is_named(hops):
    listener = await listen(hops, HOP, LOOPBACK, asyncio.Protocol)

    with pytest.raises(ConnectError) as caught:
        await listen(hops, HOP, listener.address, asyncio.Protocol)

    host, port = listener.address
    assert (
        str(caught.value) == f"listen tcp {host}:{port}: bind: address already in use"
    )
    listener.close()


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (("127.0.0.1", 1), "dial tcp 127.0.0.1:1: connect: connection refused"),
        (("::1", 1), "dial tcp [::1]:1: connect: connection refused"),
        (
            "/nonexistent/s",
            "dial unix /nonexistent/s: connect: no such file or directory",
        ),
        (("no.invalid", 1), "dial tcp: lookup no.invalid: no such host"),
    ],
)
async def test_failures_to_dial_have_gos_words(hops, address, text):
    with pytest.raises(ConnectError) as caught:
        await dial_connection(hops, HOP, address)
    if "::1" in text and caught.value.errno == errno.EADDRNOTAVAIL:
        text = "dial tcp [::1]:1: connect: cannot assign requested address"
    assert str(caught.value) == text


async def test_open_connections_are_counted_by_hop(hops, connect):
    client, server = await connect()
    assert hops.open_connections() == {"kubectl-apiserver": 2}

    client.close()
    assert await read_all(server) == b""
    server.close()
    await client.wait_closed()
    await server.wait_closed()

    assert hops.open_connections() == {}


async def test_connections_stay_when_the_listener_closes(hops):
    accepted = asyncio.get_running_loop().create_future()

    class Accepted(Connection):
        def connection_made(self, transport):
            super().connection_made(transport)
            accepted.set_result(self)

    listener = await listen(hops, HOP, LOOPBACK, Accepted)
    client = await dial_connection(hops, HOP, listener.address)
    server = await accepted

    listener.close()
    await listener.wait_closed()
    client.write(b"still there")
    client.close()

    assert await read_all(server) == b"still there"
    server.close()
    with pytest.raises(ConnectError):
        await dial_connection(hops, HOP, listener.address)


class Upper(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data.upper())


async def test_a_relay_joins_what_it_accepts_to_what_it_dials(hops, tmp_path):
    inner = await listen(hops, Hop.KUBELET_CRI, str(tmp_path / "in"), Upper)
    relay = await Relay(
        hops, Hop.KUBELET_CRI, str(tmp_path / "out"), inner.address
    ).start()

    clients = [await dial_connection(hops, HOP, relay.address) for _ in range(3)]
    for client in clients:
        client.write(b"hello")
    assert [await client.read() for client in clients] == [b"HELLO"] * 3

    clients[0].close()
    await relay.wait_closed()
    assert await read_all(clients[1]) == b""
    for client in clients:
        client.close()
    inner.close()


async def test_a_relay_without_anybody_behind_it_hangs_up(hops, tmp_path):
    relay = await Relay(
        hops, Hop.KUBELET_CRI, str(tmp_path / "out"), str(tmp_path / "nobody")
    ).start()

    client = await dial_connection(hops, HOP, relay.address)

    assert await read_all(client) == b""
    client.close()
    await relay.wait_closed()
