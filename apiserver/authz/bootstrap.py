"""The roles and bindings that every cluster starts with.

Source of the facts: kubernetes/kubernetes plugin/pkg/auth/authorizer/rbac/
bootstrappolicy/policy.go, as the table default_cluster_roles.tsv. Of our own is
`mini-kube:controllers`: upstream's controllers have a service account each, ours
share the user system:kube-controller-manager.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["bootstrap_objects", "node_rules"]

_GROUP = "rbac.authorization.k8s.io"
_API_VERSION = f"{_GROUP}/v1"
_CONTROLLERS = "mini-kube:controllers"
_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_EVENTS_RULE = {
    "verbs": ["create", "patch", "update"],
    "apiGroups": ["", "events.k8s.io"],
    "resources": ["events"],
}
_ROLES_WITH_EVENTS = (
    "system:node-problem-detector",
    "system:persistent-volume-provisioner",
    "system:kube-controller-manager",
    "system:node-proxier",
    "system:kube-scheduler",
)
_EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
# role, kind of subject, name of subject
_BINDINGS = (
    ("cluster-admin", "Group", "system:masters"),
    ("system:discovery", "Group", "system:authenticated"),
    ("system:basic-user", "Group", "system:authenticated"),
    ("system:public-info-viewer", "Group", "system:authenticated"),
    ("system:public-info-viewer", "Group", "system:unauthenticated"),
    ("system:monitoring", "Group", "system:monitoring"),
    ("system:node-proxier", "User", "system:kube-proxy"),
    ("system:kube-controller-manager", "User", "system:kube-controller-manager"),
    ("system:kube-scheduler", "User", "system:kube-scheduler"),
    ("system:volume-scheduler", "User", "system:kube-scheduler"),
    ("system:service-account-issuer-discovery", "Group", "system:serviceaccounts"),
    (_CONTROLLERS, "User", "system:kube-controller-manager"),
)
_KUBEADM_ADMINS = ("kubeadm:cluster-admins", "cluster-admin", "kubeadm:cluster-admins")
# admin includes edit includes view
_INCLUDES = {
    "admin": ("admin", "edit", "view"),
    "edit": ("edit", "view"),
    "view": ("view",),
}


@cache
def _table() -> dict[str, list[JsonObject]]:
    text = files("apiserver.authz").joinpath("default_cluster_roles.tsv").read_text()
    roles: dict[str, list[JsonObject]] = {}
    for line in text.splitlines()[1:]:
        name, *columns = line.split("\t")
        columns += [""] * (5 - len(columns))
        roles.setdefault(name, []).append(_rule(columns))
    return roles


def _rule(columns: list[str]) -> JsonObject:
    names = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    return {
        name: ["" if part == '""' else part for part in cell.split(",")]
        for name, cell in zip(names, columns, strict=False)
        if cell
    }


def node_rules() -> list[JsonObject]:
    """What the Node authorizer lets a kubelet do, its own objects provided."""
    event_rule = {**_EVENTS_RULE, "apiGroups": ["events.k8s.io"]}
    return [*_table()["system:node"], event_rule]


def bootstrap_objects() -> list[tuple[str, JsonObject]]:
    """(resource, object) of all that is made when it is missing."""
    roles = {name: list(rules) for name, rules in _table().items()}
    for name in _ROLES_WITH_EVENTS:
        roles[name].append(_EVENTS_RULE)
    roles[_CONTROLLERS] = [_EVERYTHING]
    for name, included in _INCLUDES.items():
        roles[name] = [
            rule for part in included for rule in roles[f"system:aggregate-to-{part}"]
        ]
    objects = [("clusterroles", _role(name, rules)) for name, rules in roles.items()]
    return objects + [("clusterrolebindings", b) for b in _bindings()]


def _role(name: str, rules: list[JsonObject]) -> JsonObject:
    labels = dict(_LABELS)
    role: JsonObject = {
        "kind": "ClusterRole",
        "apiVersion": _API_VERSION,
        "metadata": {"name": name, "labels": labels, "annotations": _ANNOTATIONS},
        "rules": rules,
    }
    if name.startswith("system:aggregate-to-"):
        labels[_AGGREGATE + name.removeprefix("system:aggregate-to-")] = "true"
    if name in ("edit", "view"):
        labels[_AGGREGATE + {"edit": "admin", "view": "edit"}[name]] = "true"
    if name in _INCLUDES:
        selector = {"matchLabels": {_AGGREGATE + name: "true"}}
        role["aggregationRule"] = {"clusterRoleSelectors": [selector]}
    return role


def _bindings() -> list[JsonObject]:
    subjects: dict[str, list[JsonObject]] = {}
    for role, kind, name in _BINDINGS:
        subject = {"kind": kind, "apiGroup": _GROUP, "name": name}
        subjects.setdefault(role, []).append(subject)
    found = [_binding(role, role, who) for role, who in subjects.items()]
    name, role, group = _KUBEADM_ADMINS
    admins = [{"kind": "Group", "apiGroup": _GROUP, "name": group}]
    return [*found, _binding(name, role, admins)]


def _binding(name: str, role: str, subjects: list[JsonObject]) -> JsonObject:
    return {
        "kind": "ClusterRoleBinding",
        "apiVersion": _API_VERSION,
        "metadata": {"name": name, "labels": _LABELS, "annotations": _ANNOTATIONS},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    }
