import asyncio
import json
import os
import stat

import pytest

from hops.errors import ConnectError
from tap.errors import TapError
from tests.integration.tap.conftest import Pki, read_all, read_until
from tests.support.settling import settled
from traces.explain.engine import explain
from traces.reader import read_folder

END = b"\r\n\r\n"
GET = b"GET /api HTTP/1.1\r\nHost: tap\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
UPGRADE = b"GET /exec HTTP/1.1\r\nHost: tap\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


async def upgraded(tapped, server):
    """(client, server) of a session."""
    client = await tapped.connect()
    client.write(UPGRADE)
    real = await server.accepted.get()
    await read_until(real, END)
    real.write(SWITCHED)
    await read_until(client, SWITCHED)
    return client, real


async def ended_properly(connection):
    """Whether a close_notify came, and no break."""
    try:
        await read_all(connection)
    except OSError:
        return False
    return not (connection.is_closing or connection.get_extra_info("truncated"))


async def test_the_server_gets_the_users_credentials_and_its_own_name(tapped, server):
    client = await tapped.connect()
    client.write(GET)

    request = await read_until(await server.accepted.get(), END)

    assert f"Host: 127.0.0.1:{server.port}".encode() in request
    assert b"Authorization: Bearer real-token" in request
    assert b"traceparent: 00-" in request


async def test_what_a_request_says_of_itself_stays(tapped, server):
    own = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    client = await tapped.connect()
    client.write(
        GET[:-2] + b"Authorization: Bearer mine\r\ntraceparent: " + own + b"\r\n\r\n"
    )

    request = await read_until(await server.accepted.get(), END)

    assert request.count(b"Authorization:") == 1
    assert b"Bearer mine" in request
    assert own in request


async def test_a_client_without_the_taps_certificate_is_not_let_in(tapped, server):
    client = await tapped.connect(with_certificate=False)
    client.write(GET)

    # TLS 1.3: the refusal comes behind the client's handshake
    with pytest.raises(
        (ConnectError, ConnectionError), match=r"certificate required|reset"
    ):
        await read_all(client)
    assert server.accepted.empty()


async def test_answers_and_keep_alive_are_as_without_it(tapped, server):
    client = await tapped.connect()
    client.write(GET)
    real = await server.accepted.get()
    for _ in range(3):
        await read_until(real, END)
        real.write(OK)
        assert await read_until(client, OK) == OK
        client.write(GET)

    assert server.accepted.empty()


async def test_pipelined_requests_are_answered_in_order(tapped, server):
    client = await tapped.connect()
    client.write(GET + GET.replace(b"/api", b"/two"))
    real = await server.accepted.get()
    requests = await read_until(real, END)
    while requests.count(END) < 2:
        requests += await read_until(real, END)
    real.write(OK + OK.replace(b"hi", b"ho"))

    assert requests.index(b"/api") < requests.index(b"/two")
    assert await read_until(client, b"ho") == OK + OK.replace(b"hi", b"ho")


async def test_a_server_that_closes_behind_its_answer_ends_the_client(tapped, server):
    client = await tapped.connect()
    client.write(GET)
    real = await server.accepted.get()
    await read_until(real, END)
    real.write(b"HTTP/1.0 200 OK\r\n\r\nto the end")
    real.close()

    assert (await read_all(client)).endswith(b"to the end")


async def test_100_continue_comes_before_the_body(tapped, server):
    client = await tapped.connect()
    client.write(
        b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    )
    real = await server.accepted.get()
    await read_until(real, END)
    real.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    await read_until(client, END)
    client.write(b"body")

    assert await read_until(real, b"body") == b"body"
    real.write(OK)
    assert await read_until(client, OK) == OK


async def test_a_refused_upgrade_leaves_the_connection_to_the_next_request(
    tapped, server
):
    client = await tapped.connect()
    client.write(UPGRADE)
    real = await server.accepted.get()
    await read_until(real, END)
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
    real.write(refusal)
    assert await read_until(client, b"no") == refusal

    client.write(GET)
    await read_until(real, END)
    real.write(OK)
    assert await read_until(client, OK) == OK


async def test_much_passes_both_ways_after_an_upgrade(tapped, server):
    client, real = await upgraded(tapped, server)
    data = os.urandom(10 << 20)

    async def send(sender):
        for start in range(0, len(data), 1 << 16):
            sender.write(data[start : start + (1 << 16)])
            await sender.drain()

    async def receive(receiver):
        got = bytearray()
        while len(got) < len(data):
            got += await receiver.read()
        return bytes(got)

    async with asyncio.timeout(30):
        results = await asyncio.gather(
            send(client), send(real), receive(client), receive(real)
        )
    assert results[2] == results[3] == data


async def test_a_reader_that_is_slow_slows_the_writer_and_loses_nothing(tapped, server):
    client, real = await upgraded(tapped, server)
    client.transport.pause_reading()
    pieces = 64

    async def write():
        for n in range(pieces):
            real.write(bytes([n]) * (1 << 20))
            await real.drain()

    writing = asyncio.ensure_future(write())
    await settled(timers=0.2)
    assert not writing.done()

    client.transport.resume_reading()
    got = bytearray()
    async with asyncio.timeout(20):
        while len(got) < pieces << 20:
            got += await client.read()
    await writing
    assert got[:: 1 << 20] == bytes(range(pieces))


