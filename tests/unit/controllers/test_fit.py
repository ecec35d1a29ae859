"""Which nodes take a pod, and what is said when none does."""

from __future__ import annotations

import pytest

from controllers.scheduling.choice import best
from controllers.scheduling.fit import NO_NODES, NodeInfo, Refusal, explain, refuse
from controllers.scheduling.host_ports import HostPort
from controllers.scheduling.resources import Usage, insufficient, pod_requests
from controllers.scheduling.taints import tolerates
from tests.support.fake_api import node, pod

UNSCHEDULABLE = "node(s) were unschedulable"
TAINTED = "node(s) had untolerated taint(s)"
AFFINITY = "node(s) didn't match Pod's node affinity/selector"
PORTS = "node(s) didn't have free ports for the requested pod ports"
ANY = "0.0.0.0"  # noqa: S104 - compared only
TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}


def requesting(**amounts):
    resources = {"requests": {k.replace("_", "-"): v for k, v in amounts.items()}}
    return pod(containers=[{"name": "c", "resources": resources}])


def affine(*terms):
    required = {"nodeSelectorTerms": list(terms)}
    name = "requiredDuringSchedulingIgnoredDuringExecution"
    return pod(affinity={"nodeAffinity": {name: required}})


def expression(operator, *values, key="disk"):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}


def exposing(port, **more):
    return pod(containers=[{"name": "c", "ports": [{"hostPort": port, **more}]}])


def reasons(a_pod, a_node, **info):
    refusal = refuse(a_pod, NodeInfo(a_node, **info))
    return None if refusal is None else list(refusal.reasons)


@pytest.mark.parametrize(
    ("a_pod", "a_node", "expected"),
    [
        (pod(), node(), None),
        (pod(), node(unschedulable=True), [UNSCHEDULABLE]),
        (
            pod(tolerations=[{"operator": "Exists"}]),
            node(unschedulable=True),
            None,
        ),
        (pod(), node(taints=[TAINT]), [TAINTED]),
        (pod(), node(taints=[{**TAINT, "effect": "NoExecute"}]), [TAINTED]),
        (pod(), node(taints=[{**TAINT, "effect": "PreferNoSchedule"}]), None),
        (pod(tolerations=[{"key": "k", "value": "v"}]), node(taints=[TAINT]), None),
        (pod(nodeSelector={"disk": "ssd"}), node(), [AFFINITY]),
        (pod(nodeSelector={"disk": "ssd"}), node(labels={"disk": "ssd"}), None),
        (requesting(cpu="4"), node(), None),
        (requesting(cpu="4001m"), node(), ["Insufficient cpu"]),
        (requesting(memory="9Gi"), node(), ["Insufficient memory"]),
        (
            requesting(cpu="5", memory="9Gi"),
            node(),
            ["Insufficient cpu", "Insufficient memory"],
        ),
        (
            requesting(**{"example.com/gpu": "1"}),
            node(),
            ["Insufficient example.com/gpu"],
        ),
        (pod(), node(allocatable={"pods": "0"}), ["Too many pods"]),
    ],
)
def test_a_node_takes_a_pod_or_says_why_not(a_pod, a_node, expected):
    assert reasons(a_pod, a_node) == expected


def test_the_first_filter_speaks_for_the_node():
    a_pod = pod(nodeSelector={"disk": "ssd"})

    assert reasons(a_pod, node(taints=[TAINT])) == [TAINTED]


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "operator": "Equal", "value": "w"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "k", "value": "v", "effect": "NoExecute"}, False),
        ({}, False),
    ],
)
def test_a_toleration_covers_a_taint(toleration, expected):
    assert tolerates(toleration, TAINT) is expected


@pytest.mark.parametrize(
    ("term", "labels", "expected"),
    [
        (expression("In", "ssd", "nvme"), {"disk": "nvme"}, None),
        (expression("In", "ssd"), {}, [AFFINITY]),
        (expression("NotIn", "ssd"), {}, None),
        (expression("NotIn", "ssd"), {"disk": "ssd"}, [AFFINITY]),
        (expression("Exists"), {"disk": ""}, None),
        (expression("Exists"), {}, [AFFINITY]),
        (expression("DoesNotExist"), {}, None),
        (expression("Gt", "5"), {"disk": "6"}, None),
        (expression("Gt", "5"), {"disk": "5"}, [AFFINITY]),
        (expression("Lt", "5"), {"disk": "4"}, None),
        (expression("Lt", "5"), {"disk": "many"}, [AFFINITY]),
        (expression("Near", "5"), {"disk": "5"}, [AFFINITY]),
        ({}, {}, [AFFINITY]),
    ],
)
def test_required_node_affinity(term, labels, expected):
    assert reasons(affine(term), node(labels=labels)) == expected


