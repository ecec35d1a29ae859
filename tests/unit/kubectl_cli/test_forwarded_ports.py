"""What the ports of a `port-forward` command line mean."""

from __future__ import annotations

import pytest

from kubectl_cli.errors import CommandError
from kubectl_cli.forwarding.listeners import parse_addresses
from kubectl_cli.forwarding.ports import (
    ForwardedPort,
    parse_ports,
    pod_ports,
    service_ports,
)

POD = {
    "metadata": {"name": "web"},
    "spec": {
        "containers": [
            {"ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]},
            {"ports": [{"containerPort": 53, "protocol": "UDP"}]},
        ],
        "initContainers": [
            {"restartPolicy": "Always", "ports": [{"name": "m", "containerPort": 9}]},
            {"ports": [{"name": "never", "containerPort": 10}]},
        ],
    },
}
SERVICE = {
    "metadata": {"name": "s"},
    "spec": {
        "clusterIP": "10.0.0.1",
        "ports": [
            {"name": "say", "port": 80, "targetPort": "http"},
            {"port": 81, "targetPort": 5000},
            {"port": 82},
            {"port": 53, "protocol": "UDP"},
        ],
    },
}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("80", (80, 80)),
        ("8080:80", (8080, 80)),
        (":80", (0, 80)),
        ("0:80", (0, 80)),
    ],
)
def test_a_word_is_a_local_and_a_remote_port(
    word: str, expected: tuple[int, int]
) -> None:
    assert parse_ports([word]) == [ForwardedPort(*expected)]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("1:2:3", "invalid port format '1:2:3'"),
        ("0", "remote port must be > 0"),
        (
            "x:80",
            "error parsing local port 'x': strconv.ParseUint:"
            ' parsing "x": invalid syntax',
        ),
        (
            "80:70000",
            "error parsing remote port '70000': strconv.ParseUint:"
            ' parsing "70000": value out of range',
        ),
    ],
)
def test_a_bad_word_is_refused_in_kubectls_words(word: str, text: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_ports([word])

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("http", "8080"),
        ("80:http", "80:8080"),
        (":m", ":9"),
        ("7:8", "7:8"),
        ("8", "8"),
    ],
)
def test_names_are_those_of_the_pods_containers(word: str, expected: str) -> None:
    assert pod_ports([word], POD) == [expected]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("80", "80:8080"),
        ("say", "80:8080"),
        (":say", ":8080"),
        ("9:81", "9:5000"),
        ("82", "82"),
    ],
)
def test_a_services_ports_lead_to_those_of_the_pod(word: str, expected: str) -> None:
    assert service_ports([word], SERVICE, POD) == [expected]


def test_a_headless_service_has_the_ports_of_its_pods() -> None:
    service = {**SERVICE, "spec": {**SERVICE["spec"], "clusterIP": "None"}}

    assert service_ports(["80"], service, POD) == ["80"]


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("never", "Pod 'web' does not have a named port 'never'"),
        ("53", "UDP protocol is not supported for 53"),
    ],
)
def test_ports_that_a_pod_cannot_offer(word: str, text: str) -> None:
    with pytest.raises(CommandError) as caught:
        pod_ports([word], POD)

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("99", "Service s does not have a service port 99"),
        ("foo", "Service 's' does not have a named port 'foo'"),
        ("53", "UDP protocol is not supported for 53"),
    ],
)
def test_ports_that_a_service_does_not_have(word: str, text: str) -> None:
    with pytest.raises(CommandError) as caught:
        service_ports([word], SERVICE, POD)

    assert str(caught.value) == text


def test_localhost_is_either_loopback_address() -> None:
    assert parse_addresses(["localhost", "10.0.0.1"]) == {
        "127.0.0.1": True,
        "::1": True,
        "10.0.0.1": False,
    }


def test_a_host_name_is_no_address() -> None:
    with pytest.raises(CommandError, match="web is not a valid IP"):
        parse_addresses(["web"])
