"""Where an object is kept: ``/registry/RESOURCE[/NAMESPACE]/NAME``.

Source: kubernetes/kubernetes pkg/kubeapiserver/default_storage_factory_builder.go and
the registries; the same keys as kube-apiserver's, so that both can use one etcd.
"""

from __future__ import annotations

from typing import Final

from apimachinery.gvk import GroupResource

__all__ = ["ROOT", "object_key", "resource_prefix"]

ROOT: Final = "/registry/"

# Resources whose keys are not named after them.
_SPECIAL: Final = {
    GroupResource("", "nodes"): "minions",
    GroupResource("", "services"): "services/specs",
    GroupResource("", "endpoints"): "services/endpoints",
    GroupResource("", "replicationcontrollers"): "controllers",
    GroupResource("networking.k8s.io", "ingresses"): "ingress",
    # Both event APIs are one storage.
    GroupResource("events.k8s.io", "events"): "events",
    GroupResource("apiregistration.k8s.io", "apiservices"): (
        "apiregistration.k8s.io/apiservices"
    ),
    GroupResource("apiextensions.k8s.io", "customresourcedefinitions"): (
        "apiextensions.k8s.io/customresourcedefinitions"
    ),
}


def resource_prefix(resource: GroupResource, *, custom: bool = False) -> str:
    """The prefix of all objects of a resource; ends with ``/``.

    Custom resources have their group in the key, built-in ones do not.
    """
    if custom:
        return f"{ROOT}{resource.group}/{resource.resource}/"
    return f"{ROOT}{_SPECIAL.get(resource, resource.resource)}/"


def object_key(prefix: str, namespace: str, name: str) -> str:
    """The key of one object; ``namespace`` is empty for cluster-scoped ones."""
    return f"{prefix}{namespace}/{name}" if namespace else f"{prefix}{name}"
