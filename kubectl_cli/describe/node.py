"""A node, described.

Source: kubernetes/kubectl pkg/describe/describe.go describeNode, describeNodeResource.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.quantity import Quantity
from kubectl_cli.clock import age
from kubectl_cli.describe.writer import Description, date

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject

__all__ = ["NodeView", "describe_node"]

_ROLE = "node-role.kubernetes.io/"
_STANDARD = ("cpu", "memory", "ephemeral-storage")
_SYSTEM = (
    ("Machine ID", "machineID"),
    ("System UUID", "systemUUID"),
    ("Boot ID", "bootID"),
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
)


@dataclass(frozen=True, slots=True)
class NodeView:
    """What the server said of a node.

    `lease_error` is why there is no lease; `pods` None means we may not see them.
    """

    node: JsonObject
    lease: JsonObject | None
    lease_error: str
    pods: list[JsonObject] | None
    events: list[JsonObject] | None


def describe_node(view: NodeView) -> str:
    """The whole text."""
    out = Description()
    node, spec = view.node, view.node.get("spec") or {}
    status = node.get("status") or {}
    _identity(out, node, spec)
    _lease(out, view)
    _conditions(out, status)
    out.line("Addresses:")
    for each in status.get("addresses") or ():
        out.line(f"{each['type']}:\t{each['address']}", 1)
    for title, key in (("Capacity", "capacity"), ("Allocatable", "allocatable")):
        amounts = status.get(key)
        if amounts:
            out.line(f"{title}:")
            for name in sorted(amounts):
                out.line(f"{name}:\t{amounts[name]}", 1)
    info = status.get("nodeInfo") or {}
    out.line("System Info:")
    for title, key in _SYSTEM:
        out.line(f"{title}:\t{info.get(key) or ''}", 1)
    if proxy := info.get("kubeProxyVersion"):  # gone from nodes since 1.33
        out.line(f"Kube-Proxy Version:\t{proxy}", 1)
    if spec.get("podCIDR"):
        out.line(f"PodCIDR:\t{spec['podCIDR']}")
    if spec.get("podCIDRs"):
        out.line(f"PodCIDRs:\t{','.join(spec['podCIDRs'])}")
    if spec.get("providerID"):
        out.line(f"ProviderID:\t{spec['providerID']}")
    if view.pods is None:
        out.line("Pods:\tnot authorized")
    else:
        _pods(out, view.pods, status.get("allocatable") or status.get("capacity") or {})
    out.events(view.events)
    return out.render()


def _identity(out: Description, node: JsonObject, spec: JsonObject) -> None:
    metadata = node["metadata"]
    labels: dict[str, str] = metadata.get("labels") or {}
    out.line(f"Name:\t{metadata['name']}")
    out.line(f"Roles:\t{','.join(_roles(labels)) or '<none>'}")
    out.labels("Labels", labels)
    out.annotations(metadata.get("annotations"))
    out.line(f"CreationTimestamp:\t{date(metadata.get('creationTimestamp'))}")
    out.listed("Taints", sorted(map(_taint, spec.get("taints") or ())))
    out.line(f"Unschedulable:\t{'true' if spec.get('unschedulable') else 'false'}")


def _roles(labels: dict[str, str]) -> list[str]:
    roles = {key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE)}
    if value := labels.get("kubernetes.io/role"):
        roles.add(value)
    return sorted(role for role in roles if role)


def _taint(taint: JsonObject) -> str:
    text = str(taint["key"])
    if taint.get("value"):
        text += f"={taint['value']}"
    return f"{text}:{taint['effect']}" if taint.get("effect") else text


def _lease(out: Description, view: NodeView) -> None:
    if view.lease_error:
        out.line(f"Lease:\tFailed to get lease: {view.lease_error}")
        return
    out.line("Lease:")
    spec = (view.lease or {}).get("spec") or {}
    out.line(f"HolderIdentity:\t{spec.get('holderIdentity') or '<unset>'}", 1)
    for title, key in (("AcquireTime", "acquireTime"), ("RenewTime", "renewTime")):
        value = date(spec[key]) if spec.get(key) else "<unset>"
        out.line(f"{title}:\t{value}", 1)


def _conditions(out: Description, status: JsonObject) -> None:
    conditions = status.get("conditions") or ()
    if not conditions:
        return
    headers = [
        "Type",
        "Status",
        "LastHeartbeatTime",
        "LastTransitionTime",
        "Reason",
        "Message",
    ]
    out.line("Conditions:")
    out.line("\t".join(headers), 1)
    out.line("\t".join("-" * len(header) for header in headers), 1)
    for each in conditions:
        cells = [
            f"{each['type']} ",
            f"{each['status']} ",
            f"{date(each.get('lastHeartbeatTime'))} ",
            f"{date(each.get('lastTransitionTime'))} ",
            f"{each.get('reason') or ''} ",
            each.get("message") or "",
        ]
        out.line("\t".join(cells), 1)


def _pods(out: Description, pods: list[JsonObject], allocatable: JsonObject) -> None:
    out.line(f"Non-terminated Pods:\t({len(pods)} in total)")
    out.line(
        "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits"
        "\tAge",
        1,
    )
    out.line(
        "---------\t----\t\t------------\t----------\t---------------\t-------------"
        "\t---",
        1,
    )
    totals: tuple[_Amounts, _Amounts] = ({}, {})
    for pod in pods:
        requests, limits = pod_resources(pod)
        cells = [
            _share(amounts, name, allocatable)
            for name in ("cpu", "memory")
            for amounts in (requests, limits)
        ]
        metadata = pod["metadata"]
        head = f"{metadata['namespace']}\t{metadata['name']}\t"
        since = age(metadata.get("creationTimestamp"))
        out.line("\t".join([head, *cells, since]), 1)
        for total, amounts in zip(totals, (requests, limits), strict=True):
            _add(total, amounts)
    _allocated(out, totals, allocatable)


def _allocated(
    out: Description, totals: tuple[_Amounts, _Amounts], allocatable: JsonObject
) -> None:
    out.line("Allocated resources:")
    out.line("(Total limits may be over 100 percent, i.e., overcommitted.)", 1)
    out.line("Resource\tRequests\tLimits", 1)
    out.line("--------\t--------\t------", 1)
    requests, limits = totals
    for name in _STANDARD:
        cells = [name, *(_share(each, name, allocatable) for each in totals)]
        out.line("\t".join(cells), 1)
    for name in sorted(allocatable):
        if name not in (*_STANDARD, "pods"):
            asked, most = requests.get(name, _ZERO), limits.get(name, _ZERO)
            out.line(f"{name}\t{asked}\t{most}", 1)


_Amounts = dict[str, Quantity]
_ZERO = Quantity.parse("0")


def _share(amounts: _Amounts, name: str, allocatable: JsonObject) -> str:
    """`100m (5%)`: an amount and its part of what the node has."""
    amount = amounts.get(name, _ZERO)
    whole = Quantity.parse(allocatable.get(name) or "0").amount
    percent = int(amount.amount * 100 / whole) if whole else 0
    return f"{amount} ({percent}%)"


def _add(total: _Amounts, amounts: _Amounts) -> None:
    for name, amount in amounts.items():
        total[name] = total[name] + amount if name in total else amount


def pod_resources(pod: JsonObject) -> tuple[_Amounts, _Amounts]:
    """Requests and limits of a pod: its containers together, or an init container's
    where that is more; sidecars count with both.

    Source: kubernetes/component-helpers resource/helpers.go PodRequests, PodLimits.
    """
    spec = pod.get("spec") or {}
    return _pod_amounts(spec, "requests"), _pod_amounts(spec, "limits")


def _pod_amounts(spec: JsonObject, key: str) -> _Amounts:
    total = _sum(spec.get("containers") or (), key)
    sidecars: _Amounts = {}
    most: _Amounts = {}
    for each in spec.get("initContainers") or ():
        own = _sum([each], key)
        if each.get("restartPolicy") == "Always":
            _add(total, own)
            _add(sidecars, own)
            own = dict(sidecars)
        else:
            _add(own, sidecars)
        _raise_to(most, own)
    _raise_to(total, most)
    overhead = {k: Quantity.parse(v) for k, v in (spec.get("overhead") or {}).items()}
    if key == "requests" or total:
        for name, amount in overhead.items():
            if key == "requests" or name in total:
                _add(total, {name: amount})
    return total


def _sum(containers: Iterable[JsonObject], key: str) -> _Amounts:
    total: _Amounts = {}
    for each in containers:
        amounts = (each.get("resources") or {}).get(key) or {}
        _add(total, {name: Quantity.parse(value) for name, value in amounts.items()})
    return total


def _raise_to(total: _Amounts, other: _Amounts) -> None:
    for name, amount in other.items():
        if name not in total or total[name] < amount:
            total[name] = amount
