"""The services as data: their commands, what replaces them, what they need."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.layout import Layout
from cluster.services import (
    NodeReady,
    SocketReady,
    authority,
    kubelet_config,
    port_names,
    services,
)
from cluster.settings import ClusterSettings, Tracing

LAYOUT = Layout(Path("/state"), Path("/run/mk/a"))
SETTINGS = ClusterSettings(
    name="default",
    sockets="/run/mk/a",
    ports={"apiserver": 6443, "kubelet-mini-kube": 10250},
)


def flags(command: tuple[str, ...]) -> dict[str, str]:
    return dict(part.removeprefix("--").split("=", 1) for part in command[1:])


def by_name(settings: ClusterSettings):
    return {service.name: service for service in services(settings, LAYOUT)}


def test_a_cluster_is_an_api_server_a_runtime_and_a_kubelet():
    assert list(by_name(SETTINGS)) == [
        "apiserver",
        "cri-mini-kube",
        "kubelet-mini-kube",
    ]


def test_each_node_adds_a_runtime_and_a_kubelet():
    ports = {**SETTINGS.ports, "kubelet-mini-kube-2": 10251}
    settings = replace(SETTINGS, nodes=2, ports=ports)

    assert list(by_name(settings))[3:] == ["cri-mini-kube-2", "kubelet-mini-kube-2"]


def test_every_flag_carries_a_value():
    for service in services(SETTINGS, LAYOUT):
        assert all(flags(service.command).values())


def test_the_kubelet_talks_to_the_runtime_beside_it():
    kubelet = flags(by_name(SETTINGS)["kubelet-mini-kube"].command)
    runtime = flags(by_name(SETTINGS)["cri-mini-kube"].command)

    assert kubelet["container-runtime-endpoint"] == f"unix://{runtime['address']}"


def test_a_kubelet_knows_callers_by_certificate_and_by_token_as_kubeadm_has_it():
    kubelet = flags(by_name(SETTINGS)["kubelet-mini-kube"].command)

    assert kubelet["client-ca-file"]
    assert kubelet["authentication-token-webhook"] == "true"
    assert kubelet["authorization-mode"] == "Webhook"


def test_a_runtime_of_the_users_is_not_started_but_used():
    settings = replace(SETTINGS, cri_socket="unix:///run/containerd/containerd.sock")

    found = by_name(settings)

    assert "cri-mini-kube" not in found
    kubelet = found["kubelet-mini-kube"]
    assert flags(kubelet.command)["container-runtime-endpoint"] == settings.cri_socket
    assert kubelet.needs == ("apiserver",)


def test_a_kubelet_of_the_users_gets_a_configuration_file_and_no_flags_of_ours():
    settings = replace(SETTINGS, kubelet="/opt/kubelet")

    kubelet = by_name(settings)["kubelet-mini-kube"]

    assert kubelet.command[0] == "/opt/kubelet"
    assert kubelet.admin_socket is None
    assert "admin-socket" not in flags(kubelet.command)
    assert '"port": 10250' in kubelet_config(settings, LAYOUT, "mini-kube")


def test_tracing_is_no_part_of_what_a_service_is():
    service = by_name(SETTINGS)["apiserver"]

    assert service.start_command(Tracing("/t", "all")) == (
        *service.command,
        "--trace-dir=/t",
        "--trace-bytes=all",
    )
    assert service.start_command(Tracing("", "9")) == service.command
    assert by_name(replace(SETTINGS, trace_dir="/t"))["apiserver"] == service


def test_a_foreign_kubelet_is_not_asked_to_trace():
    service = by_name(replace(SETTINGS, kubelet="/opt/kubelet"))["kubelet-mini-kube"]

    assert service.start_command(Tracing("/t")) == service.command


def test_readiness_is_of_each_services_own_kind():
    found = by_name(SETTINGS)

    assert found["cri-mini-kube"].readiness == SocketReady(
        Path("/run/mk/a/mini-kube.sock")
    )
    assert isinstance(found["kubelet-mini-kube"].readiness, NodeReady)


def test_only_those_who_are_dialled_by_address_need_a_port():
    assert port_names(SETTINGS) == ["apiserver", "kubelet-mini-kube"]


@pytest.mark.parametrize(
    ("host", "text"), [("127.0.0.1", "127.0.0.1:1"), ("::1", "[::1]:1")]
)
def test_an_ipv6_address_is_bracketed(host, text):
    assert authority(host, 1) == text


def test_flags_of_the_user_win_over_ours():
    settings = replace(
        SETTINGS,
        feature_gates="PodLogsQuerySplitStreams=true",
        kubelet_args=("container-log-max-size=1Mi", "--address=127.0.0.2"),
    )

    kubelet = flags(by_name(settings)["kubelet-mini-kube"].command)
    server = flags(by_name(settings)["apiserver"].command)

    assert kubelet["container-log-max-size"] == "1Mi"
    assert kubelet["address"] == "127.0.0.2"
    assert kubelet["feature-gates"] == server["feature-gates"]
