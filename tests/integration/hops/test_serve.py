import asyncio
import ssl

import pytest
from aiohttp import web

from hops.client import HttpClient, UpgradeRefused
from hops.connection import Connection
from hops.dial import dial_connection
from hops.serve import (
    on_disconnect,
    peer_certificate,
    serve_application,
    take_over,
)
from tests.integration.hops.conftest import HOP, LOOPBACK, raw_connection, read_all
from wire.http1 import HeadReader

pytestmark = pytest.mark.usefixtures("bare_or_traced")

SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
)


async def echo(request):
    connection = await take_over(request)
    connection.write(SWITCH)
    while data := await connection.read():
        connection.write(data)
        await connection.drain()
    return connection.response


async def fail_after_take_over(request):
    connection = await take_over(request)
    connection.write(SWITCH)
    raise ValueError("broken handler")


async def refuse(request):
    return web.json_response({"kind": "Status", "code": 403}, status=403)


async def hello(request):
    return web.Response(text=f"hello {await request.text()}")


async def break_off(request):
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b"begun")
    return web.Response(status=500, text="too late")


async def subject(request):
    certificate = peer_certificate(request)
    parts = [] if certificate is None else certificate["subject"]
    return web.json_response(dict(part[0] for part in parts))


@pytest.fixture
async def application(hops, both_tls):
    """(address, client context) of a served application."""
    app = web.Application()
    for path, handler in (
        ("/echo", echo),
        ("/fail", fail_after_take_over),
        ("/refuse", refuse),
        ("/hello", hello),
        ("/break-off", break_off),
        ("/subject", subject),
    ):
        app.router.add_route("*", path, handler)
    served = await serve_application(hops, HOP, app, LOOPBACK, tls=both_tls[0])
    yield served.address, both_tls[1]
    served.close()
    await served.wait_closed()


async def connect_to(hops, application) -> Connection:
    address, tls = application
    return await dial_connection(hops, HOP, address, tls=tls)


