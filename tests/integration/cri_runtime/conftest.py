"""A runtime in this process, real shims below it, and clients on its real sockets."""

import asyncio
import contextlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import grpc
import psutil
import pytest

from cri_runtime.app import Runtime
from cri_runtime.config import Config, build_parser
from cri_runtime.stop_all import stop_all
from hops.client import HttpClient
from hops.hop import Hop
from hops.hops import Hops
from rpc import cri_v1_pb2 as cri
from rpc import cri_v1_pb2_grpc as cri_grpc
from tests.support.settling import settled
from wire.remotecommand import (
    Closed,
    RemoteCommandClient,
    StatusReceived,
    StderrReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.websocket_handshake import check_client_handshake, client_handshake

V5 = "v5.channel.k8s.io"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@dataclass
class Outcome:
    """What a session brought."""

    stdout: bytes
    stderr: bytes
    status: bytes
    close_code: int


class Stream:
    """A remotecommand client on a streaming URL."""

    def __init__(self, connection, client):
        self._connection = connection
        self.client = client
        self.stdout = bytearray()
        self.stderr = bytearray()
        self.status = bytearray()
        self.close_code = None

    async def send(self):
        self._connection.writelines(self.client.data_to_send())
        await self._connection.drain()

    async def stdin(self, data, *, end=False):
        view = memoryview(data)
        for start in range(0, len(view), 32768):
            self.client.send_stdin(view[start : start + 32768])
            await self.send()
        if end:
            self.client.close_stdin()
            await self.send()

    async def resize(self, size):
        self.client.send_resize(size)
        await self.send()

    async def receive(self):
        """One read; False at the end."""
        data = await self._connection.read()
        events = self.client.receive_data(data) if data else self.client.receive_eof()
        for event in events:
            match event:
                case StdoutReceived(data):
                    self.stdout += data
                case StderrReceived(data):
                    self.stderr += data
                case StatusReceived(payload):
                    self.status += payload
                case Closed(code, _):
                    self.close_code = code
        return self.close_code is None

    async def until(self, text):
        """Read until stdout holds the text."""
        while text not in self.stdout:
            assert await self.receive(), bytes(self.stdout)

    async def finish(self):
        while await self.receive():
            pass
        self.close()
        return Outcome(
            bytes(self.stdout), bytes(self.stderr), bytes(self.status), self.close_code
        )

    def close(self):
        self._connection.close()


class Node:
    """A runtime and its clients."""

    def __init__(self, config):
        self.config = config
        self.hops = Hops("test")
        self.runtime_process = None
        self.channel = None
        self._count = 0

    async def start(self):
        self.runtime_hops = WatchedHops("cri")
        self.runtime_process = Runtime(self.config, self.runtime_hops)
        await self.runtime_process.start()
        address = f"unix:{self.runtime_process.address}"
        self.channel = grpc.aio.insecure_channel(address)
        self.runtime = cri_grpc.RuntimeServiceStub(self.channel)
        self.images = cri_grpc.ImageServiceStub(self.channel)
        return self

    async def stop(self):
        """Close the runtime; the containers stay."""
        await self.channel.close()
        await self.runtime_process.close()
        await closed(self.runtime_hops)
        await closed(self.hops)

    async def restart(self):
        await self.stop()
        await self.start()

    async def run_pod(self, name=None, **fields):
        """A sandbox; returns its id."""
        self._count += 1
        name = name or f"pod-{self._count}"
        config = cri.PodSandboxConfig(
            metadata=cri.PodSandboxMetadata(
                name=name, namespace="default", uid=f"uid-{name}"
            ),
            hostname=name,
            log_directory=str(self.config.root / "logs" / name),
            **fields,
        )
        request = cri.RunPodSandboxRequest(config=config)
        return (await self.runtime.RunPodSandbox(request)).pod_sandbox_id

    async def create(self, pod, *command, image="busybox", name="c", **fields):
        """A container; returns its id."""
        pull = cri.PullImageRequest(image=cri.ImageSpec(image=image))
        reference = (await self.images.PullImage(pull)).image_ref
        config = cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name=name),
            image=cri.ImageSpec(image=reference, user_specified_image=image),
            command=command,
            log_path=f"{name}/0.log",
            **fields,
        )
        request = cri.CreateContainerRequest(pod_sandbox_id=pod, config=config)
        return (await self.runtime.CreateContainer(request)).container_id

    async def run(self, *command, pod=None, **fields):
        """A running container in a pod of its own; returns its id."""
        identity = await self.create(pod or await self.run_pod(), *command, **fields)
        await self.runtime.StartContainer(
            cri.StartContainerRequest(container_id=identity)
        )
        return identity

    async def stop_container(self, identity, grace=0):
        request = cri.StopContainerRequest(container_id=identity, timeout=grace)
        await self.runtime.StopContainer(request)

    async def status(self, identity):
        request = cri.ContainerStatusRequest(container_id=identity)
        return (await self.runtime.ContainerStatus(request)).status

    async def pod_status(self, identity):
        request = cri.PodSandboxStatusRequest(pod_sandbox_id=identity, verbose=True)
        return (await self.runtime.PodSandboxStatus(request)).status

    async def exited(self, identity):
        """Wait for the container's end; returns its status."""
        containers = self.runtime_process.containers
        await containers.wait(containers.get(identity))
        return await self.status(identity)

    async def sync(self, identity, *command, seconds=0):
        request = cri.ExecSyncRequest(
            container_id=identity, cmd=command, timeout=seconds
        )
        return await self.runtime.ExecSync(request)

    async def exec_url(self, identity, *command, **streams):
        request = cri.ExecRequest(container_id=identity, cmd=command, **streams)
        return (await self.runtime.Exec(request)).url

    async def attach_url(self, identity, **streams):
        request = cri.AttachRequest(container_id=identity, **streams)
        return (await self.runtime.Attach(request)).url

    async def exec(self, identity, *command, subprotocol=V5, **streams):
        streams = streams or {"stdout": True, "stderr": True}
        url = await self.exec_url(identity, *command, **streams)
        return await self.open(url, StreamOptions(**streams), subprotocol)

    async def attach(self, identity, subprotocol=V5, **streams):
        url = await self.attach_url(identity, **streams)
        return await self.open(url, StreamOptions(**streams), subprotocol)

    async def open(self, url, options, subprotocol=V5):
        """Upgrade to a WebSocket; the handshake is checked."""
        base, _, path = url.rpartition("/exec/" if "/exec/" in url else "/attach/")
        kind = url[len(base) :].split("/")[1]
        client = HttpClient(self.hops, Hop.KUBELET_CRI_STREAMING, base)
        offered = [subprotocol] if subprotocol else []
        upgraded = await client.upgrade(
            "GET", f"/{kind}/{path}", client_handshake(KEY, offered)
        )
        chosen = check_client_handshake(upgraded.head, KEY, offered)
        assert chosen == subprotocol
        session = RemoteCommandClient(subprotocol, options)
        return Stream(upgraded.connection, session)

    def log(self, identity, pod_name, container="c"):
        path = self.config.root / "logs" / pod_name / container / "0.log"
        return path.read_text()


