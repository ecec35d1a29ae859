"""The declaration language of API resources, and the registry that holds them.

Everything the server says about a kind is read from one `Resource` value: its
routes, its discovery entry, its authorization attributes, its short names and
its table columns. A handler is given a `Resource` and never asks which one.

Source of the shapes: kubernetes/apimachinery pkg/apis/meta/v1 APIResource;
kubernetes/apiserver pkg/endpoints/installer.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apimachinery.gvk import GroupKind, GroupResource
from apimachinery.types import JsonObject
from apiserver.resources.strategy import Strategy
from apiserver.storage.keys import object_key, resource_prefix

__all__ = [
    "ALL_VERBS",
    "Column",
    "Registry",
    "Resource",
    "StoredForm",
    "Subresource",
    "connect",
    "part_of_object",
    "post_only",
    "read_only",
    "scale",
    "status",
]

Cell = Callable[[JsonObject, float], Any]

ALL_VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the server-side table; `cell` computes it at a Unix time."""

    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    wide: bool = False
    description: str = ""

    def definition(self) -> JsonObject:
        """The TableColumnDefinition; all five keys are always present."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": int(self.wide),
        }


@dataclass(frozen=True, slots=True)
class Subresource:
    """A path below an object. `action` names the handler that serves it."""

    name: str
    verbs: tuple[str, ...]
    action: str
    kind: str = ""
    group: str = ""
    version: str = ""
    streams: bool = False
    """The request may live on after its answer: exec, attach, log, portforward."""


def status() -> Subresource:
    """`/status`: the half of the object that controllers write."""
    return Subresource("status", ("get", "patch", "update"), action="object")


def scale() -> Subresource:
    """`/scale`: an autoscaling/v1 Scale in front of `spec.replicas`."""
    return Subresource(
        "scale", ("get", "patch", "update"), "scale", "Scale", "autoscaling", "v1"
    )


def part_of_object(name: str) -> Subresource:
    """A path that reads and writes one part of the object itself."""
    return Subresource(name, ("get", "patch", "update"), action="object")


def read_only(name: str, action: str, *, streams: bool = False) -> Subresource:
    """A path that only answers GET."""
    return Subresource(name, ("get",), action, streams=streams)


def post_only(
    name: str, kind: str, action: str, group: str = "", version: str = ""
) -> Subresource:
    """A path that takes one object of another kind by POST."""
    return Subresource(name, ("create",), action, kind, group, version)


def connect(
    name: str, kind: str, verbs: tuple[str, ...] = ("create", "get")
) -> Subresource:
    """A path whose connection is handed to the kubelet."""
    return Subresource(name, verbs, action="connect", kind=kind, streams=True)


@dataclass(frozen=True, slots=True)
class StoredForm:
    """How objects of one version are kept as another's.

    Both functions return a new object and leave their argument alone.
    """

    api_version: str
    to_stored: Callable[[JsonObject], JsonObject]
    from_stored: Callable[[JsonObject], JsonObject]


@dataclass(frozen=True, slots=True)
class Resource:
    """All that the server knows about one kind in one version."""

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Column, ...] = ()
    strategy: Strategy = field(default_factory=Strategy)
    singular: str = ""
    stored_as: StoredForm | None = None
    """Set when the objects are kept as another version's."""
    action: str = "object"
    """`object` is stored; anything else names the handler that answers POST."""
    hidden: bool = False
    """Served for clients that know its path, but not shown in discovery."""
    row_conditions: Callable[[JsonObject], list[JsonObject]] | None = None
    """Conditions of a table row, by which clients hide finished objects."""

    @property
    def group_version(self) -> str:
        """`v1` or `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> GroupResource:
        """`pods` or `deployments.apps`, as error texts name it."""
        return GroupResource(self.group, self.resource)

    @property
    def group_kind(self) -> GroupKind:
        """`Pod` or `Deployment.apps`, as validation errors name it."""
        return GroupKind(self.group, self.kind)

    @property
    def singular_name(self) -> str:
        return self.singular or self.kind.lower()

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def storage_prefix(self) -> str:
        """Where the objects lie in the store, ending with a slash."""
        return resource_prefix(self.group_resource)

    def subresource(self, name: str) -> Subresource | None:
        return next((s for s in self.subresources if s.name == name), None)

    def key(self, namespace: str, name: str) -> str:
        """The store key of one object; a namespace means nothing to a cluster's own."""
        namespace = namespace if self.namespaced else ""
        return object_key(self.storage_prefix, namespace, name)


class Registry:
    """The resources that are served, by group and version, in discovery order."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._groups: dict[str, dict[str, dict[str, Resource]]] = {}
        self._hidden: dict[tuple[str, str, str], Resource] = {}
        self.generation = 0
        for resource in resources:
            self.add(resource)

    def add(self, resource: Resource) -> None:
        if resource.hidden:
            key = (resource.group, resource.version, resource.resource)
            self._hidden[key] = resource
            return
        versions = self._groups.setdefault(resource.group, {})
        versions.setdefault(resource.version, {})[resource.resource] = resource
        self.generation += 1

    def remove(self, resource: Resource) -> None:
        """Stop serving a kind (a CustomResourceDefinition was deleted)."""
        versions = self._groups[resource.group]
        del versions[resource.version][resource.resource]
        if not versions[resource.version]:
            del versions[resource.version]
        if not versions:
            del self._groups[resource.group]
        self.generation += 1

    def find(self, group: str, version: str, resource: str) -> Resource | None:
        found = self._groups.get(group, {}).get(version, {}).get(resource)
        return found or self._hidden.get((group, version, resource))

    def by_kind(self, group: str, kind: str) -> Resource | None:
        """The resource of a kind in the preferred version of its group."""
        return next(
            (
                resource
                for versions in self._groups.get(group, {}).values()
                for resource in versions.values()
                if resource.kind == kind and resource.action == "object"
            ),
            None,
        )

    def groups(self) -> Iterator[str]:
        """Group names in the order of discovery; "" is the core group."""
        yield from self._groups

    def versions(self, group: str) -> Mapping[str, Mapping[str, Resource]]:
        """Versions of a group, the preferred one first."""
        return self._groups.get(group, {})

    def __iter__(self) -> Iterator[Resource]:
        for versions in self._groups.values():
            for resources in versions.values():
                yield from resources.values()
