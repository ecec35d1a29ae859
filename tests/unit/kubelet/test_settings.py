"""Flags, configuration file, authorization attributes, events, PLEG snapshots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubelet.config import ConfigError, KubeletConfig
from kubelet.events import EventSeries, pod_reference
from kubelet.flags import parse_flags
from kubelet.pleg import changed_pods
from kubelet.podresources import TokenBucket
from kubelet.server.auth import subresources
from kubelet.server.users import user_of_certificate
from kubelet.traceparent import carrying, current
from rpc import podresources_v1_pb2 as podresources
from tests.unit.kubelet.builders import container, make_pod

REQUIRED = ["--kubeconfig=k", "--tls-cert-file=c", "--tls-private-key-file=p"]


def test_defaults_are_those_of_a_bare_command_line():
    config = parse_flags(REQUIRED)

    assert config.port == 10250
    assert config.authorization_mode == "AlwaysAllow"
    assert config.emulate_version == "1.36"
    assert config.kubelet_version == "v1.36.0"


def test_file_brings_stricter_defaults_and_flags_win(tmp_path):
    path = tmp_path / "kubelet.yaml"
    path.write_text(
        "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n"
        "port: 1\nmaxPods: 5\ntlsCertFile: crt.pem\ntlsPrivateKeyFile: key.pem\n"
        "authentication: {x509: {clientCAFile: /ca}}\nclusterDNS: [10.0.0.10]\n"
    )

    config = parse_flags([f"--config={path}", "--port=2", "--kubeconfig=k"])

    assert (config.port, config.max_pods) == (2, 5)
    assert config.authorization_mode == "Webhook"
    assert config.authentication_token_webhook
    assert config.healthz_port == 10248
    assert config.tls_cert_file == str(tmp_path / "crt.pem")
    assert config.client_ca_file == "/ca"
    assert config.cluster_dns == ("10.0.0.10",)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--kubeconfig is required"),
        (["--kubeconfig=k"], "--tls-cert-file is required"),
        (["--kubeconfig=k", "--tls-cert-file=c"], "go together"),
        (
            [*REQUIRED, "--emulate-version=new"],
            "not a Kubernetes version: new: choose one of 1.28 to 1.37",
        ),
    ],
)
def test_settings_that_cannot_work(arguments, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse_flags(arguments)


def test_file_must_be_a_kubelet_configuration(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"kind": "Pod"}))

    with pytest.raises(ConfigError, match="expected kind KubeletConfiguration"):
        parse_flags([f"--config={path}"])


def test_labels_and_taints():
    config = parse_flags(
        [*REQUIRED, "--node-labels=a=b,c=", "--register-with-taints=k=v:NoSchedule,x:E"]
    )

    assert config.node_labels == {"a": "b", "c": ""}
    assert config.register_with_taints == (
        {"key": "k", "effect": "NoSchedule", "value": "v"},
        {"key": "x", "effect": "E"},
    )


@pytest.mark.parametrize(
    "flag",
    [
        "--anonymous-auth=maybe",
        "--node-labels=a",
        "--feature-gates=Unheard=true",
        "--container-log-monitor-interval=soon",
    ],
)
def test_bad_flag_ends_with_usage(flag, capsys):
    with pytest.raises(SystemExit):
        parse_flags([*REQUIRED, flag])

    assert "usage: mini-kubelet" in capsys.readouterr().err


def test_every_flag_is_explained(capsys):
    with pytest.raises(SystemExit):
        parse_flags(["--help"])

    text = capsys.readouterr().out
    assert "--container-runtime-endpoint URL" in text
    assert "--emulate-version" in text


def test_configz_has_the_real_names():
    shown = KubeletConfig(max_pods=7).to_kubelet_configuration()

    assert shown["maxPods"] == 7
    assert shown["authorization"]["mode"] == "AlwaysAllow"


@pytest.mark.parametrize(
    ("path", "minor", "expected"),
    [
        ("/exec/ns/p/c", 36, ["proxy"]),
        ("/pods", 36, ["pods", "proxy"]),
        ("/pods", 32, ["proxy"]),
        ("/runningpods/", 36, ["pods", "proxy"]),
        ("/healthz/ping", 36, ["healthz", "proxy"]),
        ("/configz", 36, ["configz", "proxy"]),
        ("/stats/summary", 28, ["stats"]),
        ("/metrics/cadvisor", 28, ["metrics"]),
        ("/logs/x", 28, ["log"]),
        ("/anything", 36, ["proxy"]),
    ],
)
def test_subresource_of_a_path(path, minor, expected):
    assert subresources(path, minor) == expected


def test_certificate_names_user_and_groups():
    subject = (
        (("organizationName", "system:masters"),),
        (("organizationName", "ops"),),
        (("commonName", "kube-apiserver-kubelet-client"),),
    )

    user = user_of_certificate({"subject": subject})

    assert user is not None
    assert user.name == "kube-apiserver-kubelet-client"
    assert user.groups == ("system:masters", "ops", "system:authenticated")


def test_certificate_without_a_name_is_nobody():
    assert user_of_certificate({"subject": ()}) is None


def test_reference_points_into_the_spec():
    pod = make_pod(initContainers=[container("i")])

    assert pod_reference(pod, "c")["fieldPath"] == "spec.containers{c}"
    assert pod_reference(pod, "i")["fieldPath"] == "spec.initContainers{i}"
    assert "fieldPath" not in pod_reference(pod)


def test_the_tenth_different_message_is_folded():
    series = EventSeries()
    reference = pod_reference(make_pod())

    messages = [
        series.message_for(reference, "Warning", "R", f"m{n}", now=1000.0 + n)
        for n in range(11)
    ]

    assert messages[8] == "m8"
    assert messages[9] == "(combined from similar events): m9"
    assert messages[10] == "(combined from similar events): m10"


def test_a_quiet_time_ends_the_folding():
    series = EventSeries()
    reference = pod_reference(make_pod())
    for n in range(10):
        series.message_for(reference, "Warning", "R", f"m{n}", now=0.0)

    assert series.message_for(reference, "Warning", "R", "new", now=700.0) == "new"


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ({}, {}, set()),
        ({}, {"a": ("u", 1)}, {"u"}),
        ({"a": ("u", 1)}, {"a": ("u", 2)}, {"u"}),
        ({"a": ("u", 1)}, {}, {"u"}),
        ({"a": ("u", 1), "b": ("v", 1)}, {"a": ("u", 1), "b": ("v", 1)}, set()),
    ],
)
def test_changed_pods(old, new, changed):
    assert changed_pods(old, new) == changed


def test_session_id_is_carried_inside_its_block():
    value = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"

    with carrying(value):
        assert current() == value
    assert current() == ""


@pytest.mark.parametrize("value", [None, "", "junk", "00-zz-1-01"])
def test_malformed_session_id_is_ignored(value):
    with carrying(value):
        assert current() == ""


def test_bucket_lets_a_burst_through_and_then_a_rate():
    bucket = TokenBucket(rate=10, burst=2)

    assert [bucket.take(0.0) for _ in range(3)] == [True, True, False]
    assert bucket.take(0.1)
    assert not bucket.take(0.1)


def descriptors(file):
    """(message, field, number) of a compiled .proto."""
    found = set()
    for name, message in file.message_types_by_name.items():
        for field in message.fields:
            found.add((f"v1.{name}", field.name, field.number))
    return found


def test_podresources_is_the_published_interface():
    table = Path("tests/data/podresources-v1.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in table if line.startswith("message\t")]
    wanted = {(row[1], row[2], int(row[3])) for row in rows if row[2]}

    assert descriptors(podresources.DESCRIPTOR) == wanted


def test_podresources_service_is_the_published_one():
    table = Path("tests/data/podresources-v1.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in table if line.startswith("service\t")]
    (service,) = podresources.DESCRIPTOR.services_by_name.values()

    assert {(f"v1.{service.name}", m.name) for m in service.methods} == {
        (row[1], row[2]) for row in rows
    }


def test_a_bare_path_of_the_runtime_is_taken():
    config = parse_flags([*REQUIRED, "--container-runtime-endpoint=/run/x.sock"])

    assert config.runtime_endpoint == "unix:///run/x.sock"


def test_logs_and_gates_come_from_the_file_too(tmp_path):
    path = tmp_path / "kubelet.json"
    document = {
        "kind": "KubeletConfiguration",
        "containerLogMaxSize": "1Mi",
        "containerLogMaxFiles": 3,
        "containerLogMaxWorkers": 2,
        "containerLogMonitorInterval": "1m30s",
        "featureGates": {"PodLogsQuerySplitStreams": True},
    }
    path.write_text(json.dumps(document))

    config = parse_flags([*REQUIRED, f"--config={path}"])

    assert config.container_log_bytes() == 1024 * 1024
    assert config.enabled("PodLogsQuerySplitStreams")
    shown = config.to_kubelet_configuration()
    assert {name: shown[name] for name in document if name != "kind"} == {
        name: value for name, value in document.items() if name != "kind"
    }


def test_a_gate_is_off_before_its_version():
    gates = {"PodLogsQuerySplitStreams": True}

    assert not KubeletConfig(feature_gates=gates, emulate_version="1.31").enabled(
        "PodLogsQuerySplitStreams"
    )