def request(method, path, *, upgrade=None, body=b"", extra=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: h\r\n"
    if upgrade:
        head += f"Connection: Upgrade\r\nUpgrade: {upgrade}\r\n"
    if body or method == "POST":
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode() + extra + b"\r\n" + body


async def read_head(connection):
    reader = HeadReader("response")
    head = None
    while head is None:
        head = reader.receive_data(await connection.read())
    connection.unread(reader.leftover)
    return head


async def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        data += await connection.read(size - len(data))
    return data


upgrades = pytest.mark.parametrize(
    ("method", "upgrade"),
    [
        ("GET", "websocket"),
        ("POST", "SPDY/3.1"),
        ("GET", "SPDY/3.1"),
        ("POST", "h2c"),
    ],
)


@upgrades
async def test_a_connection_is_taken_over(hops, application, method, upgrade):
    connection = await connect_to(hops, application)

    connection.write(request(method, "/echo", upgrade=upgrade))
    assert (await read_head(connection)).status == 101
    connection.write(b"ping")
    assert await read_exactly(connection, 4) == b"ping"
    connection.write_eof()

    assert await read_all(connection) == b""
    connection.close()


@upgrades
async def test_bytes_behind_the_request_are_not_lost(
    hops, application, method, upgrade
):
    connection = await connect_to(hops, application)

    connection.write(request(method, "/echo", upgrade=upgrade) + b"GET junk\r\n\r\n")
    assert (await read_head(connection)).status == 101
    connection.write(b"more")

    assert await read_exactly(connection, 16) == b"GET junk\r\n\r\nmore"
    connection.close()


async def test_a_head_that_comes_byte_by_byte_is_no_different(hops, application):
    connection = await connect_to(hops, application)

    for byte in request("GET", "/echo", upgrade="websocket") + b"early":
        connection.write(bytes((byte,)))
        await asyncio.sleep(0)

    assert (await read_head(connection)).status == 101
    assert await read_exactly(connection, 5) == b"early"
    connection.close()


async def test_a_kept_connection_can_be_upgraded_later(hops, application):
    connection = await connect_to(hops, application)

    connection.write(request("POST", "/hello", body=b"you"))
    assert (await read_head(connection)).status == 200
    assert await read_exactly(connection, 9) == b"hello you"
    connection.write(request("POST", "/echo", upgrade="SPDY/3.1") + b"abc")

    assert (await read_head(connection)).status == 101
    assert await read_exactly(connection, 3) == b"abc"
    connection.close()


async def test_a_refused_upgrade_leaves_the_connection_usable(hops, application):
    connection = await connect_to(hops, application)

    connection.write(
        request("GET", "/refuse", upgrade="h2c") + request("GET", "/hello")
    )
    head = await read_head(connection)
    assert head.status == 403
    assert b'"code": 403' in await read_exactly(connection, 31)

    assert (await read_head(connection)).status == 200
    connection.close()


@pytest.mark.parametrize("upgrade", ["websocket", "SPDY/3.1"])
async def test_an_upgrade_that_meets_nobody_is_answered(hops, application, upgrade):
    connection = await connect_to(hops, application)

    connection.write(request("GET", "/nowhere", upgrade=upgrade) + b"junk")

    assert (await read_head(connection)).status == 404
    connection.close()


async def test_a_handler_that_breaks_writes_nothing_into_the_session(
    hops, application, caplog
):
    connection = await connect_to(hops, application)

    connection.write(request("GET", "/fail", upgrade="websocket"))
    head = await read_head(connection)

    assert head.status == 101
    assert await read_all(connection) == b""
    assert "session failed" in caplog.text
    connection.close()


async def test_the_handler_learns_that_the_client_left(hops, application):
    connection = await connect_to(hops, application)
    connection.write(request("GET", "/echo", upgrade="websocket"))
    await read_head(connection)

    connection.abort()

    await connection.wait_closed()  # and the fixture sees that nothing is left


async def test_a_client_that_leaves_before_it_is_taken_over_is_no_error(hops, caplog):
    came, left = asyncio.Event(), asyncio.Event()

    async def slow(request):
        on_disconnect(request, left.set)
        came.set()
        await left.wait()
        return (await take_over(request)).response

    app = web.Application()
    app.router.add_get("/", slow)
    served = await serve_application(hops, HOP, app, LOOPBACK)
    connection = await dial_connection(hops, HOP, served.address)

    connection.write(request("GET", "/", upgrade="websocket"))
    await came.wait()
    connection.abort()
    await left.wait()
    served.close()
    await served.wait_closed()

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_nothing_is_written_behind_an_answer_that_broke_off(hops, application):
    connection = await connect_to(hops, application)

    connection.write(request("GET", "/break-off"))
    answer = await read_all(connection)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n5\r\nbegun\r\n")  # and no last chunk
    connection.close()


async def test_a_request_may_be_taken_over_once(hops):
    async def twice(request):
        connection = await take_over(request)
        with pytest.raises(TypeError):
            await take_over(request)
        connection.write(b"fine")
        return connection.response

    app = web.Application()
    app.router.add_get("/", twice)
    served = await serve_application(hops, HOP, app, LOOPBACK)
    connection = await dial_connection(hops, HOP, served.address)

    connection.write(request("GET", "/"))

    assert await read_all(connection) == b"fine"
    connection.close()
    await served.wait_closed()


async def test_stopping_ends_the_sessions(hops, both_tls):
    app = web.Application()
    app.router.add_get("/echo", echo)
    served = await serve_application(
        hops, HOP, app, LOOPBACK, tls=both_tls[0], shutdown_timeout=0.01
    )
    connection = await dial_connection(hops, HOP, served.address, tls=both_tls[1])
    connection.write(request("GET", "/echo", upgrade="websocket"))
    await read_head(connection)

    await served.wait_closed()

    assert await read_all(connection) == b""
    connection.close()


async def test_the_verified_certificate_of_a_client_is_known(
    hops, server_tls, client_tls
):
    app = web.Application()
    app.router.add_get("/subject", subject)
    served = await serve_application(hops, HOP, app, LOOPBACK, tls=server_tls)
    url = f"https://127.0.0.1:{served.port}"

    async with HttpClient(hops, HOP, url, tls=client_tls) as client:
        response = await client.request("GET", "/subject")

    assert b'"commonName": "admin"' in response.body
    await served.wait_closed()


async def test_a_long_url_is_no_problem(hops, application):
    address, tls = application
    scheme = "http" if tls is None else "https"
    url = f"{scheme}://{address[0]}:{address[1]}"

    async with HttpClient(hops, HOP, url, tls=tls) as client:
        response = await client.request("GET", f"/hello?command={'a' * 100_000}")

    assert response.status == 200


async def test_a_response_streams_to_a_slow_client_under_back_pressure(hops, both_tls):
    sent = 0
    finished = asyncio.Event()

    async def stream(request):
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(65536))
                sent += 65536
        finally:
            finished.set()

    app = web.Application()
    app.router.add_get("/", stream)
    served = await serve_application(
        hops, HOP, app, LOOPBACK, tls=both_tls[0], shutdown_timeout=0.01
    )
    connection = await dial_connection(hops, HOP, served.address, tls=both_tls[1])
    connection.write(request("GET", "/"))
    await read_head(connection)
    connection.transport.pause_reading()

    seen = -1
    while sent != seen:
        seen = sent
        for _ in range(300):
            await asyncio.sleep(0)

    connection.abort()
    await finished.wait()
    await served.wait_closed()


