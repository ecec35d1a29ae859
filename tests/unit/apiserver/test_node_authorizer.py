"""What a kubelet may do follows from its pods."""

import pytest

from apiserver.authn.user import UserInfo
from apiserver.authz.attributes import Attributes
from apiserver.authz.bootstrap import node_rules
from apiserver.authz.node import NodeAuthorizer, node_name_of

NODE = UserInfo("system:node:n1", ("system:nodes", "system:authenticated"))
POD = {
    "metadata": {"namespace": "ns", "name": "p"},
    "spec": {
        "serviceAccountName": "robot",
        "containers": [
            {
                "name": "c",
                "env": [{"valueFrom": {"secretKeyRef": {"name": "from-env"}}}],
                "envFrom": [{"configMapRef": {"name": "from-all"}}],
            }
        ],
        "volumes": [
            {"configMap": {"name": "mounted"}},
            {"projected": {"sources": [{"secret": {"name": "projected"}}]}},
        ],
        "imagePullSecrets": [{"name": "pull"}],
    },
}


class Pods:
    def pods_on(self, node):
        return [POD] if node == "n1" else []


def decide(verb, resource, **more):
    authorizer = NodeAuthorizer(node_rules(), Pods())
    user = more.pop("user", NODE)
    return authorizer.authorize(Attributes(user, verb, resource=resource, **more))


@pytest.mark.parametrize(
    ("resource", "name", "allowed"),
    [
        ("secrets", "from-env", True),
        ("secrets", "projected", True),
        ("secrets", "pull", True),
        ("secrets", "other", False),
        ("configmaps", "from-all", True),
        ("configmaps", "mounted", True),
        ("configmaps", "from-env", False),
    ],
)
def test_it_reads_what_its_pods_use(resource, name, allowed):
    assert decide("get", resource, namespace="ns", name=name).allowed is allowed


@pytest.mark.parametrize(
    ("verb", "resource", "more", "allowed"),
    [
        ("list", "pods", {"field_selector": "spec.nodeName=n1"}, True),
        ("list", "pods", {"field_selector": "spec.nodeName=n2"}, False),
        ("list", "pods", {}, False),
        ("patch", "pods", {"subresource": "status", "namespace": "ns"}, True),
        ("get", "nodes", {"name": "n1"}, True),
        ("get", "nodes", {"name": "n2"}, False),
        ("watch", "nodes", {"name": "n1"}, True),
        ("create", "events", {"namespace": "ns"}, True),
        ("create", "deployments", {"group": "apps", "namespace": "ns"}, False),
        (
            "update",
            "leases",
            {
                "group": "coordination.k8s.io",
                "namespace": "kube-node-lease",
                "name": "n1",
            },
            True,
        ),
        (
            "update",
            "leases",
            {"group": "coordination.k8s.io", "namespace": "default", "name": "n1"},
            False,
        ),
        (
            "create",
            "serviceaccounts",
            {"subresource": "token", "namespace": "ns", "name": "robot"},
            True,
        ),
        (
            "create",
            "serviceaccounts",
            {"subresource": "token", "namespace": "ns", "name": "other"},
            False,
        ),
    ],
)
def test_it_does_its_own_work_and_no_more(verb, resource, more, allowed):
    assert decide(verb, resource, **more).allowed is allowed


def test_others_are_none_of_its_business():
    user = UserInfo("system:node:n1", ("system:authenticated",))

    assert node_name_of(user) == ""
    assert not decide("get", "nodes", name="n1", user=user).allowed
