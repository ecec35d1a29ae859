"""The API's resource types as controllers name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kube_client.resources import Resource

__all__ = [
    "CONFIG_MAPS",
    "DEPLOYMENTS",
    "EVENTS",
    "JOBS",
    "LEASES",
    "NAMESPACES",
    "NODES",
    "PODS",
    "REPLICA_SETS",
    "SERVICE_ACCOUNTS",
    "ResourceType",
]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource type, as discovery tells it."""

    group: str
    version: str
    resource: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects carry it: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def location(self) -> Resource:
        """Where the type lives, as the client wants it."""
        return Resource(self.api_version, self.resource)

    def scope(self, namespace: str) -> str | None:
        """The namespace as the client wants it: None for all of them, or for none."""
        return namespace if namespace and self.namespaced else None


PODS: Final = ResourceType("", "v1", "pods", "Pod")
NODES: Final = ResourceType("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES: Final = ResourceType("", "v1", "namespaces", "Namespace", namespaced=False)
EVENTS: Final = ResourceType("", "v1", "events", "Event")
CONFIG_MAPS: Final = ResourceType("", "v1", "configmaps", "ConfigMap")
SERVICE_ACCOUNTS: Final = ResourceType("", "v1", "serviceaccounts", "ServiceAccount")
DEPLOYMENTS: Final = ResourceType("apps", "v1", "deployments", "Deployment")
REPLICA_SETS: Final = ResourceType("apps", "v1", "replicasets", "ReplicaSet")
JOBS: Final = ResourceType("batch", "v1", "jobs", "Job")
LEASES: Final = ResourceType("coordination.k8s.io", "v1", "leases", "Lease")
