"""Which commands there are, and the module that carries each out.

Only names stand here: a module is imported when its command is typed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ALIASES", "COMMANDS", "GROUPS", "suggest"]

#: Command path to module of kubectl_cli.verbs, in the order of help.
COMMANDS = {
    "create": "create",
    "create clusterrole": "create_role",
    "create clusterrolebinding": "create_binding",
    "create configmap": "create_configmap",
    "create cronjob": "create_cronjob",
    "create deployment": "create_deployment",
    "create ingress": "create_ingress",
    "create job": "create_job",
    "create namespace": "create_namespace",
    "create poddisruptionbudget": "create_pdb",
    "create priorityclass": "create_priorityclass",
    "create quota": "create_quota",
    "create role": "create_role",
    "create rolebinding": "create_binding",
    "create secret docker-registry": "create_secret_docker",
    "create secret generic": "create_secret",
    "create secret tls": "create_secret_tls",
    "create service clusterip": "create_service",
    "create service externalname": "create_service",
    "create service loadbalancer": "create_service",
    "create service nodeport": "create_service",
    "create serviceaccount": "create_serviceaccount",
    "create token": "create_token",
    "expose": "expose",
    "run": "run",
    "set env": "set_env",
    "set image": "set_image",
    "set resources": "set_resources",
    "set selector": "set_selector",
    "set serviceaccount": "set_serviceaccount",
    "set subject": "set_subject",
    "explain": "explain",
    "get": "get",
    "edit": "edit",
    "delete": "delete",
    "rollout history": "rollout_history",
    "rollout pause": "rollout_change",
    "rollout restart": "rollout_change",
    "rollout resume": "rollout_change",
    "rollout status": "rollout_status",
    "rollout undo": "rollout_undo",
    "scale": "scale",
    "autoscale": "autoscale",
    "certificate approve": "certificate_decide",
    "certificate deny": "certificate_decide",
    "cluster-info": "cluster_info",
    "cluster-info dump": "cluster_info_dump",
    "cordon": "cordon",
    "uncordon": "cordon",
    "drain": "drain",
    "taint": "taint",
    "top node": "top",
    "top pod": "top",
    "describe": "describe",
    "logs": "logs",
    "attach": "attach",
    "exec": "exec",
    "port-forward": "port_forward",
    "proxy": "proxy",
    "cp": "cp",
    "auth can-i": "auth_can_i",
    "auth whoami": "auth_whoami",
    "debug": "debug",
    "diff": "diff",
    "apply": "apply",
    "apply set-last-applied": "apply_set_last_applied",
    "apply view-last-applied": "apply_view_last_applied",
    "patch": "patch",
    "replace": "replace",
    "wait": "wait",
    "events": "events",
    "label": "label",
    "annotate": "annotate",
    "api-resources": "api_resources",
    "api-versions": "api_versions",
    "completion": "completion",
    "config current-context": "config_current_context",
    "config get-clusters": "config_get_names",
    "config get-contexts": "config_get_contexts",
    "config get-users": "config_get_names",
    "config delete-cluster": "config_delete",
    "config delete-context": "config_delete",
    "config delete-user": "config_delete",
    "config rename-context": "config_edit",
    "config set": "config_set",
    "config set-cluster": "config_set_cluster",
    "config set-context": "config_edit",
    "config set-credentials": "config_set_credentials",
    "config unset": "config_set",
    "config use-context": "config_edit",
    "config view": "config_view",
    "options": "options",
    "version": "version",
}
#: Commands that only hold others, with what their help says.
GROUPS = {
    "auth": "Inspect who you are and what you may do.",
    "certificate": "Decide on certificate signing requests.",
    "config": "Read and change kubeconfig files.",
    "create service": "Create a service of one of these types.",
    "create secret": "Create a secret of one of these types.",
    "rollout": "Manage the rollout of one or many resources.",
    "set": "Change certain fields of objects.",
    "top": "Show what pods and nodes use of CPU and memory.",
}
ALIASES = {
    "create cj": "create cronjob",
    "create cm": "create configmap",
    "create deploy": "create deployment",
    "create ing": "create ingress",
    "create ns": "create namespace",
    "create pc": "create priorityclass",
    "create pdb": "create poddisruptionbudget",
    "create resourcequota": "create quota",
    "create sa": "create serviceaccount",
    "create svc": "create service",
    "config use": "config use-context",
    "set sa": "set serviceaccount",
    "top no": "top node",
    "top nodes": "top node",
    "top po": "top pod",
    "top pods": "top pod",
}


def suggest(typed: str, names: Sequence[str]) -> list[str]:
    """The commands that `typed` may have meant.

    Source: spf13/cobra command.go SuggestionsFor: at most two edits away, or a prefix.
    """
    low = typed.lower()
    return [
        name
        for name in names
        if _distance(low, name.lower()) <= 2 or name.lower().startswith(low)
    ]


def _distance(one: str, other: str) -> int:
    """The edit distance (Levenshtein)."""
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            previous, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, previous + (left != right)),
            )
    return row[-1]
