"""One container behind a runtime, a kubelet's server and an API server."""

from __future__ import annotations

import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apiserver.app import build
from apiserver.config import Config
from apiserver.version import EmulatedVersion
from certs.pki import PkiNames, ensure_pki
from cri_runtime.stop_all import stop_all
from hops.client import HttpClient
from hops.hop import Hop
from hops.hops import Hops
from hops.serve import serve_application
from hops.tls.contexts import client_context, server_context
from kubelet.config import KubeletConfig
from kubelet.cri import CriClient
from kubelet.runtime import Runtime
from kubelet.server.app import main_application
from kubelet.server.auth import Authorizer, auth_middleware
from kubelet.server.users import Authenticator
from tests.integration.cri_runtime.conftest import (
    Node,
    all_gone,
    closed,
    make_config,
)
from tests.integration.streaming.doors import (
    CONTAINER,
    NAMESPACE,
    POD,
    UID,
    ApiServerDoor,
    KubeletDoor,
    RuntimeDoor,
)

NODE = "node-1"
LABELS = {
    "io.kubernetes.pod.name": POD,
    "io.kubernetes.pod.namespace": NAMESPACE,
    "io.kubernetes.pod.uid": UID,
}


@dataclass
class Host:
    """What the kubelet's server has to know; the kubelet itself is not needed."""

    config: KubeletConfig
    hops: Hops
    runtime: Runtime
    pod: dict[str, Any]

    def pod_named(self, namespace, name):
        metadata = self.pod["metadata"]
        known = (metadata["namespace"], metadata["name"])
        return self.pod if (namespace, name) == known else None


@dataclass
class Stack:
    """All doors, and what is behind them."""

    node: Node
    sandbox: str
    container: str
    runtime: RuntimeDoor
    kubelet: KubeletDoor
    apiserver: ApiServerDoor
    hops: Hops

    def door(self, name):
        return getattr(self, name)


def make_pod(**spec):
    container = {"name": CONTAINER, "image": "busybox", **spec}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": POD, "namespace": NAMESPACE, "uid": UID},
        "spec": {"nodeName": NODE, "containers": [container]},
    }


class Builder:
    """Starts the parts, lowest first, and ends them in the other order."""

    def __init__(self, pki, folder):
        self._pki = pki
        self._folder = folder
        self._stack = AsyncExitStack()
        self.hops = Hops("test")

    async def build(
        self,
        *,
        api="1.36",
        kubelet="1.36",
        runtime="all",
        command=("sleep", "1000000"),
        container=None,
        **runtime_settings,
    ) -> Stack:
        node = await self._runtime(stream_protocols=runtime, **runtime_settings)
        sandbox = await node.run_pod(POD, labels=LABELS)
        identity = await node.run(
            *command,
            pod=sandbox,
            name=CONTAINER,
            labels={**LABELS, "io.kubernetes.container.name": CONTAINER},
            **(container or {}),
        )
        pod = make_pod(**(container or {}))
        door, port = await self._kubelet(node, pod, kubelet)
        return Stack(
            node,
            sandbox,
            identity,
            RuntimeDoor(node, sandbox, identity),
            door,
            await self._apiserver(pod, port, api, kubelet),
            self.hops,
        )

    async def close(self):
        await self._stack.aclose()
        await closed(self.hops)

    async def _runtime(self, **settings):
        config = make_config(self._folder, **settings)
        node = await Node(config).start()
        self._stack.push_async_callback(self._stop_runtime, node)
        return node

    async def _stop_runtime(self, node):
        launcher = await node.runtime_process._launcher.ensure()
        shims = (await launcher.request("shims"))["pids"]
        await node.stop()
        stop_all(node.config.root, node.config.state)
        await all_gone(shims)

    async def _kubelet(self, node, pod, version):
        endpoint = f"unix://{node.runtime_process.address}"
        client = CriClient(endpoint)
        self._stack.push_async_callback(client.close)
        config = KubeletConfig(hostname_override=NODE, emulate_version=version)
        host = Host(config, self.hops, Runtime(client), pod)
        auth = auth_middleware(
            Authenticator(anonymous=False, client=None),
            Authorizer(NODE, None),
            config.minor,
        )
        files = self._pki.kubelet(NODE)
        listener = await serve_application(
            self.hops,
            Hop.APISERVER_KUBELET,
            main_application(host, auth),
            ("127.0.0.1", 0),
            tls=server_context(files.cert, files.key, client_ca=self._pki.ca_cert),
        )
        self._stack.push_async_callback(listener.wait_closed)
        return KubeletDoor(self._client(listener.port)), listener.port

    async def _apiserver(self, pod, port, version, kubelet):
        pki = self._pki
        config = Config(
            secure_port=0,
            tls_cert_file=pki.api_server.cert,
            tls_private_key_file=pki.api_server.key,
            client_ca_file=pki.ca_cert,
            kubelet_client_certificate=pki.api_server_kubelet_client.cert,
            kubelet_client_key=pki.api_server_kubelet_client.key,
            kubelet_certificate_authority=pki.ca_cert,
            storage_backend="memory",
            service_account_signing_key_file=pki.service_account_key,
            service_account_key_file=pki.service_account_public_key,
            emulate_version=EmulatedVersion.parse(version),
        )
        server = await build(config, self.hops)
        await server.start()
        self._stack.push_async_callback(server.close)
        await server.ready()
        client = self._client(int(server.url.rpartition(":")[2]), self._pki.admin)
        minor = int(kubelet.split(".")[1])
        declared = ["ExtendWebSocketsToKubelet"] if minor >= 36 else []
        await post(client, "/api/v1/nodes", make_node(port, declared))
        await post(client, f"/api/v1/namespaces/{NAMESPACE}/pods", pod)
        return ApiServerDoor(client)

    def _client(self, port, identity=None):
        files = identity or self._pki.api_server_kubelet_client
        tls = client_context(self._pki.ca_cert, cert=files.cert, key=files.key)
        client = HttpClient(
            self.hops, Hop.KUBECTL_APISERVER, f"https://127.0.0.1:{port}", tls=tls
        )
        self._stack.push_async_callback(client.close)
        return client


def make_node(port, declared):
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "declaredFeatures": declared,
        },
    }


async def post(client, path, document):
    import json

    answer = await client.request(
        "POST",
        path,
        headers=[("Content-Type", "application/json")],
        body=json.dumps(document).encode(),
    )
    assert answer.status == 201, answer.body


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    names = PkiNames(nodes={NODE: ("127.0.0.1",)})
    return ensure_pki(tmp_path_factory.mktemp("pki"), names, time.time())


@pytest.fixture
async def build_stack(pki):
    """`await build_stack(api="1.30", kubelet="1.28", runtime="containerd")`."""
    with tempfile.TemporaryDirectory(prefix="mini-cri-") as folder:
        builder = Builder(pki, Path(folder))
        yield builder.build
        await builder.close()


@pytest.fixture
async def stack(build_stack):
    return await build_stack()


__all__ = ["Stack", "replace"]
