"""toxiproxy's Python client drives our control API, unchanged."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
import requests
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from faults.control.api import VERSION, ControlApi
from hops.hop import Hop
from hops.hops import Hops
from hops.serve import serve_application

LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture
async def api():
    """The API's port."""
    control = ControlApi()
    hops = Hops("control", armed=False)
    listener = await serve_application(hops, Hop.PROXY, control.application(), LOOPBACK)
    yield listener.port
    listener.close()
    await listener.wait_closed()
    await control.close()


@pytest.fixture
async def upstream():
    """The address of a server that says back what it hears."""

    async def echo(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, *LOOPBACK)
    host, port = server.sockets[0].getsockname()
    yield f"{host}:{port}"
    server.close()


@pytest.fixture
async def toxiproxy(api):
    client = Toxiproxy()
    client.update_api_consumer("127.0.0.1", api)
    return client


async def run(call, *arguments, **options):
    """A blocking call of the client, beside our loop."""
    return await asyncio.to_thread(call, *arguments, **options)


async def connect(proxy):
    host, port = proxy.listen.rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


async def echo(proxy, data=b"hello"):
    reader, writer = await connect(proxy)
    try:
        writer.write(data)
        return await reader.readexactly(len(data))
    finally:
        writer.close()


async def test_the_server_is_there(toxiproxy):
    assert await run(toxiproxy.running)
    assert json.loads(await run(toxiproxy.version)) == {"version": VERSION}


async def test_a_proxy_passes_on_and_is_listed(toxiproxy, upstream):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)

    assert await echo(proxy) == b"hello"
    listed = await run(toxiproxy.proxies)
    assert {name: p.upstream for name, p in listed.items()} == {"echo": upstream}
    with pytest.raises(ProxyExists):
        await run(toxiproxy.create, name="echo", upstream=upstream)


async def test_a_proxy_is_removed(toxiproxy, upstream):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)

    assert await run(toxiproxy.destroy, proxy)

    assert await run(toxiproxy.get_proxy, "echo") is None
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    with pytest.raises(NotFound):
        await run(proxy.destroy)


async def test_a_proxy_is_down_for_a_time(toxiproxy, upstream):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)
    reader, writer = await connect(proxy)
    writer.write(b"x")
    assert await reader.read(1) == b"x"

    await run(proxy.disable)

    assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await connect(proxy)
    await run(proxy.enable)
    assert await echo(proxy) == b"hello"


async def test_toxics_come_and_go_and_reach_connections_that_are_open(
    toxiproxy, upstream
):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)
    reader, writer = await connect(proxy)
    writer.write(b"x")
    assert await reader.read(1) == b"x"

    await run(proxy.add_toxic, type="latency", attributes={"latency": 250})
    begun = time.monotonic()
    writer.write(b"y")
    assert await reader.read(1) == b"y"
    assert time.monotonic() - begun >= 0.25

    toxics = await run(proxy.toxics)
    assert toxics["latency_downstream"].attributes == {"latency": 250, "jitter": 0}
    await run(proxy.destroy_toxic, "latency_downstream")
    assert await run(proxy.toxics) == {}
    writer.write(b"z")
    assert await reader.read(1) == b"z"
    writer.close()


async def test_a_timeout_that_is_removed_closes_what_it_held(toxiproxy, upstream):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)
    await run(proxy.add_toxic, type="timeout", attributes={"timeout": 0})
    reader, writer = await connect(proxy)
    writer.write(b"x")
    await writer.drain()

    await run(toxiproxy.reset)

    assert await reader.read() == b""
    writer.close()
    assert await echo(proxy) == b"hello"


@pytest.mark.parametrize(
    ("toxic", "attributes", "received"),
    [
        ("limit_data", {"bytes": 3}, b"hel"),
        ("slicer", {"average_size": 2, "size_variation": 1, "delay": 10}, b"hello"),
        ("bandwidth", {"rate": 1000}, b"hello"),
        ("slow_close", {"delay": 10}, b"hello"),
        ("latency", {"latency": 5, "jitter": 5}, b"hello"),
        ("timeout", {"timeout": 50}, b""),
    ],
)
async def test_each_toxic_acts(toxiproxy, upstream, toxic, attributes, received):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)
    await run(proxy.add_toxic, type=toxic, attributes=attributes)

    reader, writer = await connect(proxy)
    writer.write(b"hello")

    # Until there is enough, or until the end where that comes before.
    got = b""
    while len(got) < 5 and (data := await reader.read(5)):
        got += data
    assert got == received
    writer.close()


