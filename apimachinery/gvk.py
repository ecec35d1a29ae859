"""Group, version, kind and resource names, and how they print.

Source: kubernetes/apimachinery pkg/runtime/schema/group_version.go.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "GroupKind",
    "GroupResource",
    "GroupVersion",
    "GroupVersionKind",
    "GroupVersionResource",
    "as_group_kind",
    "as_group_resource",
]


@dataclass(frozen=True, slots=True)
class GroupKind:
    """``Pod`` or ``Deployment.apps``."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True)
class GroupResource:
    """``pods`` or ``deployments.apps``."""

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class GroupVersion:
    """``v1`` or ``apps/v1``: the text of an ``apiVersion`` field."""

    group: str
    version: str

    def __str__(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @classmethod
    def parse(cls, text: str) -> GroupVersion:
        """Read an ``apiVersion``.

        Raises:
            ValueError: more than one slash.
        """
        if text.count("/") > 1:
            raise ValueError(f"unexpected GroupVersion string: {text}")
        group, _, version = text.rpartition("/")
        return cls(group, version)

    def with_kind(self, kind: str) -> GroupVersionKind:
        return GroupVersionKind(self.group, self.version, kind)

    def with_resource(self, resource: str) -> GroupVersionResource:
        return GroupVersionResource(self.group, self.version, resource)


@dataclass(frozen=True, slots=True)
class GroupVersionKind:
    """The full name of a type; prints as Go does: ``apps/v1, Kind=Deployment``."""

    group: str
    version: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.version}, Kind={self.kind}"

    @property
    def api_version(self) -> str:
        return str(GroupVersion(self.group, self.version))

    @property
    def group_version(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @classmethod
    def of(cls, api_version: str, kind: str) -> GroupVersionKind:
        """Build from the two fields of an object."""
        return GroupVersion.parse(api_version).with_kind(kind)


@dataclass(frozen=True, slots=True)
class GroupVersionResource:
    """The full name of a collection; prints ``apps/v1, Resource=deployments``."""

    group: str
    version: str
    resource: str

    def __str__(self) -> str:
        return f"{self.group}/{self.version}, Resource={self.resource}"

    @property
    def api_version(self) -> str:
        return str(GroupVersion(self.group, self.version))

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.resource)


def as_group_resource(resource: GroupResource | str) -> GroupResource:
    """Accept ``"deployments.apps"`` where a GroupResource is meant."""
    if isinstance(resource, GroupResource):
        return resource
    name, _, group = resource.partition(".")
    return GroupResource(group, name)


def as_group_kind(kind: GroupKind | str) -> GroupKind:
    """Accept ``"Deployment.apps"`` where a GroupKind is meant."""
    if isinstance(kind, GroupKind):
        return kind
    name, _, group = kind.partition(".")
    return GroupKind(group, name)
