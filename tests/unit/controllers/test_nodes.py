"""Silent nodes, their taints, and the pods they keep or lose."""

from __future__ import annotations

import asyncio

import pytest

from controllers.events import EventRecorder
from controllers.informer import Informer
from controllers.node_health import (
    GRACE_PERIOD,
    Heartbeat,
    ready_status,
    unknown_conditions,
    wanted_taints,
)
from controllers.node_lifecycle import NodeLifecycle
from controllers.pod_gc import PodGarbageCollector
from controllers.resources import LEASES, NODES, PODS
from controllers.taint_eviction import TaintEviction, eviction_time
from tests.support.fake_api import FakeApi, node, pod
from tests.support.settling import settled

NOW = 1_800_000_000.0
TIME = "2027-01-15T08:00:00Z"
NO_EXECUTE = {"key": "k", "effect": "NoExecute", "timeAdded": TIME}


def keys(taints):
    return [
        (taint["key"].removeprefix("node.kubernetes.io/"), taint["effect"])
        for taint in taints
    ]


def test_a_heartbeat_counts_from_when_it_was_seen():
    beat = Heartbeat("a", 0.0)

    beat.observe("a", 40.0)
    assert beat.is_stale(GRACE_PERIOD + 0.1)
    beat.observe("b", 40.0)
    assert not beat.is_stale(GRACE_PERIOD + 0.1)


def test_a_silent_nodes_conditions_become_unknown():
    conditions = unknown_conditions(node(), NOW)

    by_type = {condition["type"]: condition for condition in conditions}
    assert by_type["Ready"]["reason"] == "NodeStatusUnknown"
    assert by_type["Ready"]["message"] == "Kubelet stopped posting node status."
    assert by_type["DiskPressure"]["reason"] == "NodeStatusNeverUpdated"
    assert {condition["status"] for condition in conditions} == {"Unknown"}


def test_what_is_unknown_already_is_not_written_again():
    silent = node()
    silent["status"]["conditions"] = unknown_conditions(node(), NOW)

    assert unknown_conditions(silent, NOW) == []


@pytest.mark.parametrize(
    ("a_node", "expected"),
    [
        (node(), None),
        (node(unschedulable=True), [("unschedulable", "NoSchedule")]),
        (
            node(ready="False"),
            [("not-ready", "NoSchedule"), ("not-ready", "NoExecute")],
        ),
        (
            node(ready="Unknown"),
            [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")],
        ),
        (node(taints=[{"key": "mine", "effect": "NoSchedule"}]), None),
        (
            node(
                taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]
            ),
            [],
        ),
    ],
)
def test_taints_follow_the_conditions(a_node, expected):
    taints = wanted_taints(a_node, NOW)

    assert (None if taints is None else keys(taints)) == expected


def test_a_taint_that_stands_keeps_its_time_and_foreign_ones_stay():
    mine = {"key": "mine", "effect": "NoSchedule"}
    old = {
        "key": "node.kubernetes.io/not-ready",
        "effect": "NoExecute",
        "timeAdded": "x",
    }

    taints = wanted_taints(node(ready="False", taints=[mine, old]), NOW)

    assert taints[0] == mine
    assert old in taints


@pytest.mark.parametrize(
    ("taints", "tolerations", "expected"),
    [
        ([], [], None),
        ([NO_EXECUTE], [], NOW),
        ([NO_EXECUTE], [{"operator": "Exists"}], None),
        ([NO_EXECUTE], [{"operator": "Exists", "tolerationSeconds": 300}], NOW + 300),
        ([NO_EXECUTE], [{"operator": "Exists", "tolerationSeconds": -1}], NOW),
        (
            [NO_EXECUTE],
            [
                {"operator": "Exists", "tolerationSeconds": 300},
                {"key": "k", "operator": "Exists", "tolerationSeconds": 60},
            ],
            NOW + 60,
        ),
    ],
)
def test_when_a_pod_has_to_go(taints, tolerations, expected):
    assert eviction_time(taints, tolerations, NOW) == expected


