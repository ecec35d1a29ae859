import asyncio
import contextlib
import datetime
import gc
import hashlib
import os
import socket
import ssl
import weakref

import pytest

from hops.connection import Connection
from hops.dial import ConnectError, dial, dial_connection
from hops.listen import listen
from hops.tls import transport as tls_transport
from hops.tls.contexts import client_context, server_context
from hops.tls.transport import TlsTransport
from tests.integration.hops.conftest import (
    HOP,
    LOOPBACK,
    raw_connection,
    read_all,
    until,
)
from tests.integration.hops.pki import Authority

BLOB = os.urandom(3_000_000)


@pytest.fixture
def hops(hops):
    """Without a Pipe: the transport itself is looked at here."""
    hops.armed = False
    return hops


class Collector(asyncio.Protocol):
    """Keeps all it gets."""

    def __init__(self):
        self.data = bytearray()
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.data += data

    def connection_lost(self, exc):
        assert not self.lost.done(), "connection_lost was called twice"
        self.lost.set_result(exc)


class StoppingCollector(Collector):
    """Pauses after each piece, and goes on in the next turn of the loop."""

    def data_received(self, data):
        super().data_received(data)
        self.transport.pause_reading()
        asyncio.get_running_loop().call_soon(self.transport.resume_reading)


class TinyBuffers(asyncio.BufferedProtocol, Collector):
    """Takes seven bytes at a time."""

    def get_buffer(self, sizehint):
        self.buffer = bytearray(7)
        return self.buffer

    def buffer_updated(self, nbytes):
        self.data += self.buffer[:nbytes]


class Owner:
    """Gives each accepted connection the protocol it is asked for."""

    def __init__(self, kind):
        self.kind = kind
        self.made = asyncio.get_running_loop().create_future()

    def __call__(self):
        protocol = self.kind()
        self.made.set_result(protocol)
        return protocol


@pytest.mark.parametrize("kind", [Collector, StoppingCollector, TinyBuffers])
async def test_any_kind_of_protocol_gets_every_byte(kind, hops, server_tls, client_tls):
    owner = Owner(kind)
    listener = await listen(hops, HOP, LOOPBACK, owner, tls=server_tls)
    client = await dial_connection(hops, HOP, listener.address, tls=client_tls)

    blob = BLOB[:200_000]
    client.write(blob)
    client.close()

    protocol = await owner.made
    assert await protocol.lost is None
    assert bytes(protocol.data) == blob
    listener.close()


async def test_bytes_go_both_ways_whole(connect, server_tls, client_tls):
    client, server = await connect(server_tls, client_tls)

    async def send(connection):
        for start in range(0, len(BLOB), 50_000):
            connection.write(BLOB[start : start + 50_000])
            await connection.drain()
        connection.write_eof()

    async with asyncio.TaskGroup() as group:
        group.create_task(send(client))
        group.create_task(send(server))
        at_server = group.create_task(read_all(server))
        at_client = group.create_task(read_all(client))

    assert hashlib.sha256(at_server.result()).digest() == hashlib.sha256(BLOB).digest()
    assert at_client.result() == at_server.result()


async def test_small_writes_of_one_call_share_a_record(connect, server_tls, client_tls):
    client, server = await connect(server_tls, client_tls)

    client.writelines([b"a", memoryview(b"b"), bytearray(b"c")])

    assert await server.read() == b"abc"


async def test_one_direction_can_end_before_the_other(connect, server_tls, client_tls):
    client, server = await connect(server_tls, client_tls)

    client.write(b"request")
    client.write_eof()
    assert await read_all(server) == b"request"
    server.write(b"answer")
    server.close()

    assert await read_all(client) == b"answer"
    client.write(b"too late")  # nothing happens


async def test_ending_our_direction_keeps_what_was_not_read(
    connect, server_tls, client_tls
):
    client, server = await connect(server_tls, client_tls)
    client.transport.pause_reading()
    server.write(BLOB[:100_000])
    client.write(b"x")
    assert await server.read() == b"x"

    client.write_eof()
    client.transport.resume_reading()
    server.close()

    assert await read_all(client) == BLOB[:100_000]


