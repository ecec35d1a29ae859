"""Namespaces: furnished when they come, emptied when they go."""

from __future__ import annotations

import asyncio

import pytest

from controllers.discovery import collectable_types, deletable_types
from controllers.informer import Informer
from controllers.namespaces import NamespaceController
from controllers.resources import (
    CONFIG_MAPS,
    NAMESPACES,
    PODS,
    SERVICE_ACCOUNTS,
    ResourceType,
)
from controllers.service_accounts import NamespaceFurnisher
from tests.support.fake_api import FakeApi, pod
from tests.support.settling import settled

TIME = "2027-01-15T08:00:00Z"
ALL = ["create", "delete", "list", "patch", "watch"]


def namespace(name="a", *, deleting=False, finalizers=("kubernetes",)):
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": "1"}
    if deleting:
        metadata["deletionTimestamp"] = TIME
    return {"metadata": metadata, "spec": {"finalizers": list(finalizers)}}


@pytest.fixture
async def run():
    async with asyncio.TaskGroup() as tasks:
        running = []
        yield lambda controller: running.append(tasks.create_task(controller.run()))
        for task in running:
            task.cancel()


class Emptying:
    def __init__(self):
        self.api = FakeApi()
        self.namespaces = Informer(NAMESPACES)
        self.controller = NamespaceController(self.api, self.namespaces, self.types)

    async def types(self):
        return [PODS, CONFIG_MAPS]


async def test_a_deleted_namespace_is_emptied_and_let_go(run):
    given = Emptying()
    given.api.have(PODS, pod("p", namespace="a"), pod("q", namespace="b"))
    run(given.controller)

    given.namespaces.apply("MODIFIED", namespace("a", deleting=True))
    await settled()

    deletion, finalization = given.api.calls
    assert deletion.what == "pods a/p"
    assert finalization.verb == "finalize"
    assert finalization.body["spec"]["finalizers"] == []


async def test_other_finalizers_are_not_its_own(run):
    given = Emptying()
    run(given.controller)

    ending = namespace("a", deleting=True, finalizers=("mine", "kubernetes"))
    given.namespaces.apply("MODIFIED", ending)
    await settled()

    assert given.api.calls[-1].body["spec"]["finalizers"] == ["mine"]


async def test_what_takes_its_time_to_go_is_waited_for(run):
    given = Emptying()
    leaving = pod("p", namespace="a")
    leaving["metadata"]["deletionTimestamp"] = TIME
    given.api.have(PODS, leaving)
    run(given.controller)

    given.namespaces.apply("MODIFIED", namespace("a", deleting=True))
    await settled()
    assert given.api.calls == []

    given.api.objects[PODS].clear()
    await given.controller.reconcile("a")
    assert [call.verb for call in given.api.calls] == ["finalize"]


async def test_a_living_namespace_is_left_alone(run):
    given = Emptying()
    given.api.have(PODS, pod("p", namespace="a"))
    run(given.controller)

    given.namespaces.apply("ADDED", namespace("a"))
    await settled()

    assert given.api.calls == []


class Furnishing:
    def __init__(self):
        self.api = FakeApi()
        self.namespaces = Informer(NAMESPACES)
        self.maps, self.accounts = Informer(CONFIG_MAPS), Informer(SERVICE_ACCOUNTS)
        for informer in (self.maps, self.accounts):
            informer.synced.set()
        self.furnisher = NamespaceFurnisher(
            self.api, self.namespaces, self.maps, self.accounts, "PEM"
        )


async def test_a_new_namespace_gets_an_account_and_the_ca(run):
    given = Furnishing()
    run(given.furnisher)

    given.namespaces.apply("ADDED", namespace("a"))
    await settled()

    account, bundle = given.api.calls
    assert account.what == "serviceaccounts a/default"
    assert bundle.what == "configmaps a/kube-root-ca.crt"
    assert bundle.body["data"] == {"ca.crt": "PEM"}


async def test_what_somebody_deletes_comes_back(run):
    given = Furnishing()
    present = {"metadata": {"name": "default", "namespace": "a"}}
    bundle = {
        "metadata": {"name": "kube-root-ca.crt", "namespace": "a"},
        "data": {"ca.crt": "PEM"},
    }
    given.namespaces.apply("ADDED", namespace("a"))
    given.accounts.apply("ADDED", present)
    given.maps.apply("ADDED", bundle)
    run(given.furnisher)
    await settled()
    assert given.api.calls == []

    given.accounts.apply("DELETED", present)
    await settled()

    assert [call.what for call in given.api.calls] == ["serviceaccounts a/default"]


async def test_a_changed_ca_is_published_again(run):
    given = Furnishing()
    given.namespaces.apply("ADDED", namespace("a"))
    given.accounts.apply("ADDED", {"metadata": {"name": "default", "namespace": "a"}})
    old = {"metadata": {"name": "kube-root-ca.crt", "namespace": "a"}, "data": {}}
    given.maps.apply("ADDED", old)

    run(given.furnisher)
    await settled()

    (update,) = given.api.calls
    assert (update.verb, update.body["data"]) == ("update", {"ca.crt": "PEM"})


def entry(name, kind, verbs, *, namespaced=True):
    return {"name": name, "kind": kind, "namespaced": namespaced, "verbs": verbs}


DOCUMENTS = {
    "/api/v1": {
        "resources": [
            entry("pods", "Pod", ALL),
            entry("pods/log", "Pod", ["get"]),
            entry("nodes", "Node", ALL, namespaced=False),
            entry("events", "Event", ALL),
            entry("bindings", "Binding", ["create"]),
        ]
    },
    "/apis": {"groups": [{"name": "apps", "preferredVersion": {"version": "v1"}}]},
    "/apis/apps/v1": {"resources": [entry("deployments", "Deployment", ALL)]},
}
DEPLOYMENTS = ResourceType("apps", "v1", "deployments", "Deployment")


async def test_a_namespace_holds_all_that_is_namespaced_and_can_be_deleted():
    types = await deletable_types(FakeApi(DOCUMENTS))

    assert [item.resource for item in types] == ["pods", "events", "deployments"]
    assert types[-1] == DEPLOYMENTS


async def test_events_are_not_collected():
    types = await collectable_types(FakeApi(DOCUMENTS))

    assert [item.resource for item in types] == ["pods", "nodes", "deployments"]
