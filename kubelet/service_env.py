"""Environment variables that name services, as Docker links once did.

Source: kubernetes/kubernetes pkg/kubelet/envvars/envvars.go,
pkg/kubelet/kubelet_pods.go (getServiceEnvVarMap).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import name_of, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

__all__ = ["service_variables"]

_MASTER_SERVICES = frozenset({"kubernetes"})
_MASTER_NAMESPACE = "default"


def service_variables(
    services: Iterable[JsonObject], namespace: str, *, links: bool
) -> dict[str, str]:
    """Variables for a pod of `namespace`; without links only the API server's."""
    chosen: dict[str, JsonObject] = {}
    for service in services:
        name = name_of(service)
        if service["spec"].get("clusterIP") in (None, "", "None"):
            continue
        master = namespace_of(service) == _MASTER_NAMESPACE and name in _MASTER_SERVICES
        own = links and namespace_of(service) == namespace
        if own or (master and name not in chosen):
            chosen[name] = service
    variables: dict[str, str] = {}
    for name in sorted(chosen):
        variables |= _variables(name, chosen[name]["spec"])
    return variables


def _variables(name: str, spec: JsonObject) -> dict[str, str]:
    prefix = name.upper().replace("-", "_")
    address = spec["clusterIP"]
    ports = spec.get("ports") or []
    variables = {f"{prefix}_SERVICE_HOST": address}
    if not ports:
        return variables
    variables[f"{prefix}_SERVICE_PORT"] = str(ports[0]["port"])
    for port in ports:
        if port.get("name"):
            suffix = port["name"].upper().replace("-", "_")
            variables[f"{prefix}_SERVICE_PORT_{suffix}"] = str(port["port"])
    return variables | _links(prefix, address, ports)


def _links(prefix: str, address: str, ports: list[JsonObject]) -> dict[str, str]:
    variables = {}
    for index, port in enumerate(ports):
        protocol = port.get("protocol", "TCP")
        number = str(port["port"])
        url = f"{protocol.lower()}://{_join(address, number)}"
        link = f"{prefix}_PORT_{number}_{protocol}"
        if index == 0:
            variables[f"{prefix}_PORT"] = url
        variables[link] = url
        variables[f"{link}_PROTO"] = protocol.lower()
        variables[f"{link}_PORT"] = number
        variables[f"{link}_ADDR"] = address
    return variables


def _join(address: str, port: str) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
