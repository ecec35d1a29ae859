"""What a translator does when something goes wrong on one of its two sides.

The kubelet is played by the test; the client speaks WebSocket v5.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from hops import translate
from hops.client import HttpClient, Upgraded, UpgradeRefused
from hops.connection import Connection
from hops.dial import dial_connection
from hops.hop import Hop
from hops.hops import Hops
from hops.listen import listen
from hops.tasks import spawn
from tests.integration.cri_runtime.conftest import KEY, closed, until
from wire.exit_status import ExitResult, exited
from wire.http1 import RequestHead, ResponseHead
from wire.remotecommand import (
    Closed,
    PingReceived,
    RemoteCommandClient,
    StatusReceived,
    StdinClosed,
    StdinReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.remotecommand_spdy import SpdyRemoteCommandServer
from wire.spdy_negotiation import negotiate_spdy
from wire.websocket_handshake import client_handshake

V4 = "v4.channel.k8s.io"
URL = "https://10.0.0.5:10250/exec/default/web/c"
STREAMS = StreamOptions(stdin=True, stdout=True)
TIMED = 0.05


class Kubelet:
    """The SPDY side: a core, and the bytes moved by the test."""

    def __init__(self, protocol=V4):
        self.core = SpdyRemoteCommandServer(protocol, STREAMS)
        self.protocol = protocol
        self.connection = None
        self.events = []
        self.arrived = asyncio.Event()

    async def serve(self, connection):
        self.connection = connection
        self.arrived.set()
        while data := await connection.read():
            self.events += self.core.receive_data(data)
            self.flush()

    def flush(self):
        self.connection.writelines(self.core.data_to_send())

    async def is_ready(self):
        await self.arrived.wait()
        await until(lambda: self.core.ready)

    def end(self, result):
        self.core.send_result(result)
        self.core.close()
        self.flush()
        self.connection.close()


class Client:
    """The WebSocket side."""

    def __init__(self, connection):
        self.connection = connection
        self.core = RemoteCommandClient("v5.channel.k8s.io", STREAMS)
        self.stdout = b""
        self.status = b""
        self.code = None
        self._skip_head = True

    def send(self):
        self.connection.writelines(self.core.data_to_send())

    async def receive(self):
        data = await self.connection.read()
        if self._skip_head and data:
            self._skip_head = False
            data = data.partition(b"\r\n\r\n")[2]
        elif not data:
            self._handle(self.core.receive_eof())
            return False
        self._handle(self.core.receive_data(data))
        return self.code is None

    async def finish(self):
        while await self.receive():
            pass
        self.connection.close()
        return json.loads(self.status) if self.status else None

    def _handle(self, events):
        for event in events:
            match event:
                case StdoutReceived(data):
                    self.stdout += data
                case StatusReceived(payload):
                    self.status += payload
                case Closed(code):
                    self.code = code


class Bench:
    """A translated session between the two."""

    def __init__(self):
        self.hops = Hops("test")
        self.listeners = []
        self.tasks = []

    async def pair(self):
        """Two ends of one connection."""
        accepted = asyncio.get_running_loop().create_future()

        class Accepting(Connection):
            def connection_made(self, transport):
                super().connection_made(transport)
                accepted.set_result(self)

        listener = await listen(
            self.hops, Hop.APISERVER_KUBELET, ("127.0.0.1", 0), Accepting
        )
        near = await dial_connection(
            self.hops, Hop.APISERVER_KUBELET, ("127.0.0.1", listener.port)
        )
        listener.close()
        return near, await accepted

    async def start(self, dial, **settings):
        near, far = await self.pair()
        head = RequestHead("GET", "/", client_handshake(KEY, ["v5.channel.k8s.io"]))
        session = translate.translate_session(
            far, translate.negotiate_v5(head), STREAMS, dial, URL, **settings
        )
        self.tasks.append(spawn("session", session))
        return Client(near)

    def dial_to(self, kubelet):
        async def dial(headers):
            near, far = await self.pair()
            request = RequestHead("POST", "/", [("Host", "x"), *headers])
            negotiate_spdy(request, [kubelet.protocol])
            answer = [
                ("Connection", "Upgrade"),
                ("Upgrade", "SPDY/3.1"),
                ("X-Stream-Protocol-Version", kubelet.protocol),
            ]
            self.tasks.append(spawn("kubelet", kubelet.serve(far)))
            head = ResponseHead(101, "Switching Protocols", answer)
            return Upgraded(head, near)

        return dial

    async def end(self):
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await closed(self.hops)


@pytest.fixture
async def bench():
    bench = Bench()
    async with asyncio.timeout(30):
        yield bench
        await bench.end()


async def test_output_input_and_the_end_are_translated(bench):
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    client.core.send_stdin(b"typed")
    client.core.close_stdin()
    client.send()
    await kubelet.is_ready()

    await until(lambda: StdinClosed() in kubelet.events)
    kubelet.core.send_stdout(b"shown")
    kubelet.end(exited(7, ["sh"]))
    status = await client.finish()

    assert StdinReceived(b"typed") in kubelet.events
    assert (client.stdout, client.code) == (b"shown", 1000)
    assert status["message"] == (
        "command terminated with non-zero exit code: command terminated with exit code 7"
    )


@pytest.mark.parametrize(
    ("protocol", "result", "message"),
    [
        (V4, ExitResult(), None),
        ("v3.channel.k8s.io", ExitResult(), None),
        (
            "v3.channel.k8s.io",
            exited(7, ["sh"]),
            "Internal error occurred: error executing remote command: command terminated "
            "with non-zero exit code: error executing command [sh], exit code 7",
        ),
    ],
)
async def test_older_servers_have_text_for_a_status(bench, protocol, result, message):
    kubelet = Kubelet(protocol)
    client = await bench.start(bench.dial_to(kubelet))
    await kubelet.is_ready()

    kubelet.end(result)
    status = await client.finish()

    assert status.get("message") == message
    assert (status["status"] == "Success") is result.success


async def test_an_answer_that_dies_after_the_upgrade_is_a_failure(bench):
    """kubernetes/kubernetes issue 133448."""
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    await kubelet.arrived.wait()

    kubelet.connection.abort()
    status = await client.finish()

    assert (status["status"], status["reason"]) == ("Failure", "InternalError")
    assert client.code == 1000


@pytest.mark.parametrize("goes_away", [True, False], ids=["GOAWAY", "cut"])
async def test_an_end_without_a_status_is_no_success(bench, goes_away):
    """kubernetes/kubernetes issue 73056."""
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    await kubelet.is_ready()

    kubelet.core.send_stdout(b"half of")
    kubelet.flush()
    if goes_away:
        kubelet.core.close()
        kubelet.flush()
        kubelet.connection.close()
    else:
        kubelet.connection.close()
    status = await client.finish()

    assert client.stdout == b"half of"
    assert status["message"].startswith(
        "Internal error occurred: error reading from error stream: "
    )


async def test_pings_reach_the_hop_to_the_kubelet(bench, monkeypatch):
    """kubernetes/kubernetes issue 128314."""
    monkeypatch.setattr(translate, "_PING_PERIOD", TIMED)
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    await kubelet.is_ready()

    def pings():
        return sum(isinstance(event, PingReceived) for event in kubelet.events)

    await until(lambda: pings() >= 2)

    kubelet.end(ExitResult())
    assert await client.finish() == {"metadata": {}, "status": "Success"}


async def test_a_kubelet_that_cannot_be_reached_is_told_in_the_status(bench):
    client_of_nobody = HttpClient(
        bench.hops, Hop.APISERVER_KUBELET, "http://127.0.0.1:1"
    )

    async def dial(headers):
        return await client_of_nobody.upgrade("POST", "/exec", headers)

    client = await bench.start(dial)
    status = await client.finish()

    assert status == {
        "metadata": {},
        "status": "Failure",
        "message": f'Internal error occurred: error sending request: Post "{URL}": '
        "dial tcp 127.0.0.1:1: connect: connection refused",
        "reason": "InternalError",
        "details": {
            "causes": [
                {
                    "message": f'error sending request: Post "{URL}": dial tcp '
                    "127.0.0.1:1: connect: connection refused"
                }
            ]
        },
        "code": 500,
    }


@pytest.mark.parametrize(
    ("passes_status_on", "message"),
    [
        (True, "pods is forbidden"),
        (
            False,
            "Internal error occurred: unable to upgrade connection: pods is forbidden",
        ),
    ],
)
async def test_a_status_of_the_other_side(bench, passes_status_on, message):
    body = (
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",'
        b'"message":"pods is forbidden","reason":"Forbidden","code":403}\n'
    )

    async def refuse(_headers):
        raise UpgradeRefused(ResponseHead(403, "Forbidden", []), body)

    client = await bench.start(refuse, passes_status_on=passes_status_on)
    status = await client.finish()

    assert status["message"] == message


async def test_a_client_that_leaves_takes_the_session_along(bench):
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    await kubelet.is_ready()

    client.connection.abort()
    await until(lambda: kubelet.core.closed)

    assert StdinClosed() in kubelet.events
    kubelet.connection.close()


async def test_a_client_that_leaves_while_the_kubelet_is_dialled(bench):
    dialled = asyncio.Event()
    cancelled = asyncio.Event()

    async def dial(_headers):
        dialled.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    client = await bench.start(dial)
    await dialled.wait()
    client.connection.abort()

    await cancelled.wait()


@pytest.mark.parametrize("bad", [b"\xff\x00\x01", b"\xff\x63"])
async def test_a_bad_close_message_ends_the_session_without_a_status(bench, bad):
    from wire.websocket import Opcode, encode_frame

    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    await kubelet.is_ready()

    client.connection.write(encode_frame(Opcode.BINARY, bad, mask=b"abcd"))

    assert await client.finish() is None
    assert client.code == 1000
    kubelet.connection.close()


async def test_a_client_that_does_not_read_its_status_is_cut(bench, monkeypatch):
    monkeypatch.setattr(translate, "_STATUS_PATIENCE", TIMED)
    monkeypatch.setattr("hops.session_end._HIGH_WATER", 64 * 1024 * 1024)
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    client.connection.transport.pause_reading()
    await kubelet.is_ready()

    kubelet.core.send_stdout(bytes(16 * 1024 * 1024))
    kubelet.end(ExitResult())
    await asyncio.gather(*bench.tasks)

    client.connection.abort()


async def test_a_slow_client_gets_all_of_the_output_and_then_the_status(bench):
    """kubernetes/kubernetes issue 124571."""
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet))
    client.connection.transport.pause_reading()
    await kubelet.is_ready()

    kubelet.core.send_stdout(bytes(8 * 1024 * 1024))
    kubelet.end(ExitResult())
    client.connection.transport.resume_reading()
    status = await client.finish()

    assert len(client.stdout) == 8 * 1024 * 1024
    assert status["status"] == "Success"


async def test_a_session_without_messages_is_cut(bench):
    kubelet = Kubelet()
    client = await bench.start(bench.dial_to(kubelet), idle_timeout=TIMED)
    await kubelet.is_ready()

    await client.finish()

    assert client.code == 1006
    kubelet.connection.close()