async def test_a_cut_is_told_from_a_proper_end(connect, server_tls, client_tls):
    client, server = await connect(server_tls, client_tls)
    client.transport.below.get_extra_info("socket").shutdown(socket.SHUT_WR)
    assert await server.read() == b""
    assert server.get_extra_info("truncated") is True

    client, server = await connect(server_tls, client_tls)
    client.close()
    assert await server.read() == b""
    assert server.get_extra_info("truncated") is False


async def test_the_last_bytes_arrive_while_the_peer_is_still_sending(connect, both_tls):
    client, server = await connect(*both_tls)
    # Unread bytes at the server would make its kernel answer close with a reset.
    client.transport.pause_reading()
    client.write(BLOB[:1_000_000])
    server.write(BLOB)
    server.close()
    client.write(BLOB[:1_000_000])
    client.transport.resume_reading()

    assert await read_all(client) == BLOB
    client.close()


async def test_a_slow_reader_stops_the_writer(connect, both_tls):
    client, server = await connect(*both_tls)
    client.transport.pause_reading()
    written = 0

    async def write_until_full():
        nonlocal written
        while True:
            server.write(bytes(65536))
            written += 65536
            await server.drain()

    writer = asyncio.ensure_future(write_until_full())
    seen = -1
    while written != seen:  # until it makes no progress in many turns of the loop
        seen = written
        for _ in range(200):
            await asyncio.sleep(0)
    buffered = server.transport.get_write_buffer_size()
    assert buffered < 512 * 1024

    writer.cancel()
    client.transport.resume_reading()
    server.close()
    assert len(await read_all(client)) == written


async def test_protocols_can_ask_what_they_ask_of_asyncios_tls(
    connect, server_tls, client_tls
):
    client, server = await connect(server_tls, client_tls)

    subject = dict(part[0] for part in server.get_extra_info("peercert")["subject"])
    assert subject == {
        "commonName": "admin",
        "organizationName": "system:masters",
    }
    assert server.get_extra_info("cipher")[1] == "TLSv1.3"
    assert server.get_extra_info("sslcontext") is server_tls
    assert server.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    assert server.peername == client.get_extra_info("sockname")
    assert server.get_extra_info("nonsense", 7) == 7
    assert isinstance(server.get_extra_info("socket").fileno(), int)
    assert isinstance(server.transport, TlsTransport)


async def test_a_client_without_certificate_has_none(connect, server_tls, authority):
    _, server = await connect(server_tls, client_context(authority.path))

    assert not server.get_extra_info("peercert")


async def test_asyncios_own_client_is_served(hops, server_tls, client_tls):
    class Echo(Collector):
        def data_received(self, data):
            self.transport.write(data)

    listener = await listen(hops, HOP, LOOPBACK, Echo, tls=server_tls)
    reader, writer = await asyncio.open_connection(
        *listener.address, ssl=client_tls, server_hostname="localhost"
    )

    writer.write(BLOB)
    assert await reader.readexactly(len(BLOB)) == BLOB
    writer.close()
    await writer.wait_closed()
    listener.close()


async def test_asyncios_own_server_is_understood(hops, server_tls, client_tls):
    async def echo(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, *LOOPBACK, ssl=server_tls)
    address = server.sockets[0].getsockname()
    client = await dial_connection(hops, HOP, address, tls=client_tls)

    client.write(BLOB[:500_000])
    received = b""
    while len(received) < 500_000:
        received += await client.read()
    assert received == BLOB[:500_000]
    client.close()
    await client.wait_closed()
    server.close()
    await server.wait_closed()


async def test_tls_1_2_works_too(connect, server_tls, client_tls):
    client_tls.maximum_version = ssl.TLSVersion.TLSv1_2

    client, server = await connect(server_tls, client_tls)
    client.write(b"x")

    assert await server.read() == b"x"
    assert server.get_extra_info("cipher")[1] == "TLSv1.2"


async def test_tls_1_1_is_refused(hops, server_tls):
    listener = await listen(hops, HOP, LOOPBACK, Collector, tls=server_tls)
    # A ClientHello that offers at most TLS 1.1
    hello = (
        bytes.fromhex("16030100320100002e0302")
        + bytes(32)
        + bytes.fromhex("000004c00ac0090100000100")
    )

    def talk():
        with raw_connection(listener.port) as sock:
            sock.sendall(hello)
            return sock.recv(100)

    answer = await asyncio.to_thread(talk)
    assert answer[:1] in (b"\x15", b"")  # an alert
    listener.close()


