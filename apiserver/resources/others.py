"""Kinds of the smaller groups: stored, listed, watched and shown.

Columns as kubernetes/kubernetes pkg/printers/internalversion/printers.go; defaults
as the defaults.go of each group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from apimachinery.field_errors import Path, forbidden
from apiserver.resources.cells import (
    AGE,
    NAME,
    NONE,
    boolean,
    integer,
    joined,
    label_text,
    path,
    read,
    text,
)
from apiserver.resources.core import StatusStrategy
from apiserver.resources.registry import (
    Column,
    Resource,
    part_of_object,
    status,
)
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.field_errors import FieldError
    from apimachinery.types import JsonObject

__all__ = ["OTHERS", "PRIORITY_CLASSES"]

_HIGHEST_PRIORITY = 1_000_000_000
_SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")


class LeaseStrategy(Strategy):
    allows_unconditional_update: ClassVar = False
    creates_on_update: ClassVar = True


class RequiresVersion(Strategy):
    allows_unconditional_update: ClassVar = False


class SpecStrategy(StatusStrategy):
    tracks_generation: ClassVar = True


class CertificateSigningRequestStrategy(StatusStrategy):
    selectable_fields: ClassVar = {"spec.signerName": "spec.signerName"}

    def prepare_for_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> None:
        if subresource == "approval":
            conditions = read(new, "status.conditions") or []
            new["spec"] = old.get("spec") or {}
            new["status"] = {**(old.get("status") or {}), "conditions": conditions}
            return
        super().prepare_for_update(new, old, subresource)


class HorizontalPodAutoscalerStrategy(StatusStrategy):
    def default(self, obj: JsonObject) -> None:
        obj.setdefault("spec", {}).setdefault("minReplicas", 1)


class NetworkPolicyStrategy(Strategy):
    tracks_generation: ClassVar = True

    def default(self, obj: JsonObject) -> None:
        spec = obj.setdefault("spec", {})
        egress = ["Egress"] if spec.get("egress") else []
        spec.setdefault("policyTypes", ["Ingress", *egress])


class PriorityClassStrategy(Strategy):
    def default(self, obj: JsonObject) -> None:
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def validate(self, obj: JsonObject) -> list[FieldError]:
        """Source: ValidatePriorityClass; the system's own are above the limit."""
        name = read(obj, "metadata.name") or ""
        if name in _SYSTEM_CLASSES or (obj.get("value") or 0) <= _HIGHEST_PRIORITY:
            return []
        detail = (
            f"maximum allowed value of a user defined priority is {_HIGHEST_PRIORITY}"
        )
        return [forbidden(Path("value"), detail)]


class StorageClassStrategy(Strategy):
    def default(self, obj: JsonObject) -> None:
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")


def _slice_ports(obj: JsonObject, now: float) -> str:
    return joined((str(p.get("port")) for p in obj.get("ports") or ()), "<unset>")


def _slice_addresses(obj: JsonObject, now: float) -> str:
    found = [a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()]
    rest = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return joined(found[:3], "<unset>") + rest


def _csr_condition(obj: JsonObject, now: float) -> str:
    kinds = [c.get("type") for c in read(obj, "status.conditions") or ()]
    word = "Pending"
    if "Approved" in kinds:
        word = "Approved"
    elif "Denied" in kinds:
        word = "Denied"
    if "Failed" in kinds:
        word += ",Failed"
    if read(obj, "status.certificate"):
        word += ",Issued"
    return word


def _ingress_hosts(obj: JsonObject, now: float) -> str:
    return joined(
        (r["host"] for r in read(obj, "spec.rules") or () if r.get("host")), "*"
    )


def _ingress_ports(obj: JsonObject, now: float) -> str:
    return "80, 443" if read(obj, "spec.tls") else "80"


def _ingress_address(obj: JsonObject, now: float) -> str:
    ingress = read(obj, "status.loadBalancer.ingress") or ()
    return joined((i.get("ip") or i.get("hostname") or "" for i in ingress), "")


def _scale_reference(obj: JsonObject, now: float) -> str:
    reference = read(obj, "spec.scaleTargetRef") or {}
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def _requested_duration(obj: JsonObject, now: float) -> str:
    from apimachinery.duration import human_duration

    seconds = read(obj, "spec.expirationSeconds")
    return NONE if seconds is None else human_duration(seconds)


def _v1(
    group: str, resource: str, kind: str, *, namespaced: bool, **more: Any
) -> Resource:
    return Resource(group, "v1", resource, kind, namespaced=namespaced, **more)


PRIORITY_CLASSES = _v1(
    "scheduling.k8s.io",
    "priorityclasses",
    "PriorityClass",
    namespaced=False,
    short_names=("pc",),
    columns=(
        NAME,
        integer("Value", "value"),
        boolean("Global-Default", "globalDefault"),
        AGE,
        text("PreemptionPolicy", "preemptionPolicy"),
    ),
    strategy=PriorityClassStrategy(),
)
# Kinds that users define are not served, so there is never one. Hidden, since clients
# would make some; but kubectl asks for it before it says that there is no such kind.
_CUSTOM = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    verbs=("get", "list", "watch"),
    columns=(NAME, text("Created At", "metadata.creationTimestamp")),
    hidden=True,
)

