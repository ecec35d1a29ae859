"""Discovery documents against what a real Kubernetes 1.36 answered."""

import json
from pathlib import Path

import pytest

from apiserver.handlers import discovery_documents as documents
from apiserver.resources.catalogue import built_in_registry

VECTORS = Path(__file__).parents[2] / "vectors" / "apiserver"
# What ours does not have: no proxying to services, no CSI or quota machinery.
NOT_BUILT = {("services", "proxy")}


def recorded():
    """{(group, version, resource): entry} of the recorded aggregated discovery."""
    lists = json.loads((VECTORS / "aggregated-discovery-1.36.2.json").read_text())
    return {
        (item["metadata"].get("name", ""), version["version"], resource["resource"]): (
            resource
        )
        for document in lists
        for item in document["items"]
        for version in item["versions"]
        for resource in version["resources"]
    }


def ours():
    registry = built_in_registry()
    return {
        (item["metadata"].get("name", ""), version["version"], resource["resource"]): (
            resource
        )
        for core in (True, False)
        for item in documents.aggregated_discovery(
            registry, core=core, api_version="v2"
        )["items"]
        for version in item["versions"]
        for resource in version["resources"]
    }


def without_unbuilt(resource):
    kept = [
        subresource
        for subresource in resource.get("subresources", ())
        if (resource["resource"], subresource["subresource"]) not in NOT_BUILT
    ]
    stripped = {k: v for k, v in resource.items() if k != "subresources"}
    return {**stripped, "subresources": kept} if kept else stripped


@pytest.mark.parametrize("key", sorted(ours()), ids="/".join)
def test_each_kind_is_discovered_as_the_real_one(key):
    assert ours()[key] == without_unbuilt(recorded()[key])


def test_groups_come_in_the_real_order():
    real = list(dict.fromkeys(group for group, _, _ in recorded()))
    found = list(dict.fromkeys(group for group, _, _ in ours()))

    assert found == [group for group in real if group in found]


def test_the_plain_resource_list_is_the_real_one():
    real = json.loads((VECTORS / "api-v1-1.36.2.json").read_text())
    found = documents.api_resource_list(built_in_registry(), "", "v1")

    by_name = {entry["name"]: entry for entry in real["resources"]}
    assert found["groupVersion"] == "v1"
    for entry in found["resources"]:
        assert entry == by_name[entry["name"]]


def test_hidden_resources_are_served_but_not_shown():
    registry = built_in_registry()

    found = registry.find("authentication.k8s.io", "v1beta1", "selfsubjectreviews")
    assert found is not None
    assert list(registry.versions("authentication.k8s.io")) == ["v1"]