async def test_plain_http_is_answered_as_go_answers_it(hops, server_tls):
    listener = await listen(hops, HOP, LOOPBACK, Collector, tls=server_tls)

    def talk():
        with raw_connection(listener.port) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = b""
            while data := sock.recv(1000):
                answer += data
            return answer

    answer = await asyncio.to_thread(talk)
    assert answer.endswith(
        b"HTTP/1.0 400 Bad Request\r\n\r\n"
        b"Client sent an HTTP request to an HTTPS server.\n"
    )
    listener.close()


async def dial_error(hops, address, **kwargs):
    with pytest.raises(ConnectError) as caught:
        await dial(hops, HOP, address, Connection, **kwargs)
    return str(caught.value)


async def test_an_unknown_authority_is_named_in_gos_words(hops, server_tls, tmp_path):
    listener = await listen(hops, HOP, LOOPBACK, Collector, tls=server_tls)
    other = client_context(Authority(tmp_path, "other").path)

    text = await dial_error(hops, listener.address, tls=other)

    assert text == (
        "tls: failed to verify certificate: x509: "
        "certificate signed by unknown authority"
    )
    listener.close()


async def test_a_name_that_the_certificate_has_not_is_named(
    hops, server_tls, client_tls
):
    listener = await listen(hops, HOP, LOOPBACK, Collector, tls=server_tls)

    for name, valid in (("example.test", "localhost"), ("10.0.0.5", "127.0.0.1")):
        text = await dial_error(
            hops, listener.address, tls=client_tls, server_hostname=name
        )
        assert text == (
            "tls: failed to verify certificate: x509: "
            f"certificate is valid for {valid}, not {name}"
        )
    listener.close()


async def test_a_certificate_without_names_is_named(hops, authority, client_tls):
    leaf = authority.leaf("nameless")
    context = server_context(leaf.cert, leaf.key)
    listener = await listen(hops, HOP, LOOPBACK, Collector, tls=context)

    by_address = await dial_error(hops, listener.address, tls=client_tls)
    by_name = await dial_error(
        hops, listener.address, tls=client_tls, server_hostname="localhost"
    )

    assert by_address.endswith(
        "x509: cannot validate certificate for 127.0.0.1 "
        "because it doesn't contain any IP SANs"
    )
    assert by_name.endswith(
        "x509: certificate is not valid for any names, but wanted to match localhost"
    )
    listener.close()


async def test_an_expired_certificate_is_named(hops, authority, client_tls):
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    leaf = authority.leaf("expired", hosts=["127.0.0.1"], until=past)
    context = server_context(leaf.cert, leaf.key)
    listener = await listen(hops, HOP, LOOPBACK, Collector, tls=context)

    text = await dial_error(hops, listener.address, tls=client_tls)

    assert "x509: certificate has expired or is not yet valid: current time" in text
    assert text.endswith(f" is after {past:%Y-%m-%dT%H:%M:%SZ}")
    listener.close()


