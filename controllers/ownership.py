"""Who owns whom: the graph that garbage collection works on. Pure.

Source: kubernetes/kubernetes pkg/controller/garbagecollector/graph.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.meta import name_of, namespace_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject
    from controllers.resources import ResourceType

__all__ = ["Node", "OwnershipGraph", "Reference"]


@dataclass(frozen=True, slots=True)
class Reference:
    """An ownerReference. It has no namespace: owners are beside or above."""

    api_version: str
    kind: str
    name: str
    uid: str
    blocks_deletion: bool

    @classmethod
    def of(cls, value: JsonObject) -> Reference:
        return cls(
            str(value.get("apiVersion", "")),
            str(value.get("kind", "")),
            str(value.get("name", "")),
            str(value.get("uid", "")),
            bool(value.get("blockOwnerDeletion")),
        )


@dataclass(frozen=True, slots=True)
class Node:
    """An object, by what garbage collection needs of it."""

    resource: ResourceType
    namespace: str
    name: str
    uid: str
    owners: tuple[Reference, ...]
    finalizers: tuple[str, ...]
    is_deleting: bool

    @classmethod
    def of(cls, resource: ResourceType, obj: JsonObject) -> Node:
        metadata = obj["metadata"]
        owners = metadata.get("ownerReferences") or []
        return cls(
            resource=resource,
            namespace=namespace_of(obj),
            name=name_of(obj),
            uid=uid_of(obj),
            owners=tuple(map(Reference.of, owners)),
            finalizers=tuple(metadata.get("finalizers") or ()),
            is_deleting=bool(metadata.get("deletionTimestamp")),
        )

    @property
    def object(self) -> JsonObject:
        """As much of the object as names it."""
        return {"metadata": {"name": self.name, "namespace": self.namespace}}

    def __str__(self) -> str:
        return f"{self.resource.resource} {self.namespace}/{self.name}"

    def waits_for(self, finalizer: str) -> bool:
        """Whether it is being deleted and this finalizer holds it."""
        return self.is_deleting and finalizer in self.finalizers


class OwnershipGraph:
    """All objects by uid, and their dependents."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._dependents: dict[str, set[str]] = {}

    def get(self, uid: str) -> Node | None:
        return self._nodes.get(uid)

    def put(self, node: Node) -> None:
        """An object is there, or has changed."""
        self.remove(node.uid)
        self._nodes[node.uid] = node
        for owner in node.owners:
            self._dependents.setdefault(owner.uid, set()).add(node.uid)

    def remove(self, uid: str) -> Node | None:
        """An object is gone."""
        node = self._nodes.pop(uid, None)
        if node is None:
            return None
        for owner in node.owners:
            dependents = self._dependents.get(owner.uid, set())
            dependents.discard(uid)
            if not dependents:
                self._dependents.pop(owner.uid, None)
        return node

    def dependents(self, uid: str) -> Iterator[Node]:
        """The objects that name this uid as an owner."""
        for dependent in sorted(self._dependents.get(uid, ())):
            yield self._nodes[dependent]

    def blockers(self, uid: str) -> list[Node]:
        """The dependents that a foreground deletion has to wait for."""
        return [
            node
            for node in self.dependents(uid)
            if any(ref.uid == uid and ref.blocks_deletion for ref in node.owners)
        ]
