"""Who gets in, and what they may do."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from certs.pki import KeyPairFiles, Pki
from tests.integration.apiserver.conftest import JSON, NODE, Api, Cluster, pod

PODS = "/api/v1/namespaces/default/pods"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
BOB = ("Authorization", "Bearer bob-token")


async def whoami(api: Api) -> dict[str, Any]:
    review = await api.post(WHOAMI, {})
    return review["status"]["userInfo"]


async def test_a_certificate_names_its_user_and_groups(cluster: Cluster) -> None:
    user = await whoami(cluster.admin)

    assert user["username"] == "kubernetes-admin"
    assert user["groups"] == ["system:masters", "system:authenticated"]
    credential = user["extra"]["authentication.kubernetes.io/credential-id"]
    assert credential[0].startswith("X509SHA256=")


async def test_a_static_token_names_its_user(cluster: Cluster) -> None:
    user = await whoami(cluster.api(None, BOB))

    assert user["username"] == "bob"
    assert user["uid"] == "1001"
    assert user["groups"] == ["builders", "testers", "system:authenticated"]


async def test_an_unknown_token_is_unauthorized(cluster: Cluster) -> None:
    api = cluster.api(None, ("Authorization", "Bearer wrong"))

    status, body = await api.call("GET", "/version")

    assert status == 401
    assert (body["message"], body["reason"]) == ("Unauthorized", "Unauthorized")


async def test_nobody_may_read_health_and_no_more(cluster: Cluster) -> None:
    api = cluster.api()

    assert (await api.send("GET", "/healthz")).body == b"ok"
    status, body = await api.call("GET", "/metrics")
    assert (status, body["message"]) == (
        403,
        'forbidden: User "system:anonymous" cannot get path "/metrics"',
    )


async def test_nobody_is_turned_away_without_anonymous_auth(start: Any) -> None:
    cluster = await start(anonymous_auth=False)

    assert (await cluster.api().send("GET", "/healthz")).status == 401


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            f"{PODS}/web",
            'pods "web" is forbidden: User "bob" cannot get resource "pods" in API'
            ' group "" in the namespace "default"',
        ),
        (
            "/apis/apps/v1/deployments",
            'deployments.apps is forbidden: User "bob" cannot list resource'
            ' "deployments" in API group "apps" at the cluster scope',
        ),
        (
            f"{PODS}/web/log",
            'pods "web" is forbidden: User "bob" cannot get resource "pods/log" in API'
            ' group "" in the namespace "default"',
        ),
    ],
    ids=["object", "list", "subresource"],
)
async def test_refusals_are_in_kubernetes_words(
    cluster: Cluster, target: str, message: str
) -> None:
    status, body = await cluster.api(None, BOB).call("GET", target)

    assert (status, body["message"]) == (403, message)


async def test_a_role_gives_what_it_says(cluster: Cluster) -> None:
    await cluster.admin.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        {
            "metadata": {"name": "b"},
            "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "Group", "name": "builders"}],
        },
    )
    bob = cluster.api(None, BOB)

    assert (await bob.get(PODS))["kind"] == "PodList"
    review = await bob.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {
            "spec": {
                "resourceAttributes": {
                    "namespace": "default",
                    "verb": "list",
                    "resource": "pods",
                }
            }
        },
    )
    assert review["status"] == {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "b/default" of ClusterRole "view" to'
        ' Group "builders"',
    }
    assert (await bob.call("POST", PODS, pod(), JSON))[0] == 403


async def test_impersonation_acts_as_the_other(cluster: Cluster) -> None:
    api = cluster.api(
        cluster.pki.admin, ("Impersonate-User", "eve"), ("Impersonate-Group", "g")
    )

    user = await whoami(api)

    assert user == {"username": "eve", "groups": ["g", "system:authenticated"]}


async def test_impersonation_needs_the_right_to(cluster: Cluster) -> None:
    api = cluster.api(None, BOB, ("Impersonate-User", "eve"))

    status, body = await api.call("GET", PODS)

    assert (status, body["message"]) == (
        403,
        'users "eve" is forbidden: User "bob" cannot impersonate resource "users" in'
        ' API group "" at the cluster scope',
    )


async def test_a_token_request_makes_a_token_that_works(cluster: Cluster) -> None:
    request = await cluster.admin.post(
        "/api/v1/namespaces/default/serviceaccounts/default/token", {"spec": {}}
    )
    token = request["status"]["token"]

    user = await whoami(cluster.api(None, ("Authorization", f"Bearer {token}")))

    assert user["username"] == "system:serviceaccount:default:default"
    assert "system:serviceaccounts:default" in user["groups"]


async def test_a_token_dies_with_its_account(cluster: Cluster) -> None:
    accounts = "/api/v1/namespaces/default/serviceaccounts"
    await cluster.admin.post(accounts, {"metadata": {"name": "temp"}})
    request = await cluster.admin.post(f"{accounts}/temp/token", {"spec": {}})
    bearer = ("Authorization", f"Bearer {request['status']['token']}")
    api = cluster.api(None, bearer)
    await whoami(api)

    await cluster.admin.call("DELETE", f"{accounts}/temp")
    await cluster.admin.get(accounts)

    assert (await api.send("GET", "/version")).status == 401


async def test_a_short_token_is_refused(cluster: Cluster) -> None:
    status, body = await cluster.admin.call(
        "POST",
        "/api/v1/namespaces/default/serviceaccounts/default/token",
        {"spec": {"expirationSeconds": 5}},
        JSON,
    )

    assert status == 422
    assert body["message"].endswith(
        "spec.expirationSeconds: Invalid value: 5: may not specify a duration less"
        " than 10 minutes"
    )


async def test_a_token_may_come_as_websocket_subprotocol(cluster: Cluster) -> None:
    encoded = base64.urlsafe_b64encode(b"bob-token").rstrip(b"=").decode()
    api = cluster.api()

    status, body = await api.call(
        "GET",
        f"{PODS}/web",
        None,
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        (
            "Sec-WebSocket-Protocol",
            f"base64url.bearer.authorization.k8s.io.{encoded}, v4.channel.k8s.io",
        ),
    )

    assert status == 403
    assert 'User "bob"' in body["message"]


@pytest.fixture
def kubelet_api(cluster: Cluster, pki: Pki) -> Api:
    return cluster.api(pki.kubelet_client(NODE))


async def test_a_kubelet_sees_its_own_pods_only(kubelet_api: Api) -> None:
    mine = await kubelet_api.call(
        "GET", f"/api/v1/pods?fieldSelector=spec.nodeName%3D{NODE}"
    )
    all_pods = await kubelet_api.call("GET", "/api/v1/pods")

    assert (mine[0], all_pods[0]) == (200, 403)


async def test_a_kubelet_reads_secrets_that_its_pods_use(
    admin: Api, kubelet_api: Api
) -> None:
    secrets = "/api/v1/namespaces/default/secrets"
    for name in ("used", "other"):
        await admin.post(
            secrets, {"metadata": {"name": name}, "stringData": {"a": "b"}}
        )
    volumes = [{"name": "v", "secret": {"secretName": "used"}}]
    await admin.post(PODS, pod(nodeName=NODE, volumes=volumes))
    await admin.get(PODS)

    assert (await kubelet_api.call("GET", f"{secrets}/used"))[0] == 200
    status, body = await kubelet_api.call("GET", f"{secrets}/other")
    assert status == 403
    assert body["message"].endswith(
        f": no relationship found between node '{NODE}' and this object"
    )


async def test_a_kubelet_changes_its_own_node_only(
    admin: Api, kubelet_api: Api
) -> None:
    await admin.post("/api/v1/nodes", {"metadata": {"name": "other"}})

    created = await kubelet_api.call(
        "POST", "/api/v1/nodes", {"metadata": {"name": NODE}}, JSON
    )
    status, body = await kubelet_api.call(
        "PATCH",
        "/api/v1/nodes/other/status",
        {"status": {}},
        ("Content-Type", "application/merge-patch+json"),
    )

    assert created[0] == 201
    assert (status, body["message"]) == (
        403,
        f'nodes "other" is forbidden: node "{NODE}" is not allowed to modify node'
        ' "other"',
    )


async def test_always_allow_allows_everybody(start: Any) -> None:
    cluster = await start(authorization_mode=("AlwaysAllow",))

    assert (await cluster.api().get(PODS))["kind"] == "PodList"


def test_a_config_without_a_certificate_is_refused(config: Any) -> None:
    with pytest.raises(ValueError, match="--tls-cert-file"):
        replace(config, tls_cert_file=None).check()


def test_key_pair_files_are_paths(pki: Pki) -> None:
    assert isinstance(pki.admin, KeyPairFiles)
    assert isinstance(pki.admin.cert, Path)