class Cluster:
    """Node controllers on informers that the test feeds."""

    def __init__(self):
        self.api = FakeApi()
        self.pods, self.nodes = Informer(PODS), Informer(NODES)
        self.leases = Informer(LEASES)
        for informer in (self.pods, self.nodes, self.leases):
            informer.synced.set()
        self.events = EventRecorder(self.api, "node-controller", "host", lambda: NOW)

    def lifecycle(self):
        return NodeLifecycle(
            self.api, self.nodes, self.pods, self.leases, self.events, lambda: NOW
        )

    def eviction(self):
        return TaintEviction(self.api, self.nodes, self.pods, self.events, lambda: NOW)

    def collector(self):
        return PodGarbageCollector(self.api, self.nodes, self.pods, lambda: NOW)


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
async def run():
    async with asyncio.TaskGroup() as tasks:
        running = []
        yield lambda controller: running.append(tasks.create_task(controller.run()))
        for task in running:
            task.cancel()


async def test_a_cordoned_node_is_tainted(cluster, run):
    run(cluster.lifecycle())

    cluster.nodes.apply("ADDED", node("n", unschedulable=True))
    await settled()

    (patch,) = cluster.api.verbs("patch")
    assert patch.what == "nodes n"
    assert keys(patch.body["spec"]["taints"]) == [("unschedulable", "NoSchedule")]
    assert patch.body["metadata"]["resourceVersion"]


async def test_pods_of_a_node_that_is_not_ready_are_not_ready(cluster, run):
    running = pod("p", node="n", phase="Running")
    running["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    cluster.pods.apply("ADDED", running)
    run(cluster.lifecycle())

    cluster.nodes.apply("ADDED", node("n", ready="Unknown"))
    await settled()

    patches = {call.what: call.body for call in cluster.api.verbs("patch")}
    (condition,) = patches["pods/status default/p"]["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Ready", "False")
    reasons = [call.body["reason"] for call in cluster.api.verbs("create")]
    assert sorted(reasons) == ["NodeNotReady", "RegisteredNode"]


async def test_a_node_seen_for_the_first_time_has_the_whole_grace_period(cluster):
    cluster.nodes.apply("ADDED", node("n"))

    await cluster.lifecycle().reconcile("n")

    assert cluster.api.calls == []
    assert ready_status(cluster.nodes.get("n")) == "True"


async def test_a_pod_that_does_not_tolerate_its_node_is_deleted(cluster, run):
    cluster.nodes.apply("ADDED", node("n", taints=[NO_EXECUTE]))
    run(cluster.eviction())

    cluster.pods.apply("ADDED", pod("p", node="n"))
    await settled()

    assert [call.verb for call in cluster.api.calls] == ["create", "patch", "delete"]
    event, patch, deletion = cluster.api.calls
    assert event.body["message"] == "Marking for deletion Pod default/p"
    assert patch.body["status"]["conditions"][0]["reason"] == "DeletionByTaintManager"
    assert deletion.body == {"preconditions": {"uid": "uid-p"}}


async def test_a_taint_that_comes_later_counts_too(cluster, run):
    cluster.nodes.apply("ADDED", node("n"))
    cluster.pods.apply("ADDED", pod("p", node="n"))
    run(cluster.eviction())
    await settled()
    assert cluster.api.calls == []

    cluster.nodes.apply("MODIFIED", node("n", taints=[NO_EXECUTE]))
    await settled()

    assert [call.what for call in cluster.api.verbs("delete")] == ["pods default/p"]


async def test_a_pod_of_a_node_that_is_gone_is_failed_and_deleted(cluster):
    cluster.pods.apply("ADDED", pod("p", node="gone", phase="Running"))

    await cluster.collector().reconcile("default/p")

    patch, deletion = cluster.api.calls
    assert patch.body["status"]["phase"] == "Failed"
    assert patch.body["status"]["conditions"][0]["reason"] == "DeletionByPodGC"
    assert deletion.body["gracePeriodSeconds"] == 0


async def test_a_node_the_cache_does_not_know_yet_is_asked_for(cluster):
    cluster.api.have(NODES, node("n"))
    cluster.pods.apply("ADDED", pod("p", node="n"))

    await cluster.collector().reconcile("default/p")

    assert cluster.api.calls == []


async def test_a_deleted_pod_that_never_had_a_node_is_deleted_at_once(cluster):
    unbound = pod("p")
    unbound["metadata"]["deletionTimestamp"] = TIME
    cluster.pods.apply("ADDED", unbound)

    await cluster.collector().reconcile("default/p")

    assert [call.what for call in cluster.api.verbs("delete")] == ["pods default/p"]
