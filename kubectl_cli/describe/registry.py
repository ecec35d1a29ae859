"""Which function describes which resource.

Only names stand here: a module is imported when one of its objects is described.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["OWNED", "describer_of"]

_RBAC = "rbac.authorization.k8s.io"
#: (group, resource) -> module.function, of an object and its events.
_PLAIN = {
    ("", "configmaps"): "data.describe_config_map",
    ("", "endpoints"): "endpoints.describe_endpoints",
    ("", "limitranges"): "limits.describe_limit_range",
    ("", "persistentvolumes"): "storage.describe_volume",
    ("", "resourcequotas"): "limits.describe_quota",
    ("", "secrets"): "data.describe_secret",
    ("", "serviceaccounts"): "namespace.describe_service_account",
    ("autoscaling", "horizontalpodautoscalers"): "autoscaler.describe_autoscaler",
    ("batch", "cronjobs"): "job.describe_cron_job",
    ("batch", "jobs"): "job.describe_job",
    ("discovery.k8s.io", "endpointslices"): "endpoints.describe_endpoint_slice",
    ("networking.k8s.io", "ingressclasses"): "network.describe_ingress_class",
    ("networking.k8s.io", "networkpolicies"): "network.describe_network_policy",
    ("policy", "poddisruptionbudgets"): "limits.describe_budget",
    (_RBAC, "clusterrolebindings"): "access.describe_binding",
    (_RBAC, "clusterroles"): "access.describe_role",
    (_RBAC, "rolebindings"): "access.describe_binding",
    (_RBAC, "roles"): "access.describe_role",
    ("scheduling.k8s.io", "priorityclasses"): "limits.describe_priority_class",
    ("storage.k8s.io", "storageclasses"): "storage.describe_storage_class",
}
#: The same, of a WorkloadView.
_WORKLOADS = {
    ("", "replicationcontrollers"): "workload.describe_replication_controller",
    ("apps", "daemonsets"): "workload.describe_daemon_set",
    ("apps", "deployments"): "workload.describe_deployment",
    ("apps", "replicasets"): "workload.describe_replica_set",
    ("apps", "statefulsets"): "workload.describe_stateful_set",
}
_PODS = ("/api/v1", "pods")
#: What a workload owns that its description tells of: root of the API, and resource.
OWNED = dict.fromkeys(_WORKLOADS, _PODS) | {
    ("apps", "deployments"): ("/apis/apps/v1", "replicasets")
}


def describer_of(group: str, resource: str) -> Callable[..., Any] | None:
    """The function, or None for a resource that has no description of its own."""
    key = (group, resource)
    where = _PLAIN.get(key) or _WORKLOADS.get(key)
    if where is None:
        return None
    module, _, name = where.partition(".")
    found: Callable[..., Any] = getattr(
        import_module(f"kubectl_cli.describe.{module}"), name
    )
    return found
