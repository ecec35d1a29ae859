"""describe service: the layout of kubectl 1.36.4 for the same objects."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_cli.describe.service import describe_service

SERVICE: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "n"},
    "spec": {
        "selector": {"tier": "x", "app": "two"},
        "type": "NodePort",
        "ipFamilyPolicy": "SingleStack",
        "ipFamilies": ["IPv4"],
        "clusterIP": "10.96.0.9",
        "clusterIPs": ["10.96.0.9"],
        "ports": [{"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080}],
        "sessionAffinity": "None",
        "externalTrafficPolicy": "Cluster",
        "internalTrafficPolicy": "Cluster",
    },
}


def slice_of(*endpoints: dict[str, Any], name: str = "http") -> dict[str, Any]:
    return {"ports": [{"name": name, "port": 8080}], "endpoints": list(endpoints)}


def at(address: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": [address], "conditions": conditions}


def test_a_service_is_laid_out_as_kubectl_does() -> None:
    assert describe_service(SERVICE, [slice_of(at("10.0.0.1"))], []) == (
        "Name:                     web\n"
        "Namespace:                n\n"
        "Labels:                   <none>\n"
        "Annotations:              <none>\n"
        "Selector:                 app=two,tier=x\n"
        "Type:                     NodePort\n"
        "IP Family Policy:         SingleStack\n"
        "IP Families:              IPv4\n"
        "IP:                       10.96.0.9\n"
        "IPs:                      10.96.0.9\n"
        "Port:                     http  80/TCP\n"
        "TargetPort:               web/TCP\n"
        "NodePort:                 http  30080/TCP\n"
        "Endpoints:                10.0.0.1:8080\n"
        "Session Affinity:         None\n"
        "External Traffic Policy:  Cluster\n"
        "Internal Traffic Policy:  Cluster\n"
        "Events:                   <none>\n"
    )


@pytest.mark.parametrize(
    ("slices", "shown"),
    [
        ([], "<none>"),
        ([slice_of(at("10.0.0.1"), name="other")], "<none>"),
        ([slice_of(at("10.0.0.1", ready=False))], "<none>"),
        ([slice_of(at("fd00::1", ready=True))], "[fd00::1]:8080"),
        (
            [slice_of(at("10.0.0.1"), at("10.0.0.2")), slice_of(at("10.0.0.3"))],
            "10.0.0.1:8080,10.0.0.2:8080,10.0.0.3:8080",
        ),
        (
            [slice_of(*(at(f"10.0.0.{n}") for n in range(1, 6)))],
            "10.0.0.1:8080,10.0.0.2:8080,10.0.0.3:8080 + 2 more...",
        ),
    ],
)
def test_only_ready_endpoints_of_the_port_are_shown(
    slices: list[dict[str, Any]], shown: str
) -> None:
    text = describe_service(SERVICE, slices, None)

    assert f"Endpoints:                {shown}\n" in text
