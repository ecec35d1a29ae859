"""The Node object: its shape as recorded from Kubernetes 1.36, and what changes."""

from __future__ import annotations

import pytest

from kubelet.admission import admit
from kubelet.dns_config import DnsSettings, parse_resolv_conf, pod_dns
from kubelet.machine import Machine, read_machine, read_usage
from kubelet.node_status import (
    NodeIdentity,
    NodeMoment,
    initial_node,
    node_status,
    status_changes,
)
from tests.unit.kubelet.builders import container, make_pod

MACHINE = Machine(
    cpus=2,
    memory=4 << 30,
    storage=100 << 30,
    inodes=1000,
    machine_id="m",
    system_uuid="s",
    boot_id="b",
    kernel_version="6.1",
    os_image="Debian",
    operating_system="linux",
    architecture="amd64",
)
IDENTITY = NodeIdentity("n1", MACHINE, ("127.0.0.1",), 10250, 110, "v1.36.0")


def moment(**fields):
    return NodeMoment(
        **{
            "now": 1_700_000_000.0,
            "runtime_version": "mini-cri://0.1.0",
            "not_ready": "",
            **fields,
        }
    )


def test_new_node_is_registered_ready():
    node = initial_node(IDENTITY, moment())

    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"
    status = node["status"]
    assert [c["type"] for c in status["conditions"]] == [
        "MemoryPressure",
        "DiskPressure",
        "PIDPressure",
        "Ready",
    ]
    assert status["conditions"][-1]["status"] == "True"
    assert status["conditions"][-1]["message"] == "kubelet is posting ready status"
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert status["addresses"] == [
        {"type": "InternalIP", "address": "127.0.0.1"},
        {"type": "Hostname", "address": "n1"},
    ]
    assert status["capacity"] == {
        "cpu": "2",
        "ephemeral-storage": f"{100 << 20}Ki",
        "memory": f"{4 << 20}Ki",
        "pods": "110",
    }
    assert status["nodeInfo"]["kubeProxyVersion"] == ""


def test_not_ready_says_why():
    status = node_status(IDENTITY, moment(not_ready="container runtime is down"), {})

    ready = status["conditions"][-1]
    assert (ready["status"], ready["reason"]) == ("False", "KubeletNotReady")
    assert ready["message"] == "container runtime is down"


def test_what_is_declared_no_longer_is_taken_back():
    before = node_status(IDENTITY, moment(declared_features=("a",)), {})
    after = node_status(IDENTITY, moment(), before)

    assert status_changes(before, after)["declaredFeatures"] == []
    assert "declaredFeatures" not in node_status(IDENTITY, moment(), {})


def test_declared_features_are_sorted():
    status = node_status(IDENTITY, moment(declared_features=("b", "a")), {})

    assert status["declaredFeatures"] == ["a", "b"]


def test_transition_time_moves_with_the_status_only():
    first = node_status(IDENTITY, moment(), {})
    later = moment(now=1_700_000_100.0, not_ready="x")

    second = node_status(IDENTITY, later, first)

    assert second["conditions"][0]["lastTransitionTime"] == "2023-11-14T22:13:20Z"
    assert second["conditions"][0]["lastHeartbeatTime"] == "2023-11-14T22:15:00Z"
    assert second["conditions"][3]["lastTransitionTime"] == "2023-11-14T22:15:00Z"


def test_heartbeats_alone_are_no_change():
    first = node_status(IDENTITY, moment(), {})

    assert status_changes(first, node_status(IDENTITY, moment(now=2e9), first)) == {}


def test_a_new_image_is_a_change():
    first = node_status(IDENTITY, moment(), {})
    images = [{"names": ["x"], "sizeBytes": 1}]

    changes = status_changes(first, node_status(IDENTITY, moment(images=images), first))

    assert changes == {"images": images}


def test_conditions_of_others_are_no_change():
    first = node_status(IDENTITY, moment(), {})
    seen = {**first, "conditions": [{"type": "Foreign"}, *first["conditions"]]}

    assert status_changes(seen, node_status(IDENTITY, moment(), seen)) == {}


def test_this_machine_can_be_read(tmp_path):
    machine, usage = read_machine(str(tmp_path)), read_usage(str(tmp_path))

    assert machine.cpus >= 1
    assert machine.memory > usage.memory_available > 0
    assert machine.architecture in ("amd64", "arm64")


RESOLV = "# c\nnameserver 1.1.1.1\nsearch a b\noptions ndots:2 edns0\nsearch c\n"


def test_resolv_conf():
    assert parse_resolv_conf(RESOLV) == DnsSettings(
        ("1.1.1.1",), ("c",), ("ndots:2", "edns0")
    )


@pytest.mark.parametrize(
    ("spec", "cluster", "servers", "searches"),
    [
        ({}, (), ("1.1.1.1",), ("c",)),
        ({}, ("10.96.0.10",), ("10.96.0.10",), ("ns.svc.d", "svc.d", "d", "c")),
        ({"dnsPolicy": "Default"}, ("10.96.0.10",), ("1.1.1.1",), ("c",)),
        ({"hostNetwork": True}, ("10.96.0.10",), ("1.1.1.1",), ("c",)),
        (
            {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["9.9.9.9"]}},
            ("10.96.0.10",),
            ("9.9.9.9",),
            (),
        ),
    ],
)
def test_dns_policy(spec, cluster, servers, searches):
    host = parse_resolv_conf(RESOLV)

    settings = pod_dns(make_pod(**spec), host, cluster, "d")

    assert settings.servers == servers
    assert settings.searches == searches


def test_dns_options_of_the_pod_win():
    config = {"options": [{"name": "ndots", "value": "1"}, {"name": "rotate"}]}

    settings = pod_dns(make_pod(dnsConfig=config), parse_resolv_conf(RESOLV), (), "")

    assert settings.options == ("ndots:1", "edns0", "rotate")


ALLOCATABLE = {"cpu": "2", "memory": "1Gi", "pods": "3"}


def asking(name, uid="x", **requests):
    spec = container(resources={"requests": requests})
    return make_pod(spec, metadata={"name": name, "uid": uid})


def test_pod_that_fits_is_admitted():
    other = asking("a", "a", cpu="1")

    assert admit(asking("b", "b", cpu="1"), [other], {}, ALLOCATABLE) is None


@pytest.mark.parametrize(
    ("pod", "reason", "text"),
    [
        (
            asking("b", cpu="1500m"),
            "OutOfcpu",
            "Pod was rejected: Node didn't have enough resource: cpu,"
            " requested: 1500, used: 1000, capacity: 2000",
        ),
        (
            asking("b", memory="2Gi"),
            "OutOfmemory",
            "Pod was rejected: Node didn't have enough resource: memory,"
            f" requested: {2 << 30}, used: 0, capacity: {1 << 30}",
        ),
        (
            make_pod(nodeSelector={"disk": "ssd"}, metadata={"uid": "x"}),
            "NodeAffinity",
            "Pod was rejected: Predicate NodeAffinity failed",
        ),
    ],
)
def test_pod_that_does_not_fit_is_rejected(pod, reason, text):
    verdict = admit(pod, [asking("a", "a", cpu="1")], {}, ALLOCATABLE)

    assert verdict is not None
    assert (verdict.reason, verdict.message) == (reason, text)


def test_too_many_pods():
    others = [asking(n, n) for n in "abc"]

    verdict = admit(asking("d", "d"), others, {}, ALLOCATABLE)

    assert verdict is not None
    assert verdict.reason == "OutOfpods"
