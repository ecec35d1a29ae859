"""The scheduler binds what waits, and says why it cannot."""

from __future__ import annotations

import asyncio

import pytest

from apimachinery.status import conflict
from controllers.events import EventRecorder
from controllers.informer import Informer
from controllers.resources import NODES, PODS
from controllers.scheduler import Scheduler
from tests.support.fake_api import FakeApi, node, pod
from tests.support.settling import settled

NOW = 1_800_000_000.0
REFUSED = (
    "0/1 nodes are available: 1 node(s) were unschedulable. preemption: 0/1 nodes are"
    " available: 1 Preemption is not helpful for scheduling."
)


class Cluster:
    """A scheduler at work on informers that the test feeds."""

    def __init__(self):
        self.api = FakeApi()
        self.pods, self.nodes = Informer(PODS), Informer(NODES)
        self.pods.synced.set()
        self.nodes.synced.set()
        events = EventRecorder(self.api, "default-scheduler", "host", lambda: NOW)
        self.scheduler = Scheduler(self.api, self.pods, self.nodes, events, lambda: NOW)

    def bindings(self):
        return [
            (call.what, call.body["target"]["name"])
            for call in self.api.verbs("binding")
        ]


@pytest.fixture
async def cluster():
    cluster = Cluster()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(cluster.scheduler.run())
        yield cluster
        running.cancel()


async def test_a_pod_without_a_node_is_bound(cluster):
    cluster.nodes.apply("ADDED", node("n"))

    cluster.pods.apply("ADDED", pod("p"))
    await settled()

    assert cluster.bindings() == [("pods default/p", "n")]
    (binding,) = cluster.api.verbs("binding")
    assert binding.body["metadata"] == {
        "name": "p",
        "namespace": "default",
        "uid": "uid-p",
    }


async def test_binding_is_told_as_the_scheduler_tells_it(cluster):
    cluster.nodes.apply("ADDED", node("n"))

    cluster.pods.apply("ADDED", pod("p"))
    await settled()

    (event,) = cluster.api.verbs("create")
    assert event.body["reason"] == "Scheduled"
    assert event.body["message"] == "Successfully assigned default/p to n"
    assert event.body["reportingComponent"] == "default-scheduler"
    assert event.body["reportingInstance"] == "default-scheduler-host"
    assert event.body["action"] == "Binding"
    assert event.body["firstTimestamp"] is None
    assert event.body["involvedObject"]["uid"] == "uid-p"


@pytest.mark.parametrize(
    "a_pod",
    [
        pod(node="n"),
        pod(schedulerName="another"),
        pod(schedulingGates=[{"name": "wait"}]),
        pod(phase="Succeeded"),
    ],
    ids=["has a node", "another scheduler's", "gated", "finished"],
)
async def test_some_pods_are_none_of_its_business(cluster, a_pod):
    cluster.nodes.apply("ADDED", node("n"))

    cluster.pods.apply("ADDED", a_pod)
    await settled()

    assert cluster.api.calls == []


async def test_a_pod_that_fits_nowhere_is_told_so(cluster):
    cluster.nodes.apply("ADDED", node("n", unschedulable=True))

    cluster.pods.apply("ADDED", pod("p"))
    await settled()

    event, patch = cluster.api.calls
    assert (event.body["type"], event.body["reason"]) == ("Warning", "FailedScheduling")
    assert event.body["message"] == REFUSED
    assert patch.what == "pods/status default/p"
    (condition,) = patch.body["status"]["conditions"]
    assert condition["type"] == "PodScheduled"
    assert condition["status"] == "False"
    assert condition["reason"] == "Unschedulable"
    assert condition["message"] == REFUSED


async def test_a_pod_that_waits_is_bound_when_its_node_comes(cluster):
    cluster.pods.apply("ADDED", pod("p"))
    await settled()
    assert cluster.bindings() == []

    cluster.nodes.apply("ADDED", node("n"))
    await settled()

    assert cluster.bindings() == [("pods default/p", "n")]


async def test_a_heartbeat_is_no_reason_to_look_again(cluster):
    cluster.nodes.apply("ADDED", node("n", unschedulable=True))
    cluster.pods.apply("ADDED", pod("p"))
    await settled()
    before = len(cluster.api.calls)

    cluster.nodes.apply("MODIFIED", node("n", unschedulable=True))
    await settled()

    assert len(cluster.api.calls) == before


async def test_two_pods_in_a_row_are_not_given_the_same_room(cluster):
    cluster.nodes.apply("ADDED", node("n", allocatable={"pods": "1"}))

    cluster.pods.apply("ADDED", pod("p"))
    cluster.pods.apply("ADDED", pod("q"))
    await settled()

    assert cluster.bindings() == [("pods default/p", "n")]


async def test_a_pods_end_makes_room(cluster):
    cluster.nodes.apply("ADDED", node("n", allocatable={"pods": "1"}))
    cluster.pods.apply("ADDED", pod("p"))
    cluster.pods.apply("ADDED", pod("q"))
    await settled()

    cluster.pods.apply("MODIFIED", pod("p", node="n", phase="Succeeded"))
    await settled()

    assert cluster.bindings()[1:] == [("pods default/q", "n")]


async def test_a_refused_binding_is_tried_again(cluster):
    cluster.api.failures["binding"] = conflict("pods", "p", "busy")
    cluster.nodes.apply("ADDED", node("n", allocatable={"pods": "1"}))

    cluster.pods.apply("ADDED", pod("p"))
    await settled(0.05)

    assert cluster.bindings() == [("pods default/p", "n")]


async def test_the_same_failure_again_counts_in_its_series(cluster):
    cluster.nodes.apply("ADDED", node("n", unschedulable=True))
    cluster.pods.apply("ADDED", pod("p"))
    await settled()

    cluster.nodes.apply("MODIFIED", node("n", unschedulable=True, taints=[]))
    await settled()

    series = [
        call.body["series"] for call in cluster.api.calls if "series" in call.body
    ]
    assert [item["count"] for item in series] == [2]
