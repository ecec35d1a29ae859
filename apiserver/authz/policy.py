"""What the authorizers need to know, from the objects the server follows in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.meta import namespace_of, namespaced_name
from apiserver.resources.cells import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject
    from apiserver.following import Followed

__all__ = ["NodePods", "RolePolicy"]


class RolePolicy:
    """A `PolicySource` over the four RBAC kinds."""

    def __init__(
        self,
        *,
        cluster_roles: Followed,
        cluster_role_bindings: Followed,
        roles: Followed,
        role_bindings: Followed,
    ) -> None:
        self._cluster_roles = cluster_roles
        self._cluster_role_bindings = cluster_role_bindings
        self._roles = roles
        self._role_bindings = role_bindings

    def cluster_role_bindings(self) -> Iterable[JsonObject]:
        return self._cluster_role_bindings.objects.values()

    def role_bindings(self, namespace: str) -> Iterable[JsonObject]:
        return [
            binding
            for binding in self._role_bindings.objects.values()
            if namespace_of(binding) == namespace
        ]

    def cluster_role(self, name: str) -> JsonObject | None:
        return self._cluster_roles.objects.get(name)

    def role(self, namespace: str, name: str) -> JsonObject | None:
        return self._roles.objects.get(f"{namespace}/{name}")


class NodePods:
    """A `PodSource`: pods by the node they are bound to."""

    def __init__(self, pods: Followed) -> None:
        self._by_node: dict[str, dict[str, JsonObject]] = {}
        pods.observers.append(self._changed)

    def _changed(self, before: JsonObject | None, after: JsonObject | None) -> None:
        if before is not None:
            node = read(before, "spec.nodeName") or ""
            self._by_node.get(node, {}).pop(namespaced_name(before), None)
        if after is not None:
            node = read(after, "spec.nodeName") or ""
            self._by_node.setdefault(node, {})[namespaced_name(after)] = after

    def pods_on(self, node: str) -> Iterable[JsonObject]:
        return self._by_node.get(node, {}).values()
