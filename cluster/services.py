"""The services of a cluster as data: what runs, how it is seen to be ready, and what
may stand in its place.

| service      | needs               | replaced by                           |
|--------------|---------------------|---------------------------------------|
| apiserver    |                     |                                       |
| cri-NODE     |                     | `--cri-socket=unix:///…`: not started |
| kubelet-NODE | apiserver, cri-NODE | `--kubelet=PATH`: another executable  |

All are started at once: each waits by itself for those it needs. The order below is
the order of the lines that `up` prints.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certs.pki import Pki

if TYPE_CHECKING:
    from cluster.layout import Layout, NodeLayout
    from cluster.settings import ClusterSettings, Tracing

__all__ = [
    "API_SERVER",
    "HttpsReady",
    "NodeReady",
    "Readiness",
    "Service",
    "SocketReady",
    "authority",
    "cri_name",
    "executable",
    "kubelet_config",
    "kubelet_name",
    "port_names",
    "services",
]

API_SERVER = "apiserver"


@dataclass(frozen=True, slots=True)
class HttpsReady:
    """Ready when this URL answers 200."""

    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class SocketReady:
    """Ready when this Unix socket takes a connection."""

    path: Path


@dataclass(frozen=True, slots=True)
class NodeReady:
    """Ready when the kubelet serves and its node has the condition Ready."""

    node: str
    serving: HttpsReady


Readiness = HttpsReady | SocketReady | NodeReady


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the cluster.

    `command` is what makes it the service it is, and `files` what it reads when it
    starts: when the running process has another command or is older than a file, `up`
    starts the service anew; also when a socket of it is gone. Programs that are not
    ours have no admin socket.
    """

    name: str
    command: tuple[str, ...]
    address: str
    readiness: Readiness
    needs: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    admin_socket: Path | None = None

    @property
    def sockets(self) -> tuple[Path, ...]:
        """The Unix sockets at which a running service is reached."""
        ready = self.readiness
        served = (ready.path,) if isinstance(ready, SocketReady) else ()
        return served if self.admin_socket is None else (*served, self.admin_socket)

    def start_command(self, tracing: Tracing) -> tuple[str, ...]:
        """The command to run, with tracing on from the first byte if asked for."""
        if self.admin_socket is None:
            return self.command
        return (*self.command, *tracing.flags)


def services(settings: ClusterSettings, layout: Layout) -> list[Service]:
    """All services of the cluster, in the order in which they need each other."""
    found = [_api_server(settings, layout)]
    for node in map(layout.node, settings.node_names):
        if not settings.cri_socket:
            found.append(_cri(settings, layout, node))
        found.append(_kubelet(settings, layout, node))
    return found


def cri_name(node: str) -> str:
    return f"cri-{node}"


def kubelet_name(node: str) -> str:
    return f"kubelet-{node}"


def port_names(settings: ClusterSettings) -> list[str]:
    """The services that need a port of their own."""
    return [API_SERVER, *map(kubelet_name, settings.node_names)]


def _api_server(settings: ClusterSettings, layout: Layout) -> Service:
    pki = Pki(layout.pki)
    port = settings.ports[API_SERVER]
    server = f"https://{authority(settings.client_host, port)}"
    kubelet_client = pki.api_server_kubelet_client
    flags = {
        "bind-address": settings.bind_address,
        "secure-port": str(port),
        "tls-cert-file": str(pki.api_server.cert),
        "tls-private-key-file": str(pki.api_server.key),
        "client-ca-file": str(pki.ca_cert),
        "kubelet-client-certificate": str(kubelet_client.cert),
        "kubelet-client-key": str(kubelet_client.key),
        "kubelet-certificate-authority": str(pki.ca_cert),
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": str(pki.service_account_public_key),
        "service-account-signing-key-file": str(pki.service_account_key),
        **_storage_flags(settings, layout),
        "controllers-kubeconfig": str(layout.component_config("controller-manager")),
        "scheduler-kubeconfig": str(layout.component_config("scheduler")),
        "emulate-version": settings.emulate_version,
        "feature-gates": settings.feature_gates,
        "admin-socket": str(layout.admin_socket(API_SERVER)),
    }
    return Service(
        name=API_SERVER,
        command=_command("mini-apiserver", flags),
        address=server,
        readiness=HttpsReady(settings.client_host, port, "/readyz"),
        files=(
            pki.ca_cert,
            pki.api_server.cert,
            kubelet_client.cert,
            pki.controller_manager.cert,
            pki.scheduler.cert,
            pki.service_account_key,
        ),
        admin_socket=layout.admin_socket(API_SERVER),
    )


def _storage_flags(settings: ClusterSettings, layout: Layout) -> dict[str, str]:
    if not settings.etcd:
        return {"storage-backend": "sqlite", "sqlite-path": str(layout.database)}
    return {
        "storage-backend": "etcd3",
        "etcd-servers": settings.etcd,
        "etcd-cafile": settings.etcd_cafile,
        "etcd-certfile": settings.etcd_certfile,
        "etcd-keyfile": settings.etcd_keyfile,
        "etcd-prefix": settings.etcd_prefix,
    }