OTHERS = (
    _CUSTOM,
    Resource(
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
        "HorizontalPodAutoscaler",
        namespaced=True,
        short_names=("hpa",),
        categories=("all",),
        subresources=(status(),),
        columns=(
            NAME,
            Column("Reference", _scale_reference),
            Column("Targets", lambda o, _: "<unknown>"),
            Column(
                "MinPods", lambda o, _: str(read(o, "spec.minReplicas") or "<unset>")
            ),
            integer("MaxPods", "spec.maxReplicas"),
            integer("Replicas", "status.currentReplicas"),
            AGE,
        ),
        strategy=HorizontalPodAutoscalerStrategy(),
    ),
    _v1(
        "certificates.k8s.io",
        "certificatesigningrequests",
        "CertificateSigningRequest",
        namespaced=False,
        short_names=("csr",),
        subresources=(part_of_object("approval"), status()),
        columns=(
            NAME,
            AGE,
            text("SignerName", "spec.signerName"),
            text("Requestor", "spec.username"),
            Column("RequestedDuration", _requested_duration),
            Column("Condition", _csr_condition),
        ),
        strategy=CertificateSigningRequestStrategy(),
    ),
    _v1(
        "networking.k8s.io",
        "ingressclasses",
        "IngressClass",
        namespaced=False,
        columns=(
            NAME,
            text("Controller", "spec.controller"),
            text("Parameters", "spec.parameters.name", "", NONE),
            AGE,
        ),
    ),
    _v1(
        "networking.k8s.io",
        "ingresses",
        "Ingress",
        namespaced=True,
        short_names=("ing",),
        subresources=(status(),),
        columns=(
            NAME,
            text("Class", "spec.ingressClassName", "", NONE),
            Column("Hosts", _ingress_hosts),
            Column("Address", _ingress_address),
            Column("Ports", _ingress_ports),
            AGE,
        ),
        strategy=SpecStrategy(),
    ),
    _v1(
        "networking.k8s.io",
        "networkpolicies",
        "NetworkPolicy",
        namespaced=True,
        short_names=("netpol",),
        columns=(
            NAME,
            Column(
                "Pod-Selector",
                lambda o, _: label_text(read(o, "spec.podSelector.matchLabels")),
            ),
            AGE,
        ),
        strategy=NetworkPolicyStrategy(),
    ),
    _v1(
        "policy",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        namespaced=True,
        short_names=("pdb",),
        subresources=(status(),),
        columns=(
            NAME,
            Column(
                "Min Available",
                lambda o, _: str(path("spec.minAvailable", "N/A")(o, _)),
            ),
            Column(
                "Max Unavailable",
                lambda o, _: str(path("spec.maxUnavailable", "N/A")(o, _)),
            ),
            integer("Allowed Disruptions", "status.disruptionsAllowed"),
            AGE,
        ),
        strategy=SpecStrategy(),
    ),
    _v1(
        "storage.k8s.io",
        "csidrivers",
        "CSIDriver",
        namespaced=False,
        strategy=RequiresVersion(),
    ),
    _v1("storage.k8s.io", "csinodes", "CSINode", namespaced=False),
    _v1(
        "storage.k8s.io",
        "storageclasses",
        "StorageClass",
        namespaced=False,
        short_names=("sc",),
        columns=(
            NAME,
            text("Provisioner", "provisioner"),
            text("ReclaimPolicy", "reclaimPolicy"),
            text("VolumeBindingMode", "volumeBindingMode"),
            boolean("AllowVolumeExpansion", "allowVolumeExpansion"),
            AGE,
        ),
        strategy=StorageClassStrategy(),
    ),
    _v1(
        "storage.k8s.io",
        "volumeattachments",
        "VolumeAttachment",
        namespaced=False,
        subresources=(status(),),
        strategy=StatusStrategy(),
    ),
    PRIORITY_CLASSES,
    _v1(
        "coordination.k8s.io",
        "leases",
        "Lease",
        namespaced=True,
        columns=(NAME, text("Holder", "spec.holderIdentity"), AGE),
        strategy=LeaseStrategy(),
    ),
    _v1(
        "node.k8s.io",
        "runtimeclasses",
        "RuntimeClass",
        namespaced=False,
        columns=(NAME, text("Handler", "handler"), AGE),
    ),
    _v1(
        "discovery.k8s.io",
        "endpointslices",
        "EndpointSlice",
        namespaced=True,
        columns=(
            NAME,
            text("AddressType", "addressType"),
            Column("Ports", _slice_ports),
            Column("Endpoints", _slice_addresses),
            AGE,
        ),
        strategy=RequiresVersion(),
    ),
)
