"""The Node object: as it is registered, and its status as it is kept up to date.

Source: kubernetes/kubernetes pkg/kubelet/kubelet_node_status.go,
pkg/kubelet/nodestatus/setters.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apimachinery.meta import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apimachinery.types import JsonObject
    from kubelet.machine import Machine

__all__ = [
    "NodeIdentity",
    "NodeMoment",
    "capacity",
    "initial_node",
    "node_status",
    "status_changes",
]

_MAX_IMAGES = 50
_HEALTHY = (
    (
        "MemoryPressure",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What stays as long as the kubelet runs."""

    name: str
    machine: Machine
    addresses: tuple[str, ...]
    port: int
    max_pods: int
    kubelet_version: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[JsonObject, ...] = ()
    provider_id: str = ""
    shows_proxy_version: bool = False


@dataclass(frozen=True, slots=True)
class NodeMoment:
    """What may differ from one report to the next. `not_ready` is "" when all is well."""

    now: float
    runtime_version: str
    not_ready: str
    images: Sequence[JsonObject] = ()
    runtime_handlers: Sequence[JsonObject] = ()
    features: JsonObject | None = None
    declared_features: tuple[str, ...] = ()


def capacity(machine: Machine, max_pods: int) -> dict[str, str]:
    """What the node has to give, as quantities."""
    return {
        "cpu": str(machine.cpus),
        "ephemeral-storage": f"{machine.storage // 1024}Ki",
        "memory": f"{machine.memory // 1024}Ki",
        "pods": str(max_pods),
    }


def initial_node(identity: NodeIdentity, moment: NodeMoment) -> JsonObject:
    """What is POSTed when the API knows no such node."""
    spec: JsonObject = {}
    if identity.provider_id:
        spec["providerID"] = identity.provider_id
    if identity.taints:
        spec["taints"] = list(identity.taints)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": identity.name,
            "labels": node_labels(identity),
            "annotations": {
                "volumes.kubernetes.io/controller-managed-attach-detach": "true"
            },
        },
        "spec": spec,
        "status": node_status(identity, moment, {}),
    }


def node_labels(identity: NodeIdentity) -> dict[str, str]:
    machine = identity.machine
    return {
        "beta.kubernetes.io/arch": machine.architecture,
        "beta.kubernetes.io/os": machine.operating_system,
        "kubernetes.io/arch": machine.architecture,
        "kubernetes.io/hostname": identity.name,
        "kubernetes.io/os": machine.operating_system,
        **identity.labels,
    }


def node_status(
    identity: NodeIdentity, moment: NodeMoment, previous: JsonObject
) -> JsonObject:
    """The status the kubelet owns; `previous` gives the times of transitions."""
    amounts = capacity(identity.machine, identity.max_pods)
    status: JsonObject = {
        "addresses": [
            *({"type": "InternalIP", "address": ip} for ip in identity.addresses),
            {"type": "Hostname", "address": identity.name},
        ],
        "capacity": amounts,
        "allocatable": amounts,
        "conditions": _conditions(moment, previous),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": identity.port}},
        "nodeInfo": _node_info(identity, moment),
        "images": list(moment.images)[:_MAX_IMAGES],
        "runtimeHandlers": list(moment.runtime_handlers),
    }
    if moment.features is not None:
        status["features"] = moment.features
    # An older kubelet may come after a newer one; then what that declared has to go.
    if moment.declared_features or previous.get("declaredFeatures"):
        status["declaredFeatures"] = sorted(moment.declared_features)
    return status


def _node_info(identity: NodeIdentity, moment: NodeMoment) -> JsonObject:
    machine = identity.machine
    return {
        "machineID": machine.machine_id,
        "systemUUID": machine.system_uuid,
        "bootID": machine.boot_id,
        "kernelVersion": machine.kernel_version,
        "osImage": machine.os_image,
        "containerRuntimeVersion": moment.runtime_version,
        "kubeletVersion": identity.kubelet_version,
        # Empty since 1.33 (gate DisableNodeKubeProxyVersion), but always present.
        "kubeProxyVersion": identity.kubelet_version
        if identity.shows_proxy_version
        else "",
        "operatingSystem": machine.operating_system,
        "architecture": machine.architecture,
    }


def _conditions(moment: NodeMoment, previous: JsonObject) -> list[JsonObject]:
    before = {c["type"]: c for c in previous.get("conditions") or []}
    stated = [(kind, "False", reason, text) for kind, reason, text in _HEALTHY]
    # Ready last: a client that sees it True has seen the others.
    if moment.not_ready:
        stated.append(("Ready", "False", "KubeletNotReady", moment.not_ready))
    else:
        text = "kubelet is posting ready status"
        stated.append(("Ready", "True", "KubeletReady", text))
    now = rfc3339(moment.now)
    conditions = []
    for kind, status, reason, text in stated:
        known = before.get(kind, {})
        since = known.get("lastTransitionTime") if known.get("status") == status else ""
        conditions.append(
            {
                "type": kind,
                "status": status,
                "lastHeartbeatTime": now,
                "lastTransitionTime": since or now,
                "reason": reason,
                "message": text,
            }
        )
    return conditions


def status_changes(old: JsonObject, new: JsonObject) -> JsonObject:
    """The fields of a status that differ; heartbeats alone do not count.

    Addresses and conditions merge by type (their patchMergeKey); a list that got
    shorter says so with `$patch: replace`.
    """
    changes: JsonObject = {}
    for name, value in new.items():
        before = old.get(name)
        if name == "conditions":
            if _without_heartbeat(before or []) != _without_heartbeat(value):
                changes[name] = value
        elif before != value and not (not before and not value):
            changes[name] = value
    if "addresses" in changes:
        changes["addresses"] = [*changes["addresses"], {"$patch": "replace"}]
    return changes


def _without_heartbeat(conditions: Sequence[JsonObject]) -> list[JsonObject]:
    return [
        {name: value for name, value in c.items() if name != "lastHeartbeatTime"}
        for c in conditions
        if c["type"] in _OWNED
    ]


_OWNED = frozenset({"Ready", *(kind for kind, _, _ in _HEALTHY)})
