"""What the runtime is asked to make, and how it is known again."""

from __future__ import annotations

import pytest

from kubelet.cri_config import (
    ContainerParts,
    container_config,
    hostname,
    sandbox_config,
)
from kubelet.dns_config import DnsSettings
from kubelet.linux_resources import linux_resources
from kubelet.pod_actions import container_hash
from kubelet.runtime_convert import container_status, sandbox_status
from kubelet.runtime_status import ContainerState
from rpc import cri_v1_pb2 as cri
from tests.unit.kubelet.builders import container, make_pod


def parts(**fields):
    known = {
        "image_ref": "sha256:1",
        "restart_count": 2,
        "variables": {"A": "1"},
        "mounts": [],
        "resources": cri.LinuxContainerResources(),
    }
    return ContainerParts(**{**known, **fields})


def test_sandbox_carries_the_pod():
    pod = make_pod(metadata={"labels": {"app": "web"}, "annotations": {"a": "b"}})

    config = sandbox_config(pod, 1, "/logs", DnsSettings(("1.1.1.1",)))

    assert (config.metadata.name, config.metadata.attempt) == ("p", 1)
    assert config.log_directory == "/logs/ns_p_uid-1"
    assert config.labels["app"] == "web"
    assert config.labels["io.kubernetes.pod.uid"] == "uid-1"
    assert dict(config.annotations) == {"a": "b"}
    assert config.linux.security_context.namespace_options.network == cri.POD
    assert list(config.dns_config.servers) == ["1.1.1.1"]


def test_host_network_sandbox_has_no_name_of_its_own():
    config = sandbox_config(make_pod(hostNetwork=True), 0, "/logs", DnsSettings())

    assert config.hostname == ""
    assert config.linux.security_context.namespace_options.network == cri.NODE


@pytest.mark.parametrize(
    ("name", "expected"),
    [("web", "web"), ("a" * 70, "a" * 63), ("b" * 62 + "-xyz", "b" * 62)],
)
def test_hostname_is_cut(name, expected):
    assert hostname(make_pod(metadata={"name": name})) == expected


def test_container_config():
    spec = container(
        command=["sh", "-c", "echo $(A) $(B)"],
        args=["$(A)"],
        tty=True,
        stdin=True,
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        lifecycle={"preStop": {"exec": {"command": ["x"]}}},
    )

    config = container_config(make_pod(spec), spec, parts())

    assert list(config.command) == ["sh", "-c", "echo 1 $(B)"]
    assert list(config.args) == ["1"]
    assert config.log_path == "c/2.log"
    assert config.image.user_specified_image == "busybox"
    assert (config.tty, config.stdin, config.stdin_once) == (True, True, False)
    assert [(e.key, e.value) for e in config.envs] == [("A", b"1")]
    annotations = dict(config.annotations)
    assert annotations["io.kubernetes.container.restartCount"] == "2"
    assert annotations["io.kubernetes.container.hash"] == container_hash(spec)
    assert annotations["io.kubernetes.container.preStopHandler"] == (
        '{"exec":{"command":["x"]}}'
    )
    assert "/proc/kcore" in config.linux.security_context.masked_paths


def test_privileged_container_sees_everything():
    spec = container(securityContext={"privileged": True})

    security = container_config(make_pod(spec), spec, parts()).linux.security_context

    assert security.privileged
    assert not security.masked_paths


def test_container_settings_win_over_the_pods():
    spec = container(securityContext={"runAsUser": 5})
    pod = make_pod(
        spec, securityContext={"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3}
    )

    security = container_config(pod, spec, parts()).linux.security_context

    assert security.run_as_user.value == 5
    assert security.run_as_group.value == 2
    assert list(security.supplemental_groups) == [3]


@pytest.mark.parametrize(
    ("resources", "shares", "quota", "memory", "score"),
    [
        ({}, 2, 0, 0, 1000),
        ({"requests": {"cpu": "500m"}}, 512, 0, 0, 999),
        (
            {"limits": {"cpu": "2", "memory": "1Gi"}},
            2048,
            200_000,
            1 << 30,
            -997,
        ),
        ({"requests": {"memory": "1Gi"}}, 2, 0, 0, 750),
    ],
)
def test_resources(resources, shares, quota, memory, score):
    spec = container(resources=resources)

    made = linux_resources(make_pod(spec), spec, 4 << 30)

    assert made.cpu_shares == shares
    assert made.cpu_quota == quota
    assert made.memory_limit_in_bytes == memory
    assert made.oom_score_adj == score


def test_container_is_known_again_by_labels_and_annotations():
    spec = container()
    config = container_config(make_pod(spec), spec, parts())
    status = cri.ContainerStatus(
        id="id",
        metadata=config.metadata,
        state=cri.CONTAINER_RUNNING,
        created_at=1,
        started_at=2,
        image=config.image,
        image_ref="ref",
        labels=config.labels,
        annotations=config.annotations,
    )

    known = container_status(status)

    assert (known.name, known.restart_count) == ("c", 2)
    assert known.hash == container_hash(spec)
    assert known.grace_period == 30
    assert known.state is ContainerState.RUNNING


def ended(tmp_path, text=b"", policy="File", **fields):
    file = tmp_path / "message"
    file.write_bytes(text)
    mount = cri.Mount(container_path="/m", host_path=str(file))
    annotations = {
        "io.kubernetes.container.terminationMessagePath": "/m",
        "io.kubernetes.container.terminationMessagePolicy": policy,
    }
    return container_status(
        cri.ContainerStatus(
            id="id",
            metadata=cri.ContainerMetadata(name="c"),
            state=cri.CONTAINER_EXITED,
            created_at=1,
            mounts=[mount],
            annotations=annotations,
            **fields,
        )
    )


def test_termination_message_is_the_end_of_the_file(tmp_path):
    assert ended(tmp_path, b"why").message == "why"
    assert ended(tmp_path, b"x" * 5000).message == "x" * 4096


def test_failed_container_falls_back_to_its_log(tmp_path):
    log = tmp_path / "0.log"
    log.write_bytes(b"2024-05-01T10:00:00.1Z stderr F last words\n")

    def fallback(**fields):
        policy = "FallbackToLogsOnError"
        return ended(tmp_path, policy=policy, log_path=str(log), **fields).message

    assert fallback(exit_code=1) == "last words\n"
    assert fallback(exit_code=0) == ""


def test_runtime_message_comes_first(tmp_path):
    assert ended(tmp_path, b"own", message="runtime").message == "runtime: own"
    assert ended(tmp_path, message="runtime").message == "runtime"


def test_sandbox_status_has_all_addresses():
    status = cri.PodSandboxStatus(
        id="s",
        state=cri.SANDBOX_READY,
        metadata=cri.PodSandboxMetadata(attempt=1),
        network=cri.PodSandboxNetworkStatus(
            ip="127.0.0.9", additional_ips=[cri.PodIP(ip="::9")]
        ),
    )

    known = sandbox_status(status)

    assert known.ready
    assert known.ips == ("127.0.0.9", "::9")
    assert not known.host_network
