import asyncio
import re
import socket
import ssl
import struct

import pytest
from aiohttp import web

from hops.client import HttpClient, UpgradeRefused
from hops.dial import ConnectError
from hops.listen import listen
from hops.serve import serve_application, take_over
from tests.integration.hops.conftest import HOP, LOOPBACK
from wire.errors import RemoteProtocolError

pytestmark = pytest.mark.usefixtures("bare_or_traced")


class Script(asyncio.Protocol):
    """Answers each request that it gets whole with the next of its answers.

    None as an answer hangs up.
    """

    answers: list
    made = 0

    def __init__(self):
        type(self).made += 1

    def connection_made(self, transport):
        self.transport = transport
        self.buffer = b""

    def data_received(self, data):
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            _, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            answer = self.answers.pop(0)
            if answer is None:
                self.transport.abort()
                return
            self.transport.write(answer)


@pytest.fixture
async def scripted(hops):
    """Makes `(client, script)` for a list of answers."""
    listeners, clients = [], []

    async def make(*answers):
        script = type("OneScript", (Script,), {"answers": list(answers)})
        listener = await listen(hops, HOP, LOOPBACK, script)
        client = HttpClient(hops, HOP, f"http://127.0.0.1:{listener.port}")
        listeners.append(listener)
        clients.append(client)
        return client, script

    yield make
    for client in clients:
        await client.close()
    for listener in listeners:
        listener.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def test_requests_share_a_kept_connection(scripted):
    client, script = await scripted(OK, OK, OK)

    for _ in range(3):
        assert (await client.request("GET", "/")).body == b"ok"

    assert script.made == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"unexpected",
    ],
    ids=["close", "HTTP/1.0", "more than was asked for"],
)
async def test_a_connection_that_cannot_be_kept_is_not(scripted, answer):
    client, script = await scripted(answer, OK)

    await client.request("GET", "/")
    await client.request("GET", "/")

    assert script.made == 2


async def test_a_get_is_repeated_when_the_kept_connection_was_stale(scripted):
    client, script = await scripted(OK, None, OK)
    await client.request("GET", "/")

    assert (await client.request("GET", "/")).body == b"ok"
    assert script.made == 2


async def test_a_post_is_not_repeated(scripted):
    client, _ = await scripted(OK, None, OK)
    await client.request("GET", "/")

    with pytest.raises((OSError, RemoteProtocolError)):
        await client.request("POST", "/", body=b"x")


async def test_a_fresh_connection_that_ends_is_not_tried_again(scripted):
    client, script = await scripted(None, OK)

    with pytest.raises((OSError, RemoteProtocolError)):
        await client.request("GET", "/")
    assert script.made == 1


async def test_a_reset_is_told_as_go_tells_it(hops):
    async def reset(reader, writer):
        await reader.read(1)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(reset, *LOOPBACK)
    port = server.sockets[0].getsockname()[1]
    async with HttpClient(hops, HOP, f"http://127.0.0.1:{port}") as client:
        with pytest.raises(ConnectionResetError) as caught:
            await client.request("GET", "/")
    server.close()

    address = rf"127\.0\.0\.1:{port}"
    said = rf"read tcp 127\.0\.0\.1:\d+->{address}: read: connection reset by peer"
    assert re.fullmatch(said, str(caught.value))


async def test_a_connection_that_the_peer_closed_is_not_used(scripted):
    client, script = await scripted(OK, OK)
    await client.request("GET", "/")
    (kept,) = client._idle
    kept.eof_received()

    assert (await client.request("POST", "/")).status == 200
    assert script.made == 2


async def test_interim_answers_are_skipped(scripted):
    client, _ = await scripted(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)

    assert (await client.request("GET", "/")).status == 200


async def test_an_answer_to_head_has_no_body(scripted):
    client, script = await scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", OK)

    assert (await client.request("HEAD", "/")).body == b""
    assert (await client.request("GET", "/")).body == b"ok"
    assert script.made == 1


async def test_a_body_that_is_cut_off_is_an_error(scripted):
    client, _ = await scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")

    async with client.stream("GET", "/") as response:
        iterator = aiter(response)
        assert await anext(iterator) == b"ok"
        response._connection.eof_received()
        with pytest.raises(RemoteProtocolError, match="unexpected EOF"):
            await anext(iterator)


