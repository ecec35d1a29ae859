"""What must be in the store before clients come: namespaces, roles, the service.

Source: kubernetes/kubernetes pkg/controlplane/controller/{systemnamespaces,
kubernetesservice}, pkg/registry/rbac/rest/storage_rbac.go, and
pkg/registry/scheduling/rest/storage_scheduling.go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from apimachinery.status import StatusError
from apiserver.authz.bootstrap import bootstrap_objects
from apiserver.resources.core import SERVICE_ACCOUNTS
from apiserver.resources.namespaces import NAMESPACES
from apiserver.resources.others import PRIORITY_CLASSES
from apiserver.resources.services import SERVICES

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Resource
    from apiserver.services import Services

__all__ = ["SYSTEM_NAMESPACES", "ensure_namespaces", "ensure_roles_and_classes"]

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_RBAC = "rbac.authorization.k8s.io"
_SERVICE_ADDRESS = "10.96.0.1"


async def ensure_namespaces(services: Services) -> None:
    """The namespaces, their default accounts, and the service `kubernetes`.

    The accounts are a controller's work upstream; they are made here, too, so that the
    first pod need not wait for a controller to start.
    """
    await asyncio.gather(
        *(
            _ensure(services, NAMESPACES, "", _object("v1", "Namespace", name))
            for name in SYSTEM_NAMESPACES
        )
    )
    await asyncio.gather(
        *(
            _ensure(
                services,
                SERVICE_ACCOUNTS,
                namespace,
                _object("v1", "ServiceAccount", "default"),
            )
            for namespace in SYSTEM_NAMESPACES
        ),
        _ensure(services, SERVICES, "default", _kubernetes_service(services)),
    )


async def ensure_roles_and_classes(services: Services) -> None:
    """Default roles and bindings, and the two system priority classes."""
    work = []
    for resource_name, obj in bootstrap_objects():
        resource = services.registry.find(_RBAC, "v1", resource_name)
        if resource is not None:
            work.append(_ensure(services, resource, "", obj))
    for name, value in (
        ("system-cluster-critical", 2_000_000_000),
        ("system-node-critical", 2_000_001_000),
    ):
        priority = _object("scheduling.k8s.io/v1", "PriorityClass", name)
        work.append(
            _ensure(services, PRIORITY_CLASSES, "", {**priority, "value": value})
        )
    await asyncio.gather(*work)


def _object(api_version: str, kind: str, name: str) -> JsonObject:
    return {"kind": kind, "apiVersion": api_version, "metadata": {"name": name}}


def _kubernetes_service(services: Services) -> JsonObject:
    _, _, port = services.server_address.rpartition(":")
    service = _object("v1", "Service", "kubernetes")
    service["metadata"]["labels"] = {
        "component": "apiserver",
        "provider": "kubernetes",
    }
    service["spec"] = {
        "clusterIP": _SERVICE_ADDRESS,
        "ports": [
            {
                "name": "https",
                "port": 443,
                "protocol": "TCP",
                "targetPort": int(port or 443),
            }
        ],
    }
    return service


async def _ensure(
    services: Services, resource: Resource, namespace: str, obj: JsonObject
) -> None:
    """Make an object unless it is there; what users changed stays."""
    key = resource.key(namespace, obj["metadata"]["name"])
    if await services.store.get(key) is not None:
        return
    try:
        await services.objects.create(resource, namespace, obj)
    except StatusError as refusal:
        if refusal.reason != "AlreadyExists":
            raise