async def test_a_half_closed_plain_socket_is_not_left_open(hops):
    app = web.Application()
    app.router.add_get("/hello", hello)
    served = await serve_application(hops, HOP, app, LOOPBACK)

    def talk():
        with raw_connection(served.port) as sock:
            sock.sendall(request("GET", "/hello", extra=b"Connection: close\r\n"))
            answer = b""
            while data := sock.recv(1000):
                answer += data
            return answer

    assert b"hello " in await asyncio.to_thread(talk)
    await served.wait_closed()


async def test_an_upgrade_is_refused_with_its_body(hops, application):
    address, tls = application
    scheme = "http" if tls is None else "https"
    url = f"{scheme}://{address[0]}:{address[1]}"

    async with HttpClient(hops, HOP, url, tls=tls) as client:
        with pytest.raises(UpgradeRefused) as caught:
            await client.upgrade(
                "GET", "/refuse", [("Upgrade", "x"), ("Connection", "Upgrade")]
            )

    assert caught.value.head.status == 403
    assert b'"code": 403' in caught.value.body
    assert isinstance(tls, ssl.SSLContext | None)


BAD = "400 Bad Request"


@pytest.mark.parametrize(
    ("garbage", "text"),
    [
        ("garbage", BAD),
        ("GET / HTTP/1.1\r\nHost: h\r\nBad Header: 1", BAD),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1", BAD),
        ("GET / HTTP/1.1\r\nHost: h\r\nHost: h", BAD),
        ("GET http://[::1 HTTP/1.1\r\nHost: h", BAD),
        ("GET /hello%zz HTTP/1.1\r\nHost: h", BAD),
        ("GET /hello", BAD),
        ("GET /hello HTTP/1.1", f"{BAD}: missing required Host header"),
        ("GET /hello HTTP/1.1\r\nHost: a b", f"{BAD}: malformed Host header"),
        ("GET /hello HTTP/1.1\r\nHost: h\r\na: \1", f"{BAD}: invalid header value"),
        (
            "GET /hello HTTP/2.0\r\nHost: h",
            "505 HTTP Version Not Supported: unsupported protocol version",
        ),
        (
            "GET /hello HTTP/1.1\r\nHost: h\r\na: " + "b" * 1_100_000,
            "431 Request Header Fields Too Large",
        ),
    ],
)
async def test_what_is_no_http_is_answered_as_gos_server_does(
    hops, application, garbage, text, caplog
):
    async with await connect_to(hops, application) as connection:
        connection.write(f"{garbage}\r\n\r\n".encode())
        answer = await read_all(connection)

    assert answer == (
        f"HTTP/1.1 {text}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Connection: close\r\n\r\n{text}".encode()
    )
    assert not caplog.records


async def test_an_unknown_transfer_coding_is_not_implemented(hops, application):
    async with await connect_to(hops, application) as connection:
        connection.write(
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"
        )
        answer = await read_all(connection)

    assert answer.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert answer.endswith(b"\r\n\r\nUnsupported transfer encoding")


async def test_a_client_that_dawdles_over_its_head_is_cut(hops, both_tls):
    app = web.Application()
    app.router.add_route("*", "/hello", hello)
    served = await serve_application(
        hops, HOP, app, LOOPBACK, tls=both_tls[0], head_timeout=0.05
    )
    application = served.address, both_tls[1]
    try:
        async with (
            await connect_to(hops, application) as silent,
            await connect_to(hops, application) as slow,
        ):
            slow.write(request("GET", "/hello")[:-4])
            assert await read_all(silent) == b""
            assert await read_all(slow) == b""
    finally:
        served.close()
        await served.wait_closed()


async def test_a_handler_may_take_longer_than_a_head(hops, both_tls):
    asked, answer = asyncio.Event(), asyncio.Event()

    async def think(request):
        asked.set()
        await answer.wait()
        return web.Response(text="at last")

    app = web.Application()
    app.router.add_route("*", "/think", think)
    served = await serve_application(
        hops, HOP, app, LOOPBACK, tls=both_tls[0], head_timeout=0.05
    )
    try:
        async with await connect_to(hops, (served.address, both_tls[1])) as client:
            client.write(request("GET", "/think", extra=b"Connection: close\r\n"))
            await asked.wait()
            await asyncio.sleep(0.1)  # the time for heads passes
            answer.set()
            assert (await read_all(client)).endswith(b"at last")
    finally:
        served.close()
        await served.wait_closed()
