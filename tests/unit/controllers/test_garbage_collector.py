"""What is left when its owner is gone, and what an owner's deletion waits for."""

from __future__ import annotations

import asyncio

import pytest

from controllers.garbage_collector import GarbageCollector
from controllers.informer import Informer
from controllers.resources import CONFIG_MAPS, LEASES, NODES, PODS
from tests.support.fake_api import FakeApi
from tests.support.settling import settled


def thing(name, *owners, uid="", finalizers=(), deleting=False, namespace="default"):
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": uid or f"uid-{name}",
        "resourceVersion": "1",
        "ownerReferences": list(owners),
        "finalizers": list(finalizers),
    }
    if deleting:
        metadata["deletionTimestamp"] = "2027-01-15T08:00:00Z"
    return {"metadata": metadata}


def owned_by(name, *, uid="", kind="ConfigMap", blocks=False):
    return {
        "apiVersion": "v1",
        "kind": kind,
        "name": name,
        "uid": uid or f"uid-{name}",
        "blockOwnerDeletion": blocks,
    }


class Cluster:
    def __init__(self):
        self.api = FakeApi()
        self.pods, self.maps = Informer(PODS), Informer(CONFIG_MAPS)
        self.nodes = Informer(NODES)
        informers = {
            informer.resource: informer
            for informer in (self.pods, self.maps, self.nodes)
        }
        for informer in informers.values():
            informer.synced.set()
        self.collector = GarbageCollector(
            self.api, [*informers, LEASES], informers.__getitem__
        )
        self.api.documents = {"/apis/coordination.k8s.io/v1/leases?limit=1": {}}

    def add(self, informer, obj):
        self.api.have(informer.resource, obj)
        informer.apply("ADDED", obj)

    def remove(self, informer, obj):
        self.api.objects[informer.resource].pop(
            f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"
        )
        informer.apply("DELETED", obj)


@pytest.fixture
async def cluster():
    cluster = Cluster()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(cluster.collector.run())
        await settled()
        yield cluster
        running.cancel()


async def test_a_dependent_goes_with_its_owner(cluster):
    owner = thing("owner")
    cluster.add(cluster.maps, owner)
    cluster.add(cluster.pods, thing("p", owned_by("owner")))
    await settled()
    assert cluster.api.calls == []

    cluster.remove(cluster.maps, owner)
    await settled()

    (call,) = cluster.api.calls
    assert (call.verb, call.what) == ("delete", "pods default/p")
    assert call.body == {
        "propagationPolicy": "Background",
        "preconditions": {"uid": "uid-p"},
    }


async def test_an_owner_that_never_was_is_gone(cluster):
    cluster.add(cluster.pods, thing("p", owned_by("nobody")))
    await settled()

    assert [call.what for call in cluster.api.verbs("delete")] == ["pods default/p"]


async def test_another_object_of_the_owners_name_is_not_the_owner(cluster):
    cluster.api.have(CONFIG_MAPS, thing("owner", uid="new"))

    cluster.add(cluster.pods, thing("p", owned_by("owner", uid="old")))
    await settled()

    assert [call.what for call in cluster.api.verbs("delete")] == ["pods default/p"]


async def test_an_owner_the_cache_does_not_know_yet_is_asked_for(cluster):
    cluster.api.have(CONFIG_MAPS, thing("owner"))

    cluster.add(cluster.pods, thing("p", owned_by("owner")))
    await settled()

    assert cluster.api.calls == []


async def test_an_owner_of_an_unknown_type_counts_as_present(cluster):
    cluster.add(cluster.pods, thing("p", owned_by("x", kind="Widget")))
    await settled()

    assert cluster.api.calls == []


async def test_with_another_owner_left_only_the_reference_goes(cluster):
    cluster.add(cluster.maps, thing("here"))

    cluster.add(cluster.pods, thing("p", owned_by("here"), owned_by("gone")))
    await settled()

    (call,) = cluster.api.calls
    assert call.verb == "patch"
    assert call.body["metadata"]["ownerReferences"] == [
        {"$patch": "delete", "uid": "uid-gone"}
    ]


async def test_foreground_deletion_takes_the_dependents_first(cluster):
    owner = thing("owner", finalizers=["foregroundDeletion"], deleting=True)
    dependent = thing("p", owned_by("owner", blocks=True))
    cluster.add(cluster.pods, dependent)
    cluster.add(cluster.maps, owner)
    await settled()
    assert {(call.verb, call.what) for call in cluster.api.calls} == {
        ("delete", "pods default/p")
    }

    cluster.pods.apply("DELETED", dependent)
    await settled()

    last = cluster.api.calls[-1]
    assert (last.verb, last.what) == ("patch", "configmaps default/owner")
    assert last.body["metadata"]["$deleteFromPrimitiveList/finalizers"] == [
        "foregroundDeletion"
    ]


async def test_dependents_that_do_not_block_are_not_waited_for(cluster):
    cluster.add(cluster.pods, thing("p", owned_by("owner")))
    owner = thing("owner", finalizers=["foregroundDeletion"], deleting=True)

    cluster.add(cluster.maps, owner)
    await settled()

    assert cluster.api.verbs("patch")


async def test_orphans_lose_their_owner_and_stay(cluster):
    cluster.add(cluster.pods, thing("p", owned_by("owner")))
    owner = thing("owner", finalizers=["orphan"], deleting=True)

    cluster.add(cluster.maps, owner)
    await settled()

    assert [(call.verb, call.what) for call in cluster.api.calls] == [
        ("patch", "pods default/p"),
        ("patch", "configmaps default/owner"),
    ]


async def test_a_type_without_objects_is_not_watched():
    cluster = Cluster()
    followed = []
    collector = GarbageCollector(
        cluster.api,
        [PODS, LEASES],
        lambda resource: followed.append(resource) or cluster.pods,
    )

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(collector.run())
        await settled()
        running.cancel()

    assert followed == [PODS]


async def test_an_object_without_owners_is_left_alone(cluster):
    cluster.add(cluster.pods, thing("p"))
    await settled()

    assert cluster.api.calls == []
