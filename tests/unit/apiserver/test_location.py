"""From a pod to the URL at its kubelet."""

import pytest

from apimachinery.options import (
    PodExecOptions,
    PodLogOptions,
    PortForwardOptions,
    Query,
)
from apimachinery.status import StatusError
from apiserver.streaming import location


def pod(containers=("c",), init=(), ephemeral=(), node="n1"):
    spec = {
        "nodeName": node,
        "containers": [{"name": name} for name in containers],
        "initContainers": [{"name": name} for name in init],
        "ephemeralContainers": [{"name": name} for name in ephemeral],
    }
    return {"metadata": {"name": "p", "namespace": "ns"}, "spec": spec}


@pytest.mark.parametrize(
    ("described", "asked", "chosen"),
    [
        (pod(), "", "c"),
        (pod(init=("i",)), "", "c"),
        (pod(("a", "b")), "b", "b"),
        (pod(init=("i",)), "i", "i"),
        (pod(ephemeral=("e",)), "e", "e"),
    ],
)
def test_the_container_is_chosen(described, asked, chosen):
    assert location.choose_container(described, asked) == chosen


@pytest.mark.parametrize(
    ("described", "asked", "text"),
    [
        (pod(), "x", "container x is not valid for pod p"),
        (
            pod(("a", "b"), ("i",), ("e",)),
            "",
            "a container name must be specified for pod p, choose one of: [a b i e]",
        ),
        (pod(()), "", "a container name must be specified for pod p"),
    ],
)
def test_a_choice_that_cannot_be_made_is_a_bad_request(described, asked, text):
    with pytest.raises(StatusError) as caught:
        location.choose_container(described, asked)

    assert (caught.value.code, caught.value.message) == (400, text)


def test_exec_has_the_kubelets_own_names():
    options = PodExecOptions(
        command=("sh", "-c", "echo a b"), stdin=True, stdout=True, tty=True
    )

    assert location.exec_target(pod(), options) == (
        "/exec/ns/p/c?command=sh&command=-c&command=echo+a+b&input=1&output=1&tty=1"
    )


def test_attach_and_port_forward_have_their_paths():
    options = PodExecOptions(stdout=True, stderr=True)
    ports = PortForwardOptions.from_query(Query([("ports", "80,443")]))

    assert location.attach_target(pod(), options) == "/attach/ns/p/c?error=1&output=1"
    assert location.port_forward_target(pod(), ports) == (
        "/portForward/ns/p?port=80%2C443"
    )
    assert location.port_forward_target(pod(), PortForwardOptions()) == (
        "/portForward/ns/p"
    )


def test_log_options_go_on_sorted():
    options = PodLogOptions(
        follow=True, tail_lines=0, since_time="2026-01-01T00:00:00Z", timestamps=True
    )

    assert location.log_target(pod(), options) == (
        "/containerLogs/ns/p/c?follow=true&sinceTime=2026-01-01T00%3A00%3A00Z"
        "&tailLines=0&timestamps=true"
    )


def test_a_pod_without_node_has_no_log_and_no_host():
    with pytest.raises(location.NoHostError):
        location.log_target(pod(node=None), PodLogOptions())
    with pytest.raises(StatusError, match="pod p does not have a host assigned"):
        location.require_node(pod(node=None))


def node(port=0, **addresses):
    return {
        "status": {
            "addresses": [{"type": k, "address": v} for k, v in addresses.items()],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "declaredFeatures": ["ExtendWebSocketsToKubelet"],
        }
    }


def test_the_first_preferred_address_is_taken():
    described = node(1234, Hostname="h", InternalIP="10.0.0.1")

    found = location.kubelet_address(
        described, ("ExternalIP", "InternalIP", "Hostname")
    )

    assert (found.host, found.port, found.takes_websockets) == ("10.0.0.1", 1234, True)


def test_the_kubelets_port_is_10250_unless_it_says_otherwise():
    found = location.kubelet_address(node(InternalIP="10.0.0.1"), ("InternalIP",))

    assert found.port == 10250


def test_a_node_without_fitting_address_is_an_error():
    with pytest.raises(StatusError) as caught:
        location.kubelet_address(node(Hostname="h"), ("InternalIP",))

    assert caught.value.message == (
        "no preferred addresses found; known addresses: [{Hostname h}]"
    )
