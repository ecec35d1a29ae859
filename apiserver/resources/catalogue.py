"""Every built-in kind, in the order of discovery (which `kubectl get all` follows)."""

from __future__ import annotations

from apiserver.resources.core import CORE_RESOURCES
from apiserver.resources.events import CORE_EVENTS, EVENTS_V1
from apiserver.resources.namespaces import NAMESPACES
from apiserver.resources.nodes import NODES
from apiserver.resources.others import OTHERS
from apiserver.resources.pods import PODS
from apiserver.resources.rbac import RBAC
from apiserver.resources.registry import Registry, Resource
from apiserver.resources.reviews import AUTHENTICATION, AUTHORIZATION, BINDINGS
from apiserver.resources.services import SERVICES
from apiserver.resources.volumes import VOLUMES
from apiserver.resources.workloads import WORKLOADS

__all__ = ["built_in_registry"]

# The group priorities of kubernetes/kubernetes pkg/controlplane/apiserver/aggregator.go.
_GROUPS = (
    "",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
)
_BUILT_IN: tuple[Resource, ...] = (
    *CORE_RESOURCES,
    BINDINGS,
    CORE_EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SERVICES,
    *VOLUMES,
    *WORKLOADS,
    EVENTS_V1,
    *AUTHENTICATION,
    *AUTHORIZATION,
    *RBAC,
    *OTHERS,
)


def built_in_registry() -> Registry:
    """A new registry with all built-in kinds."""
    order = {group: position for position, group in enumerate(_GROUPS)}
    return Registry(sorted(_BUILT_IN, key=lambda resource: order[resource.group]))
