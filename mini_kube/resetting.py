"""Making a cluster as it was when it was started, in place of starting another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mini_kube.api import Api, Manifest
    from mini_kube.cluster import Cluster

__all__ = ["empty", "reset"]

_SYSTEM_NAMESPACES: Final = frozenset(
    ["default", "kube-system", "kube-public", "kube-node-lease"]
)
#: Kinds of the cluster itself: services and controllers make them, users seldom.
_SYSTEM_KINDS: Final = frozenset(
    [
        "nodes",
        "namespaces",
        "leases",
        "endpoints",
        "endpointslices",
        "componentstatuses",
        "apiservices",
        "csinodes",
        "flowschemas",
        "prioritylevelconfigurations",
        "priorityclasses",
    ]
)
_SYSTEM_OBJECTS: Final = frozenset(
    [
        ("serviceaccounts", "default"),
        ("configmaps", "kube-root-ca.crt"),
        ("services", "kubernetes"),
    ]
)


def reset(cluster: Cluster) -> None:
    """See `Cluster.reset`."""
    cluster.faults.reset()
    api = cluster.api
    gone = _user_namespaces(api)
    for name in gone:
        # Nobody waits for the grace periods of what is thrown away.
        empty(api, name)
        api.delete(f"/api/v1/namespaces/{name}")
    empty(api, "default")
    _delete_cluster_wide(api)
    _await_no_pods(cluster, "default")
    for name in gone:
        path = f"/api/v1/namespaces/{name}"
        api.wait(
            path, lambda found: found is None, timeout=cluster.timeout, what="gone"
        )
    cluster.trace.clear()


def empty(api: Api, namespace: str) -> None:
    """Delete all objects of a namespace, pods without grace."""
    for root, resource in _deletable(api):
        if not resource["namespaced"]:
            continue
        plural = resource["name"]
        collection = f"{root}/namespaces/{namespace}/{plural}"
        grace = 0 if plural == "pods" else None
        if any(kind == plural for kind, _ in _SYSTEM_OBJECTS):
            _delete_each(api, collection, plural)
        elif api.items(collection):
            api.delete(collection, grace_seconds=grace)


def _user_namespaces(api: Api) -> list[str]:
    names = [str(each["metadata"]["name"]) for each in api.items("/api/v1/namespaces")]
    return [name for name in names if name not in _SYSTEM_NAMESPACES]


def _deletable(api: Api) -> list[tuple[str, Manifest]]:
    """What can be listed and deleted: the root of its paths, and its discovery entry."""
    groups = api.call("GET", "/apis")["groups"]
    versions = [group["preferredVersion"]["groupVersion"] for group in groups]
    return [
        (root, each)
        for root in ("/api/v1", *(f"/apis/{version}" for version in versions))
        for each in api.call("GET", root)["resources"]
        if {"list", "delete", "deletecollection"} <= set(each["verbs"])
        and each["name"] not in _SYSTEM_KINDS
    ]


def _delete_each(api: Api, collection: str, plural: str) -> None:
    for each in api.items(collection):
        if (plural, each["metadata"]["name"]) not in _SYSTEM_OBJECTS:
            api.delete(f"{collection}/{each['metadata']['name']}")


def _delete_cluster_wide(api: Api) -> None:
    for root, resource in _deletable(api):
        if resource["namespaced"]:
            continue
        collection = f"{root}/{resource['name']}"
        for each in api.items(collection):
            if not _is_bootstrapped(each):
                api.delete(f"{collection}/{each['metadata']['name']}")


def _is_bootstrapped(each: Manifest) -> bool:
    """Whether the API server itself made it, as its roles."""
    labels = each["metadata"].get("labels") or {}
    name = str(each["metadata"]["name"])
    return "kubernetes.io/bootstrapping" in labels or name.startswith("system")


def _await_no_pods(cluster: Cluster, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/pods"
    for pod in cluster.api.items(path):
        uid = pod["metadata"]["uid"]
        cluster.api.wait(
            f"{path}/{pod['metadata']['name']}",
            partial(_is_gone, uid),
            timeout=cluster.timeout,
            what="gone",
        )


def _is_gone(uid: str, found: Manifest | None) -> bool:
    # A workload whose deletion is under way may have made another of this name.
    return found is None or found["metadata"]["uid"] != uid
