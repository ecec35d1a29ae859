"""Those who look: at a running process, at open connections, several at once."""

import asyncio
import base64
import contextlib
import json
from functools import partial

import pytest

from hops import admin
from hops.admin import AdminServer
from hops.dial import dial_connection
from hops.hops import Hops
from hops.session import bind, new_traceparent
from hops.trace_sinks import ViewerSink
from tests.integration.hops.conftest import HOP, until

REQUEST = b"GET /api/v1/namespaces/d/secrets/s HTTP/1.1\r\nCookie: a=cRuMb\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsEcReT"


@pytest.fixture
async def control(hops, tmp_path):
    server = await AdminServer(hops, str(tmp_path / "admin.sock")).start()
    yield server
    await server.close()


class Viewer:
    """One connection to the control socket that asked for events."""

    def __init__(self, connection):
        self._connection = connection
        self._buffer = b""
        self.answer = None

    @classmethod
    async def begin(cls, path, **settings):
        quiet = Hops("viewer", armed=False)
        viewer = cls(await dial_connection(quiet, HOP, path))
        request = {"cmd": "trace_stream", **settings}
        viewer._connection.write(json.dumps(request).encode() + b"\n")
        viewer.answer = await viewer.line()
        return viewer

    async def line(self):
        while b"\n" not in self._buffer:
            data = await self._connection.read()
            assert data, "the stream ended"
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    async def until(self, layer, kind):
        """The first new event of that kind, and those before it."""
        events = []
        async with asyncio.timeout(20):
            while True:
                event = await self.line()
                events.append(event)
                is_new = not event["info"].get("late")
                if is_new and (event["layer"], event["type"]) == (layer, kind):
                    return events

    def pause(self):
        """Read no more, as a stopped process does."""
        self._connection.transport.pause_reading()

    async def ended(self):
        """Read on, up to the end."""
        self._connection.transport.resume_reading()
        async with asyncio.timeout(20):
            with contextlib.suppress(OSError):
                while await self._connection.read():
                    pass
        self.close()
        await self._connection.wait_closed()

    def close(self):
        self._connection.close()


async def exchange(client, server):
    client.write(REQUEST)
    assert await server.read() == REQUEST
    server.write(ANSWER)
    assert await client.read() == ANSWER


async def test_a_viewer_sees_what_goes_by_until_it_leaves(control, connect, hops):
    viewer = await Viewer.begin(control.path)
    client, server = await connect()
    await exchange(client, server)
    events = await viewer.until("http1", "body")

    assert viewer.answer["ok"]
    assert viewer.answer["header"]["bytes"] == 256
    assert next(e["type"] for e in events if e["layer"] == "http1") == "request"
    viewer.close()
    await until(lambda: not hops._maker._fans)


async def test_a_viewer_that_reads_nothing_at_all_is_hung_up_on(
    control, connect, hops, monkeypatch
):
    monkeypatch.setattr(AdminServer, "patience", 0.05)
    viewer = await Viewer.begin(control.path, bytes="all")
    viewer.pause()
    client, server = await connect()
    await exchange(client, server)

    async with asyncio.timeout(20):
        while hops._maker._fans:
            server.write(bytes(1 << 16))
            await client.read()

    await viewer.ended()


async def test_a_connection_that_was_open_before_is_seen_too(control, connect):
    client, server = await connect()
    client.write(REQUEST)
    assert await server.read() == REQUEST
    session = new_traceparent()
    bind(server.transport, session)

    viewer = await Viewer.begin(control.path)
    opened = await viewer.until("conn", "session")
    server.write(ANSWER)
    assert await client.read() == ANSWER
    events = await viewer.until("http1", "body")

    assert {e["info"].get("late") for e in opened if e["type"] != "session"} == {True}
    assert opened[-1]["trace"] == session.trace_id
    new = [e["type"] for e in events if not e["info"].get("late")]
    assert new[0] == "response"
    viewer.close()


async def test_each_who_looks_sees_as_much_as_it_asked_for(control, connect, hops):
    few = await Viewer.begin(control.path, bytes=4)
    whole = await Viewer.begin(control.path, bytes="all", hash=True)
    naked = await Viewer.begin(control.path, bytes="all", secrets=True)
    client, server = await connect()
    client.write(b"PUT /a HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789")
    await server.read()
    await exchange(client, server)

    seen = {}
    for name, viewer in (("few", few), ("whole", whole), ("naked", naked)):
        events = await viewer.until("http1", "response")
        seen[name] = [e for e in events if e["conn"].endswith("-2")]
        viewer.close()

    def data(name, layer, kind):
        found = [e for e in seen[name] if (e["layer"], e["type"]) == (layer, kind)]
        return [base64.b64decode(e["data"] or "") for e in found]

    assert data("few", "http1", "body")[0] == b"0123"
    assert data("few", "bytes", "chunk") == []
    assert data("whole", "http1", "body")[0] == b"0123456789"
    assert b"cRuMb" not in b"".join(data("whole", "bytes", "chunk"))
    assert b"cRuMb" in b"".join(data("naked", "bytes", "chunk"))


async def test_a_slow_viewer_loses_events_and_is_told_how_many(
    control, connect, hops, monkeypatch
):
    monkeypatch.setattr(admin, "ViewerSink", partial(ViewerSink, room=5))
    viewer = await Viewer.begin(control.path)
    client, server = await connect()

    client.write(b"GET / HTTP/1.1\r\n\r\n" * 50)
    await server.read()
    hops.flush()

    lines = [await viewer.line()]
    async with asyncio.timeout(20):
        while "lost" not in lines[-1]:
            lines.append(await viewer.line())
    assert lines[-1]["lost"] + len(lines) - 1 >= 100
    viewer.close()


@pytest.mark.parametrize(
    "settings", [{"bytes": -1}, {"bytes": "some"}, {"bytes": True}, {"hash": 1}]
)
async def test_settings_that_are_none_are_refused(control, settings):
    viewer = await Viewer.begin(control.path, **settings)

    assert viewer.answer["ok"] is False
    viewer.close()
