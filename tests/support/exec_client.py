"""Exec without a command line: many sessions from one process, byte by byte."""

from __future__ import annotations

import json

from bench.exec_client import ExecClient
from bench.forward_client import Forwarding
from certs.pki import Pki
from hops.blocking.admin import call_admin
from hops.blocking.client import BlockingClient
from hops.blocking.tls import TlsSettings

__all__ = [
    "admin_call",
    "admin_tls",
    "api_client",
    "exec_client",
    "forwarding",
    "server_url",
    "stats",
]


def admin_tls(cluster) -> TlsSettings:
    """The administrator's certificate, and the authority to believe."""
    pki = Pki(cluster.state / "pki")
    return TlsSettings(
        ca_file=str(pki.ca_cert),
        cert_file=str(pki.admin.cert),
        key_file=str(pki.admin.key),
    )


def exec_client(cluster, pod, *, spdy: bool = False) -> ExecClient:
    """A client for sessions in one pod."""
    return ExecClient(server_url(cluster), admin_tls(cluster), pod, spdy=spdy)


def forwarding(cluster, pod, port: int, *, spdy: bool) -> Forwarding:
    """A forward to a port of a pod."""
    return Forwarding(server_url(cluster), admin_tls(cluster), pod, port, spdy=spdy)


def api_client(cluster, tls=None) -> BlockingClient:
    """A client for any request."""
    tls = tls or admin_tls(cluster)
    return BlockingClient(server_url(cluster), tls=tls, timeout=30)


def stats(cluster) -> dict[str, dict]:
    """What each service says of itself: connections, tasks, descriptors, memory."""
    return admin_call(cluster, {"cmd": "stats"})


def admin_call(cluster, request: dict) -> dict[str, dict]:
    """What each service answers to a command."""
    return {name: call_admin(path, request) for name, path in _sockets(cluster).items()}


def server_url(cluster) -> str:
    """Where the API server is."""
    return _server(cluster)["server"]


def _sockets(cluster) -> dict[str, str]:
    (extension,) = _server(cluster)["extensions"]
    sockets: dict[str, str] = extension["extension"]["adminSockets"]
    return sockets


def _server(cluster):
    return json.loads(cluster.kubeconfig.read_bytes())["clusters"][0]["cluster"]
