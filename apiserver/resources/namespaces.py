"""Namespaces, which end in two steps.

A DELETE sets the phase Terminating; a controller empties the namespace and takes
"kubernetes" off `spec.finalizers` with PUT `/finalize`; then the object goes.

Source: kubernetes/kubernetes pkg/registry/core/namespace/{strategy.go,storage}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from apiserver.resources.cells import AGE, NAME, read, text
from apiserver.resources.registry import ALL_VERBS, Resource, Subresource, status
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["NAMESPACES", "NamespaceStrategy"]

_NAME_LABEL = "kubernetes.io/metadata.name"


class NamespaceStrategy(Strategy):
    has_status: ClassVar = True
    selectable_fields: ClassVar = {"status.phase": "status.phase"}

    def name_rule(self) -> str:
        return "label"

    def default(self, obj: JsonObject) -> None:
        metadata = obj["metadata"]
        labels = metadata["labels"] = metadata.get("labels") or {}
        if metadata.get("name"):
            labels[_NAME_LABEL] = metadata["name"]

    def prepare_for_create(self, obj: JsonObject) -> None:
        obj["status"] = {"phase": "Active"}
        spec = obj["spec"] = obj.get("spec") or {}
        finalizers = spec.get("finalizers") or []
        if "kubernetes" not in finalizers:
            spec["finalizers"] = [*finalizers, "kubernetes"]

    def prepare_for_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> None:
        match subresource:
            case "finalize":
                new["status"] = old.get("status") or {}
            case "status":
                new["spec"] = old.get("spec") or {}
            case _:
                new["spec"] = old.get("spec") or {}
                new["status"] = old.get("status") or {}

    def finalizers_for_delete(self, obj: JsonObject) -> bool:
        return bool(read(obj, "spec.finalizers"))

    def begin_deletion(self, obj: JsonObject) -> None:
        obj["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}


NAMESPACES = Resource(
    "",
    "v1",
    "namespaces",
    "Namespace",
    namespaced=False,
    short_names=("ns",),
    # Nobody may sweep all namespaces away with one request.
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
    subresources=(status(), Subresource("finalize", ("update",), action="object")),
    columns=(NAME, text("Status", "status.phase", "Whether it takes objects."), AGE),
    strategy=NamespaceStrategy(),
)
