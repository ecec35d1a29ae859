"""Services: what is refused, in kube-apiserver's words."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.validation.services import validate_service

PORT: dict[str, Any] = {"port": 80, "targetPort": 80, "protocol": "TCP"}


def complaints(**spec: Any) -> list[str]:
    usual = {"type": "ClusterIP", "sessionAffinity": "None", "ports": [PORT]}
    return [str(error) for error in validate_service({"spec": usual | spec})]


def test_a_usual_service_is_good() -> None:
    assert complaints() == []


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"ports": []}, "spec.ports: Required value"),
        (
            {"type": "Nope"},
            'spec.type: Unsupported value: "Nope": supported values: "ClusterIP",'
            ' "ExternalName", "LoadBalancer", "NodePort"',
        ),
        (
            {"sessionAffinity": "Nope"},
            'spec.sessionAffinity: Unsupported value: "Nope": supported values:'
            ' "ClientIP", "None"',
        ),
        (
            {"ports": [PORT | {"port": 0}]},
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535,"
            " inclusive",
        ),
        (
            {"ports": [PORT | {"targetPort": 70000}]},
            "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and"
            " 65535, inclusive",
        ),
        (
            {"ports": [PORT | {"protocol": "X"}]},
            'spec.ports[0].protocol: Unsupported value: "X": supported values: "SCTP",'
            ' "TCP", "UDP"',
        ),
        (
            {"ports": [PORT | {"name": "a"}, PORT | {"name": "a", "port": 81}]},
            'spec.ports[1].name: Duplicate value: "a"',
        ),
        (
            {"ports": [PORT | {"name": "a"}, PORT | {"port": 81}]},
            "spec.ports[1].name: Required value",
        ),
        ({"type": "ExternalName", "ports": []}, "spec.externalName: Required value"),
    ],
)
def test_what_is_wrong_is_told(spec: dict[str, Any], complaint: str) -> None:
    assert complaints(**spec) == [complaint]


@pytest.mark.parametrize(
    "spec",
    [
        {"ports": [], "clusterIP": "None"},
        {"ports": [], "type": "ExternalName", "externalName": "example.com"},
        {"ports": [PORT | {"targetPort": "http"}]},
    ],
)
def test_services_without_ports_of_their_own_are_good(spec: dict[str, Any]) -> None:
    assert complaints(**spec) == []