async def test_the_connection_is_reset(toxiproxy, upstream):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)
    await run(proxy.add_toxic, type="reset_peer", attributes={"timeout": 10})

    reader, writer = await connect(proxy)
    writer.write(b"hello")

    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_what_is_wrong_is_answered_as_toxiproxy_does(toxiproxy, upstream, api):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)

    with pytest.raises(InvalidToxic, match="invalid toxic type"):
        await run(proxy.add_toxic, type="nope")
    with pytest.raises(InvalidToxic, match="stream was invalid"):
        await run(proxy.add_toxic, type="latency", stream="sideways")
    with pytest.raises(InvalidToxic, match="is not a whole number"):
        await run(proxy.add_toxic, type="latency", attributes={"latency": "much"})
    await run(proxy.add_toxic, type="latency", attributes={"unknown": 1})
    with pytest.raises(ProxyExists, match="toxic already exists"):
        await run(proxy.add_toxic, type="latency")
    with pytest.raises(NotFound, match="toxic not found"):
        await run(proxy.destroy_toxic, "other")
    url = f"http://127.0.0.1:{api}"
    browser = await run(
        requests.get, f"{url}/proxies", headers={"User-Agent": "Mozilla/5.0"}
    )
    assert browser.status_code == 403
    page = await run(
        requests.post, f"{url}/reset", headers={"Origin": "http://evil.example"}
    )
    assert page.status_code == 403
    missing = await run(requests.post, f"{url}/proxies", json={"name": "x"})
    assert missing.json() == {
        "error": "missing required field: upstream",
        "status": 400,
    }


async def test_toxics_are_changed_by_post_and_by_patch(toxiproxy, upstream, api):
    proxy = await run(toxiproxy.create, name="echo", upstream=upstream)
    await run(proxy.add_toxic, type="latency", attributes={"latency": 5})
    url = f"http://127.0.0.1:{api}/proxies/echo/toxics/latency_downstream"

    patched = await run(requests.patch, url, json={"attributes": {"jitter": 1}})
    posted = await run(requests.post, url, json={"toxicity": 0.5})

    assert patched.json()["attributes"] == {"latency": 5, "jitter": 1}
    assert posted.json()["toxicity"] == 0.5
    assert (await run(requests.get, url)).json() == posted.json()


async def test_proxies_are_made_from_a_list(toxiproxy, upstream):
    wanted = [{"name": n, "upstream": upstream, "listen": "127.0.0.1:0"} for n in "ab"]

    made = await run(toxiproxy.populate, wanted)

    assert [proxy.name for proxy in made] == ["a", "b"]
    assert [await echo(proxy) for proxy in made] == [b"hello", b"hello"]


async def test_what_was_made_before_populate_failed_is_told(api, upstream):
    url = f"http://127.0.0.1:{api}/populate"
    taken = {"name": "b", "upstream": upstream, "listen": f"127.0.0.1:{api}"}

    answer = await run(
        requests.post, url, json=[{**taken, "name": "a", "listen": ""}, taken]
    )

    assert answer.status_code == 500
    assert "address already in use" in answer.json()["error"]
    assert [proxy["name"] for proxy in answer.json()["proxies"]] == ["a"]


async def test_a_stream_may_be_written_in_capitals(toxiproxy, upstream, api):
    await run(toxiproxy.create, name="echo", upstream=upstream)
    url = f"http://127.0.0.1:{api}/proxies/echo/toxics"

    answer = await run(
        requests.post, url, json={"type": "latency", "stream": "UpStream"}
    )

    assert answer.json()["name"] == "latency_upstream"


async def test_the_servers_own_populate_replaces_what_is_other(api, upstream):
    url = f"http://127.0.0.1:{api}/populate"
    listed = [{"name": "a", "upstream": upstream}]

    first = await run(requests.post, url, json=listed)
    second = await run(requests.post, url, json=[*listed, {"name": "b"}])

    assert first.status_code == 201
    assert [proxy["name"] for proxy in first.json()["proxies"]] == ["a"]
    assert second.status_code == 400
    assert "upstream at proxy 2" in second.json()["error"]
