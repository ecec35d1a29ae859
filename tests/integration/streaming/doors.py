"""The three places at which a session can be opened, and clients of all protocols.

A runtime, a kubelet's server and an API server run in this process, joined by real
sockets and TLS. A door is one of them; behind each lies the same container.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from hops.client import HttpClient, UpgradeRefused
from hops.hop import Hop
from rpc import cri_v1_pb2 as cri
from tests.integration.cri_runtime.conftest import KEY, Stream
from wire.portforward import (
    TUNNEL_SUBPROTOCOL,
    Closed,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardFailed,
    ForwardOpened,
    HalfClosed,
    PortForwardChannelClient,
    PortForwardClient,
    Role,
    Tunnel,
    Tunnelled,
)
from wire.remotecommand import RemoteCommandClient
from wire.remotecommand_spdy import SpdyRemoteCommandClient
from wire.spdy_negotiation import check_spdy_answer, spdy_handshake
from wire.websocket_handshake import check_client_handshake, client_handshake

DOORS = ("runtime", "kubelet", "apiserver")
POD, CONTAINER, NAMESPACE, UID = "web", "c", "default", "uid-web"


class RuntimeDoor:
    """The streaming server, by a URL that CRI gives."""

    def __init__(self, node, sandbox, container):
        self._node = node
        self._sandbox = sandbox
        self._container = container

    async def request(self, kind, options, command=(), ports=()):
        streams = (
            {
                name: getattr(options, name)
                for name in ("stdin", "stdout", "stderr", "tty")
            }
            if options
            else {}
        )
        match kind:
            case "exec":
                url = await self._node.exec_url(self._container, *command, **streams)
            case "attach":
                url = await self._node.attach_url(self._container, **streams)
            case _:
                asked = cri.PortForwardRequest(pod_sandbox_id=self._sandbox, port=ports)
                url = (await self._node.runtime.PortForward(asked)).url
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        client = HttpClient(self._node.hops, Hop.KUBELET_CRI_STREAMING, base)
        return client, parts.path


class KubeletDoor:
    """The kubelet's HTTPS server with its own names for everything."""

    def __init__(self, client):
        self.client = client

    async def request(self, kind, options, command=(), ports=()):
        path = f"/{NAMESPACE}/{POD}"
        if kind == "portforward":
            query = {"port": ",".join(map(str, ports))} if ports else {}
            return self.client, _target(f"/portForward{path}", query)
        names = {"input": "stdin", "output": "stdout", "error": "stderr", "tty": "tty"}
        query = {ours: 1 for ours, name in names.items() if getattr(options, name)}
        if command:
            query["command"] = list(command)
        return self.client, _target(f"/{kind}{path}/{CONTAINER}", query)


class ApiServerDoor:
    """The pod's subresources."""

    def __init__(self, client):
        self.client = client

    async def request(self, kind, options, command=(), ports=()):
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{POD}/{kind}"
        if kind == "portforward":
            return self.client, _target(path, {"ports": list(ports)} if ports else {})
        names = ("stdin", "stdout", "stderr", "tty")
        query = {name: "true" for name in names if getattr(options, name)}
        if command:
            query["command"] = list(command)
        return self.client, _target(path, query)


def _target(path, query):
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


async def upgrade(client, method, target, headers):
    """As the client does; a refusal shows its body in the test's report."""
    try:
        return await client.upgrade(method, target, headers)
    except UpgradeRefused as refusal:
        refusal.add_note(refusal.body.decode(errors="replace"))
        raise


async def open_session(door, kind, protocol, options, *command):
    """A session of exec or attach: `websocket v5.channel.k8s.io`, `spdy v4...`, ..."""
    carrier, _, version = protocol.partition(" ")
    client, target = await door.request(kind, options, command)
    if carrier == "spdy":
        upgraded = await upgrade(client, "POST", target, spdy_handshake([version]))
        assert check_spdy_answer(upgraded.head) == version
        core = SpdyRemoteCommandClient(version, options, now=_now())
        stream = Stream(upgraded.connection, core)
        await stream.send()
        return stream
    offered = [version] if version else []
    upgraded = await upgrade(client, "GET", target, client_handshake(KEY, offered))
    assert check_client_handshake(upgraded.head, KEY, offered) == version
    return Stream(upgraded.connection, RemoteCommandClient(version, options))


