"""A kubelet in this process, the real runtime below it, an API in memory above it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from certs.pki import Pki, PkiNames, ensure_pki
from cri_runtime.app import Runtime
from cri_runtime.config import Config as CriConfig
from cri_runtime.config import build_parser
from cri_runtime.shim_client import ShimGone
from cri_runtime.stop_all import stop_all
from hops.client import HttpClient, UpgradeRefused
from hops.hop import Hop
from hops.hops import Hops
from hops.tasks import spawn
from hops.tls.contexts import client_context
from kube_client.client import KubeClient
from kubelet.app import Kubelet
from kubelet.config import KubeletConfig
from kubelet.node_lookup import look_up_node
from tests.integration.kubelet.fake_api import FakeApi
from wire.remotecommand import (
    RemoteCommandClient,
    StatusReceived,
    StderrReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.websocket_handshake import client_handshake

NODE = "node-1"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
V5 = "v5.channel.k8s.io"
SESSION = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def pod(name, *containers, **spec):
    """A pod bound to the node; containers are commands or whole specs."""
    specs = [
        c if isinstance(c, dict) else container(f"c{n}" if n else "c", c)
        for n, c in enumerate(containers or [container("c")])
    ]
    return {
        "metadata": {"name": name, **spec.pop("metadata", {})},
        "spec": {
            "nodeName": NODE,
            "terminationGracePeriodSeconds": 1,
            "containers": specs,
            **spec,
        },
        "status": {"phase": "Pending"},
    }


def container(name, command="sleep 1000", **fields):
    return {
        "name": name,
        "image": "busybox",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", command],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        **fields,
    }


def is_ready(pod):
    conditions = pod["status"].get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def status_of(pod, name="c", field="containerStatuses"):
    entries = pod["status"].get(field) or []
    return next((e for e in entries if e["name"] == name), {"state": {}})


def waits_for(reason, name="c"):
    def holds(pod):
        waiting = status_of(pod, name)["state"].get("waiting") or {}
        return waiting.get("reason") == reason

    return holds


def has_ended(pod):
    return "terminated" in status_of(pod)["state"]


def phase(wanted):
    return lambda pod: pod["status"].get("phase") == wanted


class World:
    """The node: its API, its runtime, its kubelet, and a client of the kubelet."""

    def __init__(self, folder, pki):
        self.folder = folder
        self.pki = pki
        self.api = FakeApi()
        self.hops = Hops("test")
        options = build_parser().parse_args(
            ["--root", f"{folder}/cri", "--state", f"{folder}/run"]
        )
        self.cri_config = CriConfig.from_arguments(options)
        self.config = KubeletConfig(
            hostname_override=NODE,
            node_ip="127.0.0.1",
            address="127.0.0.1",
            port=0,
            kubeconfig="given",
            tls_cert_file=str(pki.kubelet(NODE).cert),
            tls_private_key_file=str(pki.kubelet(NODE).key),
            client_ca_file=str(pki.ca_cert),
            container_runtime_endpoint=f"unix://{folder}/run/cri.sock",
            root_dir=f"{folder}/kubelet",
            pod_logs_dir=f"{folder}/logs/pods",
            resolv_conf="/dev/null",
        )
        self.runtime = None
        self.kubelet = None
        self.client = None

    async def start(self, **settings):
        await self.api.start()
        await self.start_runtime()
        await self.start_kubelet(**settings)
        return self

    async def start_runtime(self, **settings):
        self.cri_config = replace(self.cri_config, **settings)
        self.runtime = Runtime(self.cri_config, Hops("cri"))
        await self.runtime.start()

    async def stop_runtime(self):
        await self.runtime.close()
        self.runtime = None

    async def start_kubelet(self, **settings):
        self.config = replace(self.config, **settings)
        client = self._kube_client()
        known = spawn("node lookup", look_up_node(client, NODE))
        self.kubelet = Kubelet(self.config, Hops("kubelet"), client)
        await self.kubelet.start(known)
        self.client = self.client_as(self.pki.api_server_kubelet_client)

    async def stop_kubelet(self):
        await self.client.close()
        await self.kubelet.close()
        self.kubelet = None

    def _kube_client(self):
        kubeconfig = self.folder / "kubeconfig"
        server = {"server": f"http://127.0.0.1:{self.api.port}"}
        document = {
            "clusters": [{"name": "x", "cluster": server}],
            "contexts": [{"name": "x", "context": {"cluster": "x"}}],
            "current-context": "x",
        }
        kubeconfig.write_text(json.dumps(document))
        return KubeClient.from_kubeconfig(
            Hops("kubelet"), Hop.KUBELET_APISERVER, kubeconfig, user_agent="kubelet"
        )

    def client_as(self, files):
        """An HTTPS client of the kubelet; None for one without a certificate."""
        tls = client_context(
            self.pki.ca_cert,
            cert=files.cert if files else None,
            key=files.key if files else None,
        )
        url = f"https://127.0.0.1:{self.kubelet.port}"
        return HttpClient(self.hops, Hop.APISERVER_KUBELET, url, tls=tls)

    async def stop(self):
        if self.kubelet is not None:
            await self.stop_kubelet()
        if self.runtime is None:
            await self.start_runtime()
        launcher = await self.runtime._launcher.ensure()
        try:
            shims = (await launcher.request("shims"))["pids"]
        except ShimGone:  # it had none, and was about to end
            shims = []
        await self.runtime.close()
        await self.api.stop()
        root, state = self.cri_config.root, self.cri_config.state
        assert await asyncio.to_thread(stop_all, root, state) == 0
        await asyncio.to_thread(wait_gone, shims)

    # What tests do

    async def run(self, *args, **spec):
        """Make a pod and wait until it is ready."""
        made = self.api.add("pods", pod(*args, **spec))
        return await self.api.pod(made["metadata"]["name"], is_ready)

    async def get(self, target, method="GET", **kwargs):
        return await self.client.request(method, target, timeout=30, **kwargs)

    async def text(self, target, method="GET", **kwargs):
        """(status, body)"""
        response = await self.get(target, method, **kwargs)
        return response.status, response.body.decode()

    async def until_runtime(self, holds):
        """Wait for what neither the API nor the kubelet tells."""
        async with asyncio.timeout(30):
            while not holds():  # noqa: ASYNC110 - there is nobody to set an event
                await asyncio.sleep(0.005)

    async def log(self, name, expected):
        """Follow the log of a pod until it begins with this."""
        target = f"/containerLogs/default/{name}/c?follow=true"
        text = b""
        async with asyncio.timeout(30), self.client.stream("GET", target) as response:
            async for chunk in response:
                text += chunk
                if len(text) >= len(expected):
                    break
        assert text.decode()[: len(expected)] == expected

    async def upgrade(self, target, method="GET", protocols=(V5,), headers=()):
        return await self.client.upgrade(
            method, target, [*client_handshake(KEY, list(protocols)), *headers]
        )

    async def refused(self, target, method="GET", protocols=(V5,)):
        """(status, body) of an upgrade that is not taken."""
        with pytest.raises(UpgradeRefused) as refusal:
            await self.upgrade(target, method, protocols)
        return refusal.value.head.status, refusal.value.body.decode()

    async def exec(self, target, stdin=None, headers=()):
        """Run a session to its end: (stdout, stderr, status)."""
        options = StreamOptions(
            stdin=stdin is not None, stdout=True, stderr=True, tty=False
        )
        upgraded = await self.upgrade(target, headers=headers)
        session = RemoteCommandClient(V5, options)
        connection = upgraded.connection
        if stdin is not None:
            session.send_stdin(stdin)
            session.close_stdin()
            connection.writelines(session.data_to_send())
        return await _drain(connection, session)


async def _drain(connection, session):
    stdout, stderr, status = bytearray(), bytearray(), bytearray()
    while data := await connection.read():
        for event in session.receive_data(data):
            match event:
                case StdoutReceived(chunk):
                    stdout += chunk
                case StderrReceived(chunk):
                    stderr += chunk
                case StatusReceived(chunk):
                    status += chunk
    connection.close()
    return bytes(stdout), bytes(stderr), json.loads(status)


def wait_gone(pids):
    """Processes that are ours to end have ended; zombies count as ended."""
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    _, alive = psutil.wait_procs(found, timeout=30)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pki")
    names = PkiNames(nodes={NODE: ("127.0.0.1",)})
    ensure_pki(directory, names, time.time())
    return Pki(directory)


@pytest.fixture
async def bare_world(pki):
    """Nothing started yet; everything that was is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="mini-kubelet-") as path:
        world = World(Path(path), pki)
        yield world
        await world.stop()


@pytest.fixture
async def world(bare_world):
    return await bare_world.start()


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.WARNING)
