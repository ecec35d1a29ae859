"""Services: defaults, cluster addresses, and their table.

Unlike upstream no proxy serves the address: it is given so that objects look and
validate as they do elsewhere. Addresses come from 10.96.0.0/12, ports of NodePort
services are taken as they are asked for.

Source: kubernetes/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_Service),
pkg/registry/core/service/storage.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, ClassVar

from apimachinery.validation.services import validate_service
from apiserver.resources.cells import AGE, NAME, NONE, joined, label_text, read, text
from apiserver.resources.registry import Column, Resource, status
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.field_errors import FieldError
    from apimachinery.types import JsonObject

__all__ = ["SERVICES", "ServiceStrategy"]

_CLUSTER_NETWORK = int(IPv4Address("10.96.0.0"))
_CLUSTER_SIZE = 1 << 20
_RESERVED = 256  # the first addresses are for those who choose one
_CLIENT_IP_TIMEOUT = 10800


class ServiceStrategy(Strategy):
    has_status: ClassVar = True
    returns_deleted_object: ClassVar = True
    selectable_fields: ClassVar = {
        "spec.clusterIP": "spec.clusterIP",
        "spec.type": "spec.type",
    }

    def name_rule(self) -> str:
        return "dns1035"

    def initial_status(self, obj: JsonObject) -> JsonObject:
        return {"loadBalancer": {}}

    def default(self, obj: JsonObject) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("sessionAffinity", "None")
        if not spec.get("type"):
            spec["type"] = "ClusterIP"
        for port in spec.get("ports") or ():
            if not port.get("protocol"):
                port["protocol"] = "TCP"
            if port.get("targetPort") in (None, 0, ""):
                port["targetPort"] = port.get("port")
        if spec["sessionAffinity"] == "ClientIP":
            spec.setdefault(
                "sessionAffinityConfig",
                {"clientIP": {"timeoutSeconds": _CLIENT_IP_TIMEOUT}},
            )
        if spec["type"] == "ExternalName":
            return
        spec.setdefault("internalTrafficPolicy", "Cluster")
        if spec["type"] in ("NodePort", "LoadBalancer"):
            spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec["type"] == "LoadBalancer":
            spec.setdefault("allocateLoadBalancerNodePorts", True)

    def prepare_for_create(self, obj: JsonObject) -> None:
        super().prepare_for_create(obj)
        spec = obj["spec"]
        if spec["type"] == "ExternalName":
            return
        if not spec.get("clusterIP"):
            spec["clusterIP"] = _cluster_address(obj["metadata"])
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def prepare_for_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> None:
        super().prepare_for_update(new, old, subresource)
        spec, before = new.get("spec") or {}, old.get("spec") or {}
        if spec.get("type") == "ExternalName":
            return
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if not spec.get(field) and before.get(field):
                spec[field] = before[field]

    def validate(self, obj: JsonObject) -> list[FieldError]:
        return validate_service(obj)


def _cluster_address(metadata: JsonObject) -> str:
    """A stable address, spread over the network by the object's uid."""
    seed = metadata.get("uid") or f"{metadata.get('namespace')}/{metadata.get('name')}"
    number = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:8], "big")
    offset = _RESERVED + number % (_CLUSTER_SIZE - _RESERVED - 1)
    return str(IPv4Address(_CLUSTER_NETWORK + offset))


def _external(service: JsonObject, now: float) -> str:
    spec = service.get("spec") or {}
    external = list(spec.get("externalIPs") or ())
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName") or NONE)
        case "LoadBalancer":
            ingress = read(service, "status.loadBalancer.ingress") or ()
            found = [i.get("ip") or i.get("hostname") or "" for i in ingress]
            return joined([*found, *external], "<pending>")
        case _:
            return joined(external)


def _ports(service: JsonObject, now: float) -> str:
    return joined(
        f"{port.get('port')}"
        + (f":{port['nodePort']}" if port.get("nodePort") else "")
        + f"/{port.get('protocol', 'TCP')}"
        for port in read(service, "spec.ports") or ()
    )


SERVICES = Resource(
    "",
    "v1",
    "services",
    "Service",
    namespaced=True,
    short_names=("svc",),
    categories=("all",),
    subresources=(status(),),
    columns=(
        NAME,
        text("Type", "spec.type", "How it is exposed."),
        text("Cluster-IP", "spec.clusterIP", "Its address.", NONE),
        Column("External-IP", _external, description="Addresses from outside."),
        Column("Port(s)", _ports, description="Its ports."),
        AGE,
        Column(
            "Selector",
            lambda o, _: label_text(read(o, "spec.selector")),
            wide=True,
            description="Which pods serve it.",
        ),
    ),
    strategy=ServiceStrategy(),
)
