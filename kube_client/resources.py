"""Where a resource lives below the server's URL.

Source: kubernetes.io "Kubernetes API Concepts", resource URIs.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

__all__ = [
    "CONFIG_MAPS",
    "EVENTS",
    "LEASES",
    "NAMESPACES",
    "NODES",
    "PODS",
    "RUNTIME_CLASSES",
    "SECRETS",
    "SERVICES",
    "SERVICE_ACCOUNTS",
    "SUBJECT_ACCESS_REVIEWS",
    "TOKEN_REVIEWS",
    "Resource",
]


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection of the API: `Resource("v1", "pods")`, `Resource("apps/v1", …)`."""

    api_version: str
    plural: str

    @property
    def root(self) -> str:
        """`/api/v1` or `/apis/GROUP/VERSION`."""
        grouped = "/" in self.api_version
        return f"/{'apis' if grouped else 'api'}/{self.api_version}"

    def path(
        self,
        name: str = "",
        *,
        namespace: str | None = None,
        subresource: str = "",
        query: dict[str, str] | None = None,
    ) -> str:
        """The request target of the collection, an object, or a subresource of it.

        `namespace` None means the whole cluster, or a resource without namespaces.
        """
        parts = [self.root]
        if namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        target = "/".join(parts)
        return f"{target}?{urlencode(query)}" if query else target

    @property
    def group_resource(self) -> str:
        """`pods`, `deployments.apps`: how messages name it."""
        group, slash, _ = self.api_version.rpartition("/")
        return f"{self.plural}.{group}" if slash else self.plural


CONFIG_MAPS = Resource("v1", "configmaps")
EVENTS = Resource("v1", "events")
LEASES = Resource("coordination.k8s.io/v1", "leases")
NAMESPACES = Resource("v1", "namespaces")
NODES = Resource("v1", "nodes")
PODS = Resource("v1", "pods")
RUNTIME_CLASSES = Resource("node.k8s.io/v1", "runtimeclasses")
SECRETS = Resource("v1", "secrets")
SERVICES = Resource("v1", "services")
SERVICE_ACCOUNTS = Resource("v1", "serviceaccounts")
SUBJECT_ACCESS_REVIEWS = Resource("authorization.k8s.io/v1", "subjectaccessreviews")
TOKEN_REVIEWS = Resource("authentication.k8s.io/v1", "tokenreviews")