def make_config(folder, **changes):
    options = build_parser().parse_args(
        ["--root", f"{folder}/root", "--state", f"{folder}/run"]
    )
    return replace(Config.from_arguments(options), **changes)


def descriptors():
    """What this process has open, by target; gRPC's own wake-up descriptors left out."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{number}")
            if target.startswith(("pipe:", "/dev/pt", "/tmp")):
                found.append(target)
    return sorted(found)


class WatchedHops(Hops):
    """Counts the far sides of relays too."""

    def __init__(self, process):
        super().__init__(process)
        self.far_sides = []

    def silent(self):
        self.far_sides.append(super().silent())
        return self.far_sides[-1]

    def open_connections(self):
        counts = super().open_connections()
        for side in self.far_sides:
            counts |= side.open_connections()
        return counts


async def until(true, interval=0.002):
    """Wait for what the operating system tells nobody."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - there is nobody to set an event
            await asyncio.sleep(interval)


async def closed(hops):
    """Wait until all connections are closed: they are closed in stages."""
    await until(lambda: not hops.open_connections())
    await settled()


async def all_gone(pids):
    """Wait until processes have ended; those that init has yet to reap have ended."""
    await until(lambda: not any(map(is_alive, pids)))


def below(pid):
    """The descendants of a process, which may just be ending."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="mini-cri-") as path:
        yield Path(path)


@pytest.fixture
async def node(folder):
    """A runtime; afterwards neither a process nor a descriptor of it is left."""
    before = descriptors()
    node = await Node(make_config(folder)).start()
    yield node
    shims = [s.shim_pid for s in node.runtime_process.sandboxes.all() if s.ready]
    processes = [pid for shim in shims for pid in below(shim)]
    await node.stop()
    assert await asyncio.to_thread(stop_all, node.config.root, node.config.state) == 0
    await all_gone([*shims, *processes])
    assert descriptors() == before
