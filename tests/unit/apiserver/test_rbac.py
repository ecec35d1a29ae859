"""Role-based access: rules, bindings and the reasons they give."""

import pytest

from apiserver.authn.user import UserInfo
from apiserver.authz.attributes import Attributes, Verdict
from apiserver.authz.bootstrap import bootstrap_objects
from apiserver.authz.rbac import RBACAuthorizer, rule_allows
from apiserver.authz.union import AlwaysAllow, SuperuserGroup, Union

ALICE = UserInfo("alice", ("dev", "system:authenticated"))


class Policy:
    def __init__(self, *objects):
        self.objects = objects

    def _of(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    def cluster_role_bindings(self):
        return self._of("ClusterRoleBinding")

    def role_bindings(self, namespace):
        found = self._of("RoleBinding")
        return [b for b in found if b["metadata"]["namespace"] == namespace]

    def cluster_role(self, name):
        found = self._of("ClusterRole")
        return next((r for r in found if r["metadata"]["name"] == name), None)

    def role(self, namespace, name):
        found = self._of("Role")
        return next((r for r in found if r["metadata"]["name"] == name), None)


def role(kind, name, **rule):
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": "ns"},
        "rules": [rule],
    }


def binding(kind, role_kind, role_name, subject_kind, subject, **more):
    metadata = {"name": "b"}
    if kind == "RoleBinding":
        metadata["namespace"] = "ns"
    return {
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"kind": role_kind, "name": role_name},
        "subjects": [{"kind": subject_kind, "name": subject, **more}],
    }


def attributes(verb="get", resource="pods", subresource="", **more):
    return Attributes(
        more.pop("user", ALICE),
        verb,
        resource=resource,
        subresource=subresource,
        **more,
    )


@pytest.mark.parametrize(
    ("rule", "asked", "allowed"),
    [
        ({"resources": ["pods"]}, attributes(), True),
        ({"resources": ["pods"]}, attributes(subresource="log"), False),
        ({"resources": ["pods/log"]}, attributes(subresource="log"), True),
        ({"resources": ["*/log"]}, attributes(subresource="log"), True),
        ({"resources": ["*"]}, attributes(subresource="log"), True),
        ({"resources": ["pods"], "apiGroups": ["apps"]}, attributes(), False),
        ({"resources": ["pods"], "verbs": ["list"]}, attributes(), False),
        ({"resources": ["pods"], "resourceNames": ["a"]}, attributes(name="a"), True),
        ({"resources": ["pods"], "resourceNames": ["a"]}, attributes(), False),
        (
            {"nonResourceURLs": ["/healthz/*"]},
            attributes(is_resource=False, path="/healthz/ping"),
            True,
        ),
        (
            {"nonResourceURLs": ["/healthz"]},
            attributes(is_resource=False, path="/healthz/ping"),
            False,
        ),
    ],
)
def test_a_rule_covers_what_it_names(rule, asked, allowed):
    rule = {"verbs": ["get"], "apiGroups": [""], **rule}

    assert rule_allows(rule, asked) is allowed


def test_a_role_binding_gives_its_namespace_only():
    authorizer = RBACAuthorizer(
        Policy(
            role("ClusterRole", "r", verbs=["*"], apiGroups=["*"], resources=["*"]),
            binding("RoleBinding", "ClusterRole", "r", "Group", "dev"),
        )
    )

    inside = authorizer.authorize(attributes(namespace="ns"))
    outside = authorizer.authorize(attributes(namespace="other"))

    assert inside.reason == (
        'RBAC: allowed by RoleBinding "b/ns" of ClusterRole "r" to Group "dev"'
    )
    assert outside.verdict is Verdict.NO_OPINION


def test_a_service_account_is_a_subject_by_its_user_name():
    user = UserInfo("system:serviceaccount:ns:robot")
    authorizer = RBACAuthorizer(
        Policy(
            role("Role", "r", verbs=["get"], apiGroups=[""], resources=["pods"]),
            binding("RoleBinding", "Role", "r", "ServiceAccount", "robot"),
        )
    )

    assert authorizer.authorize(attributes(user=user, namespace="ns")).allowed


def test_a_missing_role_is_named_in_the_reason():
    authorizer = RBACAuthorizer(
        Policy(binding("ClusterRoleBinding", "ClusterRole", "gone", "User", "alice"))
    )

    decision = authorizer.authorize(attributes())

    assert decision.reason == (
        'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'
    )


def test_rules_are_listed_for_reviews():
    authorizer = RBACAuthorizer(
        Policy(
            role("ClusterRole", "r", verbs=["get"], apiGroups=[""], resources=["pods"]),
            binding("ClusterRoleBinding", "ClusterRole", "r", "User", "alice"),
        )
    )

    rules = authorizer.rules_for(ALICE, "ns")

    assert [(r.verbs, r.resources) for r in rules.resource] == [(("get",), ("pods",))]


def test_the_first_authorizer_with_an_opinion_decides():
    union = Union([SuperuserGroup(), RBACAuthorizer(Policy())])
    root = UserInfo("root", ("system:masters",))

    assert union.authorize(attributes(user=root)).allowed
    assert not union.authorize(attributes()).allowed
    assert Union([AlwaysAllow()]).authorize(attributes()).allowed


def bootstrapped(user, **asked):
    objects = [obj for _, obj in bootstrap_objects()]
    authorizer = RBACAuthorizer(Policy(*objects))
    return authorizer.authorize(attributes(user=user, **asked)).allowed


@pytest.mark.parametrize(
    ("groups", "asked", "allowed"),
    [
        ((), {"is_resource": False, "path": "/healthz"}, False),
        (("system:unauthenticated",), {"is_resource": False, "path": "/healthz"}, True),
        (
            ("system:unauthenticated",),
            {"is_resource": False, "path": "/metrics"},
            False,
        ),
        (("system:authenticated",), {"is_resource": False, "path": "/api/v1"}, True),
        (("kubeadm:cluster-admins",), {"verb": "delete", "resource": "nodes"}, True),
        (("system:nodes",), {"verb": "get", "resource": "pods"}, False),
    ],
)
def test_the_first_roles_are_those_of_every_cluster(groups, asked, allowed):
    assert bootstrapped(UserInfo("u", groups), **asked) is allowed


def test_edit_may_exec_and_view_may_not():
    roles = {obj["metadata"]["name"]: obj for _, obj in bootstrap_objects()}
    asked = attributes(verb="create", subresource="exec")

    assert any(rule_allows(rule, asked) for rule in roles["edit"]["rules"])
    assert not any(rule_allows(rule, asked) for rule in roles["view"]["rules"])