def _now():
    return asyncio.get_running_loop().time()


@dataclass
class Seen:
    """What one forward has brought."""

    data: bytearray = field(default_factory=bytearray)
    opened: bool = False
    half_closed: bool = False
    closed: bool = False
    error: str = ""


class Forwarder:
    """A port-forward client of any wire form."""

    def __init__(self, connection, core, wire):
        self._connection = connection
        self.core = core
        self._wire = wire
        self.forwards: dict[int, Seen] = {}
        self.closed = False

    async def open(self, port):
        """A new forward; the number by which it is named."""
        number = self.core.open(port, _now())
        self.forwards[number] = Seen()
        await self.send()
        return number

    async def write(self, number, data):
        view = memoryview(data)
        for start in range(0, len(view), 32768):
            self.core.send_data(number, bytes(view[start : start + 32768]))
            await self.send()

    async def finish(self, number):
        self.core.finish(number)
        await self.send()

    async def reset(self, number):
        self.core.reset(number)
        await self.send()

    async def send(self):
        self._connection.writelines(self._wire.data_to_send(_now()))
        await self._connection.drain()

    async def receive(self):
        """One read; False at the end."""
        data = await self._connection.read()
        events = self._wire.receive_data(data) if data else self._wire.receive_eof()
        for event in events:
            self._handle(event)
        return not self.closed

    async def until(self, holds):
        """Read until something is true."""
        while not holds():
            goes_on = await self.receive()
            assert goes_on or holds(), self.forwards

    async def finished(self):
        """Read to the end of the session."""
        while await self.receive():
            pass

    def close(self):
        self._connection.close()

    def abort(self):
        self._connection.abort()

    def __getitem__(self, number):
        return self.forwards.setdefault(number, Seen())

    def _handle(self, event: Any):
        match event:
            case ForwardOpened(number):
                self[number].opened = True
            case DataReceived(number, data):
                self[number].data += data
            case HalfClosed(number):
                self[number].half_closed = True
            case ErrorText(number, text):
                self[number].error = text
            case ForwardClosed(number) | ForwardFailed(number):
                self[number].closed = True
            case Closed():
                self.closed = True


FORMS = ("spdy", "tunnel", "channels", "v4 channels", "v4 base64 channels")
SHARED_FORMS = FORMS[:2]
_SUBPROTOCOLS = {
    "channels": "",
    "v4 channels": "v4.channel.k8s.io",
    "v4 base64 channels": "v4.base64.channel.k8s.io",
}


async def open_forwarder(door, form, *ports):
    """A port-forward session in one of the forms; the ports are for channels."""
    client, target = await door.request("portforward", None, ports=ports)
    if form == "spdy":
        upgraded = await upgrade(
            client, "POST", target, spdy_handshake(["portforward.k8s.io"])
        )
        assert check_spdy_answer(upgraded.head) == "portforward.k8s.io"
        core = PortForwardClient(now=_now())
        return Forwarder(upgraded.connection, core, core)
    tunnelled = form == "tunnel"
    name = TUNNEL_SUBPROTOCOL if tunnelled else _SUBPROTOCOLS[form]
    offered = [name] if name else []
    upgraded = await upgrade(client, "GET", target, client_handshake(KEY, offered))
    assert check_client_handshake(upgraded.head, KEY, offered) == name
    if tunnelled:
        core = PortForwardClient(now=_now(), ping_period=10)
        wire = Tunnelled(core, Tunnel(Role.CLIENT))
        return Forwarder(upgraded.connection, core, wire)
    core = PortForwardChannelClient(name, ports)
    return Forwarder(upgraded.connection, core, core)
