"""`cluster-info`: where the control plane and its services are.

Source: kubernetes/kubectl pkg/cmd/clusterinfo/clusterinfo.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.status import StatusError

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Flag, Options

SUMMARY = "Show where the control plane and its services are."
USE = "cluster-info [flags]"
FLAGS: tuple[Flag, ...] = ()
_GREEN, _YELLOW, _RESET = "\x1b[0;32m", "\x1b[0;33m", "\x1b[0m"


def run(options: Options, factory: Factory) -> int:
    """Print the addresses; in colour on a terminal."""
    from kubectl_cli.client.rest import ACCEPT_REST

    path = "/api/v1/namespaces/kube-system/services"
    query = [("labelSelector", "kubernetes.io/cluster-service=true")]
    _show("Kubernetes control plane", factory.config.server)
    try:
        services = factory.client.get(path, query, accept=ACCEPT_REST)
    except StatusError as error:
        if error.reason != "NotFound":
            raise
        services = {}
    for item in services.get("items") or ():
        metadata = item["metadata"]
        labels = metadata.get("labels") or {}
        name = labels.get("kubernetes.io/name") or metadata["name"]
        _show(name, _link(factory, item))
    print()
    print(
        "To further debug and diagnose cluster problems, use 'kubectl cluster-info"
        " dump'."
    )
    return 0


def _show(name: str, link: str) -> None:
    if sys.stdout.isatty():
        name, link = f"{_GREEN}{name}{_RESET}", f"{_YELLOW}{link}{_RESET}"
    print(f"{name} is running at {link}")


def _link(factory: Factory, service: JsonObject) -> str:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    ports = (service.get("spec") or {}).get("ports") or []
    if ingress:
        host = ingress[0].get("ip") or ingress[0].get("hostname")
        return " ".join(f"http://{host}:{port['port']}" for port in ports)
    name = service["metadata"]["name"]
    if ports:
        port = ports[0]
        scheme = "https" if port.get("name") == "https" or port["port"] == 443 else ""
        if scheme or port.get("name"):
            parts = [scheme, name, port.get("name") or ""]
            name = ":".join(parts)
    server = factory.config.server.rstrip("/")
    namespace = service["metadata"]["namespace"]
    return f"{server}/api/v1/namespaces/{namespace}/services/{name}/proxy"