@pytest.mark.parametrize("who", ["client", "server"])
async def test_the_end_of_one_direction_leaves_the_other(tapped, server, who):
    client, real = await upgraded(tapped, server)
    one, other = (client, real) if who == "client" else (real, client)

    one.write(b"last")
    one.write_eof()
    assert await read_all(other) == b"last"
    other.write(b"answer")
    other.write_eof()
    assert await read_all(one) == b"answer"


@pytest.mark.parametrize("who", ["client", "server"])
async def test_a_break_on_one_side_is_a_break_on_the_other(tapped, server, who):
    client, real = await upgraded(tapped, server)
    one, other = (client, real) if who == "client" else (real, client)

    one.abort()

    assert not await ended_properly(other)


async def test_a_break_in_an_answer_is_no_end_of_it(tapped, server):
    client = await tapped.connect()
    client.write(GET)
    real = await server.accepted.get()
    await read_until(real, END)
    real.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    await read_until(client, b"half")
    real.abort()

    assert not await ended_properly(client)


async def test_large_heads_pass(tapped, server):
    client = await tapped.connect()
    client.write(GET[:-2] + b"A: " + b"x" * 900_000 + END)

    request = await read_until(await server.accepted.get(), END)

    assert b"x" * 900_000 in request


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (GET[:-2] + b"A: " + b"x" * (1 << 20) + END, b"431"),
        (b"\x16\x03\x01 what", b"400"),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"400",
        ),
    ],
    ids=["too large", "no HTTP", "two lengths"],
)
async def test_what_is_no_request_is_refused(tapped, server, sent, status):
    client = await tapped.connect()
    client.write(sent)

    answer = await read_all(client)

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert server.accepted.empty()


async def test_a_client_that_asks_nothing_disturbs_nobody(tapped, server):
    client = await tapped.connect()
    client.write_eof()

    assert await read_all(client) == b""
    assert server.accepted.empty()


async def test_a_server_that_went_away_is_told_as_a_status_and_in_the_trace(
    tapped, server, hops, tmp_path
):
    hops.trace_to(tmp_path / "trace")
    await server.close()
    client = await tapped.connect()
    client.write(GET)

    head, _, body = (await read_all(client)).partition(END)

    assert head.startswith(b"HTTP/1.1 502 Bad Gateway")
    assert json.loads(body)["message"] == (
        f"mini-kube tap: dial tcp 127.0.0.1:{server.port}: connect: connection refused"
    )
    hops.trace_to(None)
    (session,) = read_folder(tmp_path / "trace").sessions
    assert session.status == "502 Bad Gateway"
    (found,) = explain(session.events)
    assert found.rule == "backend-unreachable"
    assert found.text.startswith("The tap cannot reach the apiserver at 127.0.0.1:")


async def test_it_does_not_start_before_a_server_of_another_authority(
    make_tap, real_kubeconfig, tmp_path
):
    folder = tmp_path / "other"
    folder.mkdir()
    kubeconfig = real_kubeconfig(**{"certificate-authority": str(Pki(folder).ca)})

    with pytest.raises(TapError, match="x509: certificate signed by unknown authority"):
        await make_tap(kubeconfig).tap.start()


async def test_it_does_not_start_before_a_server_of_another_name(
    make_tap, real_kubeconfig
):
    kubeconfig = real_kubeconfig(**{"tls-server-name": "elsewhere"})

    with pytest.raises(TapError, match="elsewhere"):
        await make_tap(kubeconfig).tap.start()


async def test_a_server_may_be_whoever_it_is_when_the_kubeconfig_says_so(
    make_tap, real_kubeconfig
):
    kubeconfig = real_kubeconfig(
        **{"certificate-authority": "", "insecure-skip-tls-verify": True}
    )

    await make_tap(kubeconfig).tap.start()


async def test_keys_and_kubeconfig_are_for_one_user_and_go_with_the_tap(tapped):
    files = list(tapped.folder.iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert "kubeconfig" in {file.name for file in files}

    await tapped.tap.close()

    assert list(tapped.folder.iterdir()) == []


async def test_a_kubeconfig_that_is_there_is_not_overwritten(
    make_tap, real_kubeconfig, tmp_path
):
    mine = tmp_path / "config"
    mine.write_text("mine")

    with pytest.raises(TapError, match="this file exists"):
        make_tap(real_kubeconfig(), write_kubeconfig=str(mine))

    assert mine.read_text() == "mine"


async def test_only_http_1_1_is_offered(tapped):
    context = tapped.client_tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    host, port = tapped.address

    def chosen():
        import socket

        with (
            socket.create_connection((host, port)) as sock,
            context.wrap_socket(sock, server_hostname=host) as secured,
        ):
            return secured.selected_alpn_protocol(), secured.version()

    assert await asyncio.to_thread(chosen) == ("http/1.1", "TLSv1.3")


async def test_everything_is_decoded_in_one_session(tapped, server, hops, tmp_path):
    hops.trace_to(tmp_path / "trace")
    client = await tapped.connect()
    client.write(GET)
    real = await server.accepted.get()
    await read_until(real, END)
    real.write(OK)
    await read_until(client, OK)
    hops.trace_to(None)

    (file,) = (tmp_path / "trace").glob("*.jsonl")
    events = [json.loads(line) for line in file.read_text().splitlines()[1:]]
    http = [event for event in events if event["layer"] == "http1"]
    assert [event["type"] for event in http][:2] == ["request", "response"]
    assert len({event["trace"] for event in http}) == 1
    assert "real-token" not in file.read_text()