def test_one_of_several_terms_is_enough():
    a_pod = affine(expression("In", "ssd"), expression("In", "hdd"))

    assert reasons(a_pod, node(labels={"disk": "hdd"})) is None


def test_a_node_may_be_chosen_by_its_name():
    field = {"key": "metadata.name", "operator": "In", "values": ["n"]}

    assert reasons(affine({"matchFields": [field]}), node("n")) is None
    assert reasons(affine({"matchFields": [field]}), node("m")) == [AFFINITY]


@pytest.mark.parametrize(
    ("wanted", "used", "free"),
    [
        (exposing(80), HostPort(ANY, "TCP", 80), False),
        (exposing(80), HostPort("127.0.0.1", "TCP", 80), False),
        (exposing(80, hostIP="127.0.0.2"), HostPort("127.0.0.1", "TCP", 80), True),
        (exposing(80, protocol="UDP"), HostPort(ANY, "TCP", 80), True),
        (exposing(81), HostPort(ANY, "TCP", 80), True),
    ],
)
def test_a_host_port_is_given_once(wanted, used, free):
    assert reasons(wanted, node(), ports=[used]) == (None if free else [PORTS])


def test_a_pods_requests_are_those_of_its_most_demanding_moment():
    def container(cpu, **more):
        return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}

    a_pod = pod(
        containers=[container("100m"), container("200m")],
        initContainers=[
            container("50m", restartPolicy="Always"),
            container("1"),
        ],
        overhead={"cpu": "10m"},
    )

    # The init container runs beside the sidecar: 1050m, more than 350m later on.
    assert pod_requests(a_pod) == {"cpu": 1060}


def test_what_others_take_is_not_there():
    usage = Usage()
    usage.add({"cpu": 3000})

    assert insufficient({"cpu": 1000}, {"cpu": 4000}, usage) == []
    assert insufficient({"cpu": 1001}, {"cpu": 4000}, usage) == ["Insufficient cpu"]


def test_the_failure_is_told_as_the_scheduler_tells_it():
    refusals = {
        "a": Refusal((TAINTED,)),
        "b": Refusal(("Insufficient cpu", "Insufficient memory"), resolvable=True),
        "c": Refusal(("Insufficient cpu",), resolvable=True),
    }

    assert explain(refusals) == (
        "0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated"
        " taint(s), 2 Insufficient cpu. preemption: 0/3 nodes are available: 1"
        " Preemption is not helpful for scheduling, 2 No preemption victims found for"
        " incoming pod."
    )


def test_without_nodes_there_is_a_sentence_too():
    assert explain({}) == NO_NODES


@pytest.mark.parametrize(
    ("nodes", "a_pod", "chosen"),
    [
        ([NodeInfo(node("b")), NodeInfo(node("a"))], pod(), "a"),
        ([NodeInfo(node("a"), Usage(1, {"cpu": 1})), NodeInfo(node("b"))], pod(), "b"),
        ([NodeInfo(node("a"), Usage(1)), NodeInfo(node("b"))], pod(), "b"),
        (
            [
                NodeInfo(node("a", taints=[{**TAINT, "effect": "PreferNoSchedule"}])),
                NodeInfo(node("b"), Usage(50)),
            ],
            pod(),
            "b",
        ),
        (
            [NodeInfo(node("a")), NodeInfo(node("b", labels={"disk": "ssd"}))],
            pod(
                affinity={
                    "nodeAffinity": {
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            {"weight": 1, "preference": expression("In", "ssd")}
                        ]
                    }
                }
            ),
            "b",
        ),
    ],
    ids=["by name", "by room", "by number of pods", "by taint", "by preference"],
)
def test_the_best_node_is_chosen(nodes, a_pod, chosen):
    assert best(a_pod, nodes).name == chosen
