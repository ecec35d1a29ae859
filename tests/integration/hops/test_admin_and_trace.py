import asyncio
import json
import stat

import pytest
from aiohttp import web

from hops.admin import AdminServer
from hops.blocking.admin import AdminError, call_admin
from hops.client import HttpClient
from hops.dial import dial_connection
from hops.hop import Hop
from hops.serve import serve_application, take_over
from hops.session import HEADER, bind, new_traceparent
from hops.splice import splice
from hops.tasks import spawn
from tests.integration.hops.conftest import HOP, LOOPBACK, read_all, until
from tests.support.fault_rules import rule, set_rules

WANTED = [("Upgrade", "SPDY/3.1"), ("Connection", "Upgrade")]
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\nConnection: Upgrade\r\n\r\n"
)


async def ask(server, **request):
    return await asyncio.to_thread(call_admin, server.path, request)


@pytest.fixture
async def control(hops, tmp_path):
    server = await AdminServer(hops, str(tmp_path / "admin.sock")).start()
    yield server
    await server.close()


def events(folder):
    """(header, events) of all files of a folder, in the order of time."""
    lines = [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    told = [line for line in lines if "header" not in line]
    return sorted(told, key=lambda event: event["ts"])


async def test_a_service_answers_who_it_is_and_how_it_is(control, hops, connect):
    client, _ = await connect()

    assert (await ask(control, cmd="ping"))["process"] == "test"
    stats = await ask(control, cmd="stats")

    assert stats["connections"] == {"kubectl-apiserver": 2}
    assert stats["descriptors"] > 3
    assert stats["rss_bytes"] > 1 << 20
    assert stats["spawned"] == {"admin": 1}
    client.close()


async def test_the_control_socket_is_for_its_owner_only(control, tmp_path):
    assert stat.S_IMODE((tmp_path / "admin.sock").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "request_",
    [{"cmd": "nope"}, {}, {"cmd": "trace"}, {"cmd": "trace", "dir": 7}, [1]],
)
async def test_a_bad_command_is_answered(control, request_):
    with pytest.raises(AdminError) as refused:
        await asyncio.to_thread(call_admin, control.path, request_)

    assert str(refused.value)
    assert not refused.value.is_gone


async def test_what_is_no_json_is_answered(control, hops):
    connection = await dial_connection(hops, HOP, control.path)

    connection.write(b"nonsense\n\n{}\n")
    connection.write_eof()

    answers = (await read_all(connection)).splitlines()
    assert [json.loads(answer)["ok"] for answer in answers] == [False, False]
    connection.close()


async def test_a_service_can_add_commands(control):
    async def double(request):
        return {"result": 2 * request["x"]}

    control.add_command("double", double)

    assert await ask(control, cmd="double", x=21) == {"ok": True, "result": 42}


@pytest.fixture
async def chain(hops, both_tls):
    """client -> front (splices) -> back (echoes): the URL of the front."""

    async def back(request):
        connection = await take_over(request)
        connection.write(SWITCH)
        while data := await connection.read():
            connection.write(data)
            await connection.drain()
        return connection.response

    async def front(request):
        session = new_traceparent()
        bind(request.transport, session)
        headers = [*WANTED, (HEADER, str(session.child()))]
        upgraded = await behind.upgrade("POST", "/", headers)
        connection = await take_over(request)
        connection.write(upgraded.head.raw)
        await splice(connection, upgraded.connection)
        return connection.response

    served = []
    for handler, hop in ((back, Hop.APISERVER_KUBELET), (front, HOP)):
        app = web.Application()
        app.router.add_post("/", handler)
        served.append(
            await serve_application(hops, hop, app, LOOPBACK, tls=both_tls[0])
        )
    scheme = "http" if both_tls[1] is None else "https"
    urls = [f"{scheme}://127.0.0.1:{one.port}" for one in served]
    behind = HttpClient(hops, Hop.APISERVER_KUBELET, urls[0], tls=both_tls[1])
    client = HttpClient(hops, HOP, urls[1], tls=both_tls[1])
    yield client
    for one in served:
        one.close()
        await one.wait_closed()


async def talk(client, size=100_000):
    upgraded = await client.upgrade("POST", "/", WANTED)
    blob = bytes(range(250)) * (size // 250)
    upgraded.connection.write(blob)
    received = b""
    while len(received) < len(blob):
        received += await upgraded.connection.read()
    upgraded.connection.close()
    await upgraded.connection.wait_closed()
    assert received == blob


async def test_tracing_is_switched_on_and_off_on_a_running_process(
    control, chain, hops, tmp_path
):
    folder = tmp_path / "trace"
    await talk(chain)

    await ask(control, cmd="trace", dir=str(folder))
    await talk(chain)
    await until(lambda: not hops.open_connections())
    await ask(control, cmd="trace", dir=None)
    before = len(events(folder))
    await talk(chain)

    assert len(events(folder)) == before > 10


async def test_a_session_has_one_id_on_all_hops(control, chain, hops, tmp_path):
    hops.trace_to(tmp_path / "trace")

    await talk(chain)
    await until(lambda: not hops.open_connections())
    hops.trace_to(None)

    told = events(tmp_path / "trace")
    # Of four ends only the client's own does not know the session.
    ids = {event["conn"]: event["trace"] for event in told}
    assert len(ids) == 4
    assert len({trace for trace in ids.values() if trace}) == 1
    assert sum(trace is None for trace in ids.values()) == 1
    assert {event["hop"] for event in told} == {HOP, Hop.APISERVER_KUBELET}
    closed = [event for event in told if event["type"] == "close"]
    assert all(event["info"]["up"] > 100_000 for event in closed)
    opened = [event for event in told if event["type"] == "open"]
    assert all("peername" in event["info"] for event in opened)


async def test_a_fault_on_a_hop_acts_and_is_told(chain, hops, tmp_path):
    hops.trace_to(tmp_path / "trace")
    set_rules(hops, rule("limit_data", HOP, bytes=500))

    upgraded = await chain.upgrade("POST", "/", WANTED)
    upgraded.connection.write(bytes(10_000))
    received = await read_all(upgraded.connection)

    assert len(received) == 500 - len(SWITCH)
    upgraded.connection.close()
    hops.set_faults(None)
    await until(lambda: not hops.open_connections())
    hops.trace_to(None)
    acted = [event for event in events(tmp_path / "trace") if event["fault"]]
    assert {event["fault"] for event in acted} == {"limit_data_downstream"}
    assert {event["type"] for event in acted} == {"limit_data"}


async def test_latency_keeps_order_and_loses_nothing(chain, hops):
    late = rule("latency", HOP, latency=2, jitter=2, seed=3, stream="both")
    set_rules(hops, late)

    await talk(chain, 300_000)

    hops.set_faults(None)


async def test_a_reset_reaches_both_ends(chain, hops):
    set_rules(hops, rule("reset_peer", HOP))

    with pytest.raises(Exception, match=r"EOF|reset|lost"):
        await chain.upgrade("POST", "/", WANTED)

    hops.set_faults(None)


async def test_a_traced_splice_is_cut_cleanly(connect, hops, tmp_path):
    hops.trace_to(tmp_path / "trace")
    client, a = await connect()
    b, server = await connect()
    task = spawn("splice", splice(a, b))
    client.write(b"\x00no http at all")
    assert await server.read() == b"\x00no http at all"

    client.abort()

    assert await read_all(server) == b""
    server.close()
    await task
    hops.trace_to(None)
    kinds = {event["type"] for event in events(tmp_path / "trace")}
    assert {"open", "undecodable", "close"} <= kinds
