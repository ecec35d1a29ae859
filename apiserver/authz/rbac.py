"""Role-based access control: allow when any rule of any bound role matches.

Source: kubernetes/kubernetes plugin/pkg/auth/authorizer/rbac/rbac.go and
pkg/apis/rbac/v1/evaluation_helpers.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from apiserver.authz.attributes import (
    Attributes,
    Decision,
    NonResourceRule,
    ResourceRule,
    Rules,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apimachinery.types import JsonObject
    from apiserver.authn.user import UserInfo

__all__ = ["PolicySource", "RBACAuthorizer", "rule_allows"]


class PolicySource(Protocol):
    """Where the roles and bindings are read, from memory."""

    def cluster_role_bindings(self) -> Iterable[JsonObject]: ...

    def role_bindings(self, namespace: str) -> Iterable[JsonObject]: ...

    def cluster_role(self, name: str) -> JsonObject | None: ...

    def role(self, namespace: str, name: str) -> JsonObject | None: ...


class RBACAuthorizer:
    def __init__(self, policy: PolicySource) -> None:
        self._policy = policy

    def authorize(self, attributes: Attributes) -> Decision:
        missing: list[str] = []
        bound = self._bound(attributes.user, attributes.namespace, missing)
        for binding, subject, rules in bound:
            if any(rule_allows(rule, attributes) for rule in rules):
                return Decision(Verdict.ALLOW, _allowed_by(binding, subject))
        reason = f"RBAC: {_listed(missing)}" if missing else ""
        return Decision(Verdict.NO_OPINION, reason)

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        missing: list[str] = []
        rules = Rules()
        for _, _, bound in self._bound(user, namespace, missing):
            for rule in bound:
                if rule.get("nonResourceURLs"):
                    rules.non_resource.append(
                        NonResourceRule(
                            _tuple(rule, "verbs"), _tuple(rule, "nonResourceURLs")
                        )
                    )
                else:
                    rules.resource.append(
                        ResourceRule(
                            _tuple(rule, "verbs"),
                            _tuple(rule, "apiGroups"),
                            _tuple(rule, "resources"),
                            _tuple(rule, "resourceNames"),
                        )
                    )
        rules.error = _listed(missing) if missing else ""
        return rules

    def _bound(
        self, user: UserInfo, namespace: str, missing: list[str]
    ) -> Iterator[tuple[JsonObject, JsonObject, list[JsonObject]]]:
        """Bindings that name the user, with the subject and the rules they give.

        Names of roles that do not exist are added to `missing`.
        """
        bindings = list(self._policy.cluster_role_bindings())
        if namespace:
            bindings += self._policy.role_bindings(namespace)
        for binding in bindings:
            subject = _matching_subject(binding, user)
            if subject is None:
                continue
            role = self._role_of(binding)
            if role is None:
                reference = binding.get("roleRef") or {}
                kind = str(reference.get("kind", "")).lower()
                missing.append(
                    f'{kind}.rbac.authorization.k8s.io "{reference.get("name")}"'
                    " not found"
                )
            else:
                yield binding, subject, role.get("rules") or []

    def _role_of(self, binding: JsonObject) -> JsonObject | None:
        reference = binding.get("roleRef") or {}
        if reference.get("kind") == "ClusterRole":
            return self._policy.cluster_role(reference.get("name", ""))
        namespace = binding["metadata"].get("namespace", "")
        return self._policy.role(namespace, reference.get("name", ""))


def _tuple(rule: JsonObject, key: str) -> tuple[str, ...]:
    return tuple(rule.get(key) or ())


def _listed(errors: list[str]) -> str:
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"


def _matching_subject(binding: JsonObject, user: UserInfo) -> JsonObject | None:
    namespace = binding["metadata"].get("namespace", "")
    return next(
        (s for s in binding.get("subjects") or () if _is_subject(s, user, namespace)),
        None,
    )


def _is_subject(subject: JsonObject, user: UserInfo, namespace: str) -> bool:
    name = subject.get("name", "")
    match subject.get("kind"):
        case "User":
            return bool(user.name == name)
        case "Group":
            return name in user.groups
        case "ServiceAccount":
            namespace = subject.get("namespace") or namespace
            return user.name == f"system:serviceaccount:{namespace}:{name}"
        case _:
            return False


def _allowed_by(binding: JsonObject, subject: JsonObject) -> str:
    metadata, role = binding["metadata"], binding.get("roleRef") or {}
    namespace = metadata.get("namespace", "")
    kind, name = "ClusterRoleBinding", metadata["name"]
    if namespace:
        kind, name = "RoleBinding", f"{name}/{namespace}"
    who = subject.get("name", "")
    if subject.get("kind") == "ServiceAccount":
        who = f"{who}/{subject.get('namespace', '')}"
    return (
        f'RBAC: allowed by {kind} "{name}" of {role.get("kind")}'
        f' "{role.get("name")}" to {subject.get("kind")} "{who}"'
    )


def rule_allows(rule: JsonObject, attributes: Attributes) -> bool:
    """Whether one PolicyRule covers the action."""
    verbs = rule.get("verbs") or ()
    if "*" not in verbs and attributes.verb not in verbs:
        return False
    if not attributes.is_resource:
        return _path_matches(rule.get("nonResourceURLs") or (), attributes.path)
    groups = rule.get("apiGroups") or ()
    if "*" not in groups and attributes.group not in groups:
        return False
    if not _resource_matches(rule.get("resources") or (), attributes):
        return False
    names = rule.get("resourceNames") or ()
    return not names or attributes.name in names


def _resource_matches(resources: Iterable[str], attributes: Attributes) -> bool:
    wanted = attributes.resource
    if attributes.subresource:
        wanted += f"/{attributes.subresource}"
    return any(
        resource in ("*", wanted)
        or (attributes.subresource and resource == f"*/{attributes.subresource}")
        for resource in resources
    )


def _path_matches(patterns: Iterable[str], path: str) -> bool:
    return any(
        pattern in ("*", path)
        or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))
        for pattern in patterns
    )