def _cri(settings: ClusterSettings, layout: Layout, node: NodeLayout) -> Service:
    name = cri_name(node.name)
    flags = {
        "address": str(node.cri_socket),
        "root": str(node.cri_root),
        "state": str(node.cri_state),
        "stream-server-address": settings.client_host,
        "image-policy": settings.image_policy,
        "catalogue": settings.image_catalogue,
        "kwok-config": settings.kwok_config,
        "emulate-version": settings.emulate_version,
        "admin-socket": str(layout.admin_socket(name)),
    }
    return Service(
        name=name,
        command=_command("mini-cri", flags),
        address=f"unix://{node.cri_socket}",
        readiness=SocketReady(node.cri_socket),
        admin_socket=layout.admin_socket(name),
    )


def _kubelet(settings: ClusterSettings, layout: Layout, node: NodeLayout) -> Service:
    name = kubelet_name(node.name)
    port = settings.ports[name]
    # Answered out of the runtime, so that it says both: the kubelet serves, and it has
    # found the runtime (again, when that is the one that was started anew).
    serving = HttpsReady(settings.client_host, port, "/runningpods/")
    foreign = bool(settings.kubelet)
    make_flags = _foreign_kubelet_flags if foreign else _our_kubelet_flags
    flags = make_flags(settings, layout, node, port) | _given(settings.kubelet_args)
    program = settings.kubelet or "mini-kubelet"
    needs = (API_SERVER,) if settings.cri_socket else (API_SERVER, cri_name(node.name))
    return Service(
        name=name,
        command=_command(program, flags),
        address=f"https://{authority(settings.client_host, port)}",
        readiness=NodeReady(node.name, serving),
        needs=needs,
        files=_kubelet_files(layout, node.name),
        admin_socket=None if foreign else layout.admin_socket(name),
    )


def _kubelet_files(layout: Layout, node: str) -> tuple[Path, ...]:
    pki = Pki(layout.pki)
    return (
        pki.ca_cert,
        pki.kubelet(node).cert,
        pki.kubelet_client(node).cert,
        layout.component_config(kubelet_name(node)),
    )


def _our_kubelet_flags(
    settings: ClusterSettings, layout: Layout, node: NodeLayout, port: int
) -> dict[str, str]:
    pki = Pki(layout.pki)
    serving = pki.kubelet(node.name)
    return _shared_kubelet_flags(settings, layout, node) | {
        "address": settings.bind_address,
        "port": str(port),
        "tls-cert-file": str(serving.cert),
        "tls-private-key-file": str(serving.key),
        "client-ca-file": str(pki.ca_cert),
        "authentication-token-webhook": "true",
        "authorization-mode": "Webhook",
        "container-runtime-endpoint": _runtime_endpoint(settings, node),
        "pod-logs-dir": str(node.pod_logs),
        "emulate-version": settings.emulate_version,
        "admin-socket": str(layout.admin_socket(kubelet_name(node.name))),
    }


def _foreign_kubelet_flags(
    settings: ClusterSettings, layout: Layout, node: NodeLayout, port: int
) -> dict[str, str]:
    # Most of a real kubelet's flags are deprecated in favour of its configuration file.
    config = layout.component_config(f"{kubelet_name(node.name)}-config")
    return _shared_kubelet_flags(settings, layout, node) | {
        "config": str(config),
        "cert-dir": str(node.kubelet_root / "pki"),
    }


def _shared_kubelet_flags(
    settings: ClusterSettings, layout: Layout, node: NodeLayout
) -> dict[str, str]:
    return {
        "hostname-override": node.name,
        "node-ip": settings.client_host,
        "kubeconfig": str(layout.component_config(kubelet_name(node.name))),
        "feature-gates": settings.feature_gates,
        "root-dir": str(node.kubelet_root),
    }


def _given(arguments: tuple[str, ...]) -> dict[str, str]:
    """Flags as the user wrote them, with or without the dashes."""
    pairs = (argument.lstrip("-").partition("=") for argument in arguments)
    return {name: value or "true" for name, _, value in pairs}


def kubelet_config(settings: ClusterSettings, layout: Layout, node: str) -> str:
    """The KubeletConfiguration (kubelet.config.k8s.io/v1beta1) for a foreign kubelet."""
    pki, place = Pki(layout.pki), layout.node(node)
    serving = pki.kubelet(node)
    document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": settings.bind_address,
        "port": settings.ports[kubelet_name(node)],
        "healthzPort": 0,
        "tlsCertFile": str(serving.cert),
        "tlsPrivateKeyFile": str(serving.key),
        "authentication": {"x509": {"clientCAFile": str(pki.ca_cert)}},
        "containerRuntimeEndpoint": _runtime_endpoint(settings, place),
        "podLogsDir": str(place.pod_logs),
        "failSwapOn": False,
    }
    return json.dumps(document, indent=2)


def _runtime_endpoint(settings: ClusterSettings, node: NodeLayout) -> str:
    return settings.cri_socket or f"unix://{node.cri_socket}"


def _command(program: str, flags: dict[str, str]) -> tuple[str, ...]:
    given = (f"--{name}={value}" for name, value in flags.items() if value)
    return (executable(program), *given)


def executable(program: str) -> str:
    """Our programs lie beside the interpreter that runs us, whatever PATH says."""
    if "/" in program:
        return program
    beside = Path(sys.executable).with_name(program)
    return str(beside) if beside.exists() else program


def authority(host: str, port: int) -> str:
    """Host and port as a URL has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
