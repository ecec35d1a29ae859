"""Nodes.

Source: kubernetes/kubernetes pkg/registry/core/node/strategy.go; columns as
pkg/printers/internalversion/printers.go, printNode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.resources.cells import AGE, NAME, joined, path, read, wide
from apiserver.resources.registry import Column, Resource, Subresource, status
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.field_errors import FieldError
    from apimachinery.types import JsonObject

__all__ = ["NODES", "NodeStrategy"]

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


class NodeStrategy(Strategy):
    has_status: ClassVar = True
    selectable_fields: ClassVar = {"spec.unschedulable": "spec.unschedulable"}

    def initial_status(self, obj: JsonObject) -> JsonObject:
        """Unlike others a node comes with its status: the kubelet registers it so."""
        return obj.get("status") or {}

    def default(self, obj: JsonObject) -> None:
        obj.setdefault("spec", {})
        state = obj.get("status") or {}
        if state.get("capacity") and not state.get("allocatable"):
            state["allocatable"] = dict(state["capacity"])

    def field_value(self, obj: JsonObject, label: str) -> str | None:
        if label == "spec.unschedulable":
            return "true" if read(obj, label) else "false"
        return super().field_value(obj, label)

    def validate(self, obj: JsonObject) -> list[FieldError]:
        return []


def _node_status(node: JsonObject, now: float) -> str:
    conditions = read(node, "status.conditions") or ()
    ready = next((c for c in conditions if c.get("type") == "Ready"), None)
    if ready is None:
        word = "Unknown"
    else:
        word = "Ready" if ready.get("status") == "True" else "NotReady"
    if read(node, "spec.unschedulable"):
        word += ",SchedulingDisabled"
    return word


def _roles(node: JsonObject, now: float) -> str:
    roles = set()
    for label, value in (read(node, "metadata.labels") or {}).items():
        if label.startswith(_ROLE_PREFIX) and label != _ROLE_PREFIX:
            roles.add(label.removeprefix(_ROLE_PREFIX))
        elif label == _ROLE_LABEL and value:
            roles.add(value)
    return joined(sorted(roles))


def _address(kind: str) -> Column:
    def cell(node: JsonObject, now: float) -> str:
        return next(
            (
                str(address.get("address"))
                for address in read(node, "status.addresses") or ()
                if address.get("type") == f"{kind}IP"
            ),
            "<none>",
        )

    return Column(f"{kind}-IP", cell, wide=True, description="The node's address.")


def _kernel(node: JsonObject, now: float) -> str:
    """The kernel's release; since 1.34 with the architecture behind it."""
    release = read(node, "status.nodeInfo.kernelVersion")
    architecture = read(node, "status.nodeInfo.architecture")
    if not release:
        return "<unknown>"
    return f"{release} ({architecture})" if architecture else str(release)


NODES = Resource(
    "",
    "v1",
    "nodes",
    "Node",
    namespaced=False,
    short_names=("no",),
    subresources=(
        status(),
        Subresource(
            "proxy",
            ("create", "delete", "get", "patch", "update"),
            action="node_proxy",
            kind="NodeProxyOptions",
            streams=True,
        ),
    ),
    columns=(
        NAME,
        Column("Status", _node_status, description="Whether it takes pods."),
        Column("Roles", _roles, description="Roles given to it by labels."),
        AGE,
        Column(
            "Version",
            path("status.nodeInfo.kubeletVersion"),
            description="Version of its kubelet.",
        ),
        _address("Internal"),
        _address("External"),
        wide("OS-Image", "status.nodeInfo.osImage", "", "<unknown>"),
        Column("Kernel-Version", _kernel, wide=True),
        wide(
            "Container-Runtime",
            "status.nodeInfo.containerRuntimeVersion",
            "",
            "<unknown>",
        ),
    ),
    strategy=NodeStrategy(),
)