async def test_what_is_no_http_is_an_error(scripted):
    client, _ = await scripted(b"\x15\x03\x01\x00\x02\x02\x46")

    with pytest.raises(RemoteProtocolError, match="malformed HTTP"):
        await client.request("GET", "/")


async def test_the_caller_has_the_deadline(scripted):
    client, _ = await scripted(b"HTTP/1.1 200 OK\r\n")

    with pytest.raises(TimeoutError):
        await client.request("GET", "/", timeout=0.01)


async def test_a_stream_that_is_left_early_closes_its_connection(scripted):
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    client, script = await scripted(chunked, OK)

    async with client.stream("GET", "/watch") as response:
        assert response.status == 200
        async for piece in response:
            assert piece == b"abc"
            break

    assert (await client.request("GET", "/")).body == b"ok"
    assert script.made == 2


async def test_an_early_byte_of_the_new_protocol_is_not_lost(scripted):
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nfirst bytes"
    client, _ = await scripted(switch)

    upgraded = await client.upgrade("GET", "/", [("Upgrade", "x")])

    assert upgraded.head.status == 101
    assert await upgraded.connection.read() == b"first bytes"
    upgraded.connection.close()


async def test_a_bare_refusal_has_an_empty_body(scripted):
    client, _ = await scripted(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    Script.connection_lost = lambda self, exc: None

    task = asyncio.ensure_future(client.upgrade("GET", "/", [("Upgrade", "x")]))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):  # without a length it lasts to the end
            await task


async def test_a_refusal_keeps_its_status_and_body(scripted):
    client, _ = await scripted(
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\npod does not exist"
    )

    with pytest.raises(UpgradeRefused) as caught:
        await client.upgrade("POST", "/exec", [("Upgrade", "SPDY/3.1")])

    assert caught.value.head.status == 404
    assert caught.value.body == b"pod does not exist"


async def test_a_base_url_and_its_tls_must_agree(hops):
    for url, tls in (
        ("https://127.0.0.1", None),
        ("http://127.0.0.1", ssl.create_default_context()),
        ("ftp://127.0.0.1", None),
    ):
        with pytest.raises(ValueError, match=r"127\.0\.0\.1"):
            HttpClient(hops, HOP, url, tls=tls)


async def test_nobody_listens(hops):
    client = HttpClient(hops, HOP, "http://127.0.0.1:1")

    with pytest.raises(ConnectError, match="connect: connection refused"):
        await client.request("GET", "/")


async def test_requests_bodies_and_streams_go_through_a_real_server(hops, both_tls):
    async def echo(request):
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        async for piece in request.content.iter_any():
            await response.write(piece)
        return response

    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/", echo)
    served = await serve_application(hops, HOP, app, LOOPBACK, tls=both_tls[0])
    scheme = "http" if both_tls[1] is None else "https"
    url = f"{scheme}://127.0.0.1:{served.port}"
    body = bytes(range(256)) * 8000

    async with HttpClient(hops, HOP, url, tls=both_tls[1]) as client:
        for _ in range(2):
            answer = await client.request("POST", "/", body=body, timeout=20)
            assert answer.body == body
        assert len(client._idle) == 1
    await served.wait_closed()


async def test_http_over_a_unix_socket(hops, tmp_path):
    async def who(request):
        return web.Response(text=request.headers["Host"])

    app = web.Application()
    app.router.add_get("/who", who)
    path = str(tmp_path / "s.sock")
    served = await serve_application(hops, HOP, app, path)

    async with HttpClient(hops, HOP, f"unix:{path}") as client:
        assert (await client.request("GET", "/who")).body == b"localhost"
    await served.wait_closed()


async def test_an_upgrade_through_a_real_server(hops, both_tls):
    async def echo(request):
        connection = await take_over(request)
        connection.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
        while data := await connection.read():
            connection.write(data)
        return connection.response

    app = web.Application()
    app.router.add_post("/", echo)
    served = await serve_application(hops, HOP, app, LOOPBACK, tls=both_tls[0])
    scheme = "http" if both_tls[1] is None else "https"
    url = f"{scheme}://127.0.0.1:{served.port}"

    async with HttpClient(hops, HOP, url, tls=both_tls[1]) as client:
        wanted = [("Upgrade", "x"), ("Connection", "Upgrade")]
        upgraded = await client.upgrade("POST", "/", wanted)
        upgraded.connection.write(b"hello")
        assert await upgraded.connection.read() == b"hello"
        upgraded.connection.close()
    await served.wait_closed()
