"""The Node authorizer: what a kubelet may read follows from the pods it runs.

Rules that name no particular object come from the ClusterRole system:node; secrets,
configmaps and claims need a pod on the node that uses them.

Source: kubernetes/kubernetes plugin/pkg/auth/authorizer/node/node_authorizer.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from apimachinery import fields
from apiserver.authz.attributes import Attributes, Decision, Rules, Verdict
from apiserver.authz.rbac import rule_allows
from apiserver.resources.cells import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from apimachinery.types import JsonObject
    from apiserver.authn.user import UserInfo

__all__ = ["NodeAuthorizer", "PodSource", "node_name_of"]

_PREFIX = "system:node:"
_GROUP = "system:nodes"
_NO_OPINION = Decision(Verdict.NO_OPINION)


def node_name_of(user: UserInfo) -> str:
    """The node a kubelet speaks for, or the empty string for everybody else."""
    if _GROUP in user.groups and user.name.startswith(_PREFIX):
        return user.name.removeprefix(_PREFIX)
    return ""


class PodSource(Protocol):
    """The pods of a node, from memory."""

    def pods_on(self, node: str) -> Iterable[JsonObject]: ...


class NodeAuthorizer:
    def __init__(self, rules: Sequence[JsonObject], pods: PodSource) -> None:
        self._rules = tuple(rules)
        self._pods = pods
        self._checks: dict[tuple[str, str], Callable[[str, Attributes], str]] = {
            ("", "secrets"): self._referenced,
            ("", "configmaps"): self._referenced,
            ("", "serviceaccounts"): self._own_service_account,
            ("coordination.k8s.io", "leases"): _own_lease,
            ("", "pods"): _own_pods,
            ("", "nodes"): _own_node,
        }

    def authorize(self, attributes: Attributes) -> Decision:
        node = node_name_of(attributes.user)
        if not node or not attributes.is_resource:
            return _NO_OPINION
        check = self._checks.get((attributes.group, attributes.resource))
        problem = check(node, attributes) if check is not None else ""
        if problem:
            return Decision(Verdict.NO_OPINION, problem)
        if any(rule_allows(rule, attributes) for rule in self._rules):
            return Decision(Verdict.ALLOW)
        return _NO_OPINION

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        if not node_name_of(user):
            return Rules()
        return Rules(
            incomplete=True,
            error="node authorizer does not support user rule resolution",
        )

    def _referenced(self, node: str, attributes: Attributes) -> str:
        """Secrets and configmaps: only by name, only those that a pod there uses."""
        if attributes.verb not in ("get", "list", "watch"):
            return f"can only read resources of this type: {attributes.resource}"
        if attributes.subresource:
            return "cannot read subresource"
        if not attributes.name:
            return "No Object name found"
        wanted = (attributes.resource, attributes.namespace, attributes.name)
        for pod in self._pods.pods_on(node):
            if wanted in _references(pod):
                return ""
        return f"no relationship found between node '{node}' and this object"

    def _own_service_account(self, node: str, attributes: Attributes) -> str:
        if attributes.subresource != "token":
            return ""
        wanted = (attributes.namespace, attributes.name)
        for pod in self._pods.pods_on(node):
            namespace = read(pod, "metadata.namespace")
            if (namespace, read(pod, "spec.serviceAccountName")) == wanted:
                return ""
        return f"no relationship found between node '{node}' and this object"


def _own_lease(node: str, attributes: Attributes) -> str:
    if attributes.namespace != "kube-node-lease":
        return 'can only access leases in the "kube-node-lease" system namespace'
    if attributes.name and attributes.name != node:
        return "can only access node lease with the same name as the requesting node"
    return ""


def _own_pods(node: str, attributes: Attributes) -> str:
    if attributes.verb not in ("list", "watch"):
        return ""
    # 1.32, AuthorizeNodeWithSelectors
    if _selected(attributes, "spec.nodeName") != node:
        return "can only list/watch pods with spec.nodeName field selector"
    return ""


def _own_node(node: str, attributes: Attributes) -> str:
    if attributes.verb in ("list", "watch") and attributes.name != node:
        return f"node '{node}' cannot read all nodes, only its own Node object"
    if attributes.verb == "get" and attributes.name != node:
        return (
            f"node '{node}' cannot read '{attributes.name}', only its own Node object"
        )
    return ""


def _selected(attributes: Attributes, field: str) -> str | None:
    try:
        return fields.parse(attributes.field_selector).exact_value(field)
    except fields.FieldSelectorError:
        return None


def _references(pod: JsonObject) -> set[tuple[str, str, str]]:
    namespace = read(pod, "metadata.namespace") or ""
    return {
        (resource, namespace, name)
        for resource, name in _named(pod.get("spec") or {})
        if name
    }


def _named(spec: JsonObject) -> Iterator[tuple[str, str]]:
    for secret in spec.get("imagePullSecrets") or ():
        yield "secrets", secret.get("name", "")
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind) or ():
            yield from _named_by_container(container)
    for volume in spec.get("volumes") or ():
        yield "secrets", read(volume, "secret.secretName") or ""
        yield "configmaps", read(volume, "configMap.name") or ""
        for source in read(volume, "projected.sources") or ():
            yield "secrets", read(source, "secret.name") or ""
            yield "configmaps", read(source, "configMap.name") or ""


def _named_by_container(container: JsonObject) -> Iterator[tuple[str, str]]:
    for variable in container.get("env") or ():
        yield "secrets", read(variable, "valueFrom.secretKeyRef.name") or ""
        yield "configmaps", read(variable, "valueFrom.configMapKeyRef.name") or ""
    for source in container.get("envFrom") or ():
        yield "secrets", read(source, "secretRef.name") or ""
        yield "configmaps", read(source, "configMapRef.name") or ""