async def test_a_missing_client_certificate_is_told_to_the_client(
    hops, authority, serving
):
    context = server_context(
        serving.cert, serving.key, client_ca=authority.path, require_client_cert=True
    )
    listener = await listen(hops, HOP, LOOPBACK, Collector, tls=context)
    tls = client_context(authority.path)

    # With TLS 1.3 a client has finished before the server looks at its certificate.
    client = await dial_connection(hops, HOP, listener.address, tls=tls)
    client.write(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(ConnectError, match="remote error: tls: certificate required"):
        await client.read()
    await client.wait_closed()
    listener.close()


async def test_a_peer_that_speaks_no_tls_is_named(hops, client_tls):
    class Rude(Collector):
        def connection_made(self, transport):
            transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    listener = await listen(hops, HOP, LOOPBACK, Rude)

    text = await dial_error(hops, listener.address, tls=client_tls)

    assert text == "tls: first record does not look like a TLS handshake"
    listener.close()


async def test_a_peer_that_hangs_up_in_the_handshake_is_eof(hops, client_tls):
    class Absent(Collector):
        def connection_made(self, transport):
            transport.close()

    listener = await listen(hops, HOP, LOOPBACK, Absent)

    text = await dial_error(hops, listener.address, tls=client_tls)

    assert text == "EOF" or "connection reset by peer" in text
    listener.close()


async def test_a_handshake_has_a_deadline(hops, client_tls, monkeypatch):
    monkeypatch.setattr(tls_transport, "HANDSHAKE_SECONDS", 0.01)
    listener = await listen(hops, HOP, LOOPBACK, Collector)

    text = await dial_error(hops, listener.address, tls=client_tls)

    assert text == "net/http: TLS handshake timeout"
    listener.close()


async def test_a_caller_can_give_up_a_handshake(hops, client_tls):
    owner = Owner(Collector)
    listener = await listen(hops, HOP, LOOPBACK, owner)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await dial(hops, HOP, listener.address, Connection, tls=client_tls)

    server = await owner.made
    await server.lost
    listener.close()


async def test_garbage_after_the_handshake_ends_the_connection(
    connect, server_tls, client_tls
):
    client, server = await connect(server_tls, client_tls)

    client.transport.below.write(b"\x17\x03\x03\x00\x20" + bytes(32))

    with pytest.raises(ConnectError, match="tls: "):
        await server.read()
    with pytest.raises(ConnectError, match="remote error: tls: "):
        await client.read()


async def test_abort_closes_at_once(connect, server_tls, client_tls):
    client, server = await connect(server_tls, client_tls)
    server.transport.pause_reading()
    client.write(BLOB)

    client.abort()

    await client.wait_closed()
    assert client.is_closing
    server.transport.resume_reading()
    with contextlib.suppress(ConnectionResetError):
        assert len(await read_all(server)) < len(BLOB)


async def test_a_protocol_may_write_as_soon_as_it_is_connected(
    hops, server_tls, client_tls
):
    class Eager(Collector):
        def connection_made(self, transport):
            transport.write(b"welcome")
            transport.close()

    listener = await listen(hops, HOP, LOOPBACK, Eager, tls=server_tls)
    client = await dial_connection(hops, HOP, listener.address, tls=client_tls)

    assert await read_all(client) == b"welcome"
    client.close()
    listener.close()


async def exchange(pair):
    """Use a connection once; answers whether it resumed a session."""
    client, server = pair
    server.write(b"x")
    assert await client.read() == b"x"
    resumed = client.get_extra_info("ssl_object").session_reused
    subject = server.get_extra_info("peercert")["subject"]
    assert (("commonName", "admin"),) in subject
    return resumed


async def test_a_second_connection_resumes_the_session(hops, server_tls, client_tls):
    accepted = asyncio.Queue()

    class Accepted(Connection):
        def connection_made(self, transport):
            super().connection_made(transport)
            accepted.put_nowait(self)

    listener = await listen(hops, HOP, LOOPBACK, Accepted, tls=server_tls)
    resumed = []
    for _ in range(3):
        client = await dial_connection(hops, HOP, listener.address, tls=client_tls)
        server = await accepted.get()
        resumed.append(await exchange((client, server)))
        client.close()
        assert await server.read() == b""
        server.close()

    assert resumed == [False, True, True]
    listener.close()


async def test_settings_do_not_share_sessions(
    hops, connect, server_tls, client_tls, authority, tmp_path
):
    listener = await listen(hops, HOP, LOOPBACK, asyncio.Protocol, tls=server_tls)
    client = await dial_connection(hops, HOP, listener.address, tls=client_tls)
    client.close()

    text = await dial_error(
        hops, listener.address, tls=client_context(Authority(tmp_path, "third").path)
    )

    assert "unknown authority" in text
    listener.close()


@pytest.mark.parametrize("armed", [False, True], ids=["bare", "armed"])
async def test_a_closed_connection_does_not_wait_for_the_garbage_collector(
    hops, server_tls, client_tls, armed
):
    hops.armed = armed
    accepted = asyncio.Queue()

    class Accepted(Connection):
        def connection_made(self, transport):
            super().connection_made(transport)
            accepted.put_nowait(self)

    listener = await listen(hops, HOP, LOOPBACK, Accepted, tls=server_tls)
    gc.disable()
    try:
        client = await dial_connection(hops, HOP, listener.address, tls=client_tls)
        server = await accepted.get()
        transports = [weakref.ref(end.transport) for end in (client, server)]
        client.close()
        assert await server.read() == b""
        server.close()
        await client.wait_closed()
        await server.wait_closed()
        del client, server

        async with asyncio.timeout(20):
            await until(lambda: not any(ref() for ref in transports))
    finally:
        gc.enable()
    listener.close()
