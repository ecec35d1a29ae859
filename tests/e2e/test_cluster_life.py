"""Clusters start, survive, and end without a trace."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.cluster import RunningCluster, is_ready, running_cluster
from tests.support.terminal import Terminal


@pytest.fixture(scope="module")
def own_cluster():
    """A cluster that these tests may break; each leaves it up."""
    with running_cluster("life") as cluster:
        cluster.pod("lasting")
        yield cluster


def exec_true(cluster: RunningCluster, pod: str = "lasting") -> int:
    return cluster.mini_kubectl("exec", pod, "--", "true").returncode


def await_another_container(cluster: RunningCluster, container_id: str) -> dict:
    """The pod, once it is Ready with a container that is not this one."""

    def is_new(pod):
        status = pod["status"]["containerStatuses"][0]
        return is_ready(pod) and status["containerID"] != container_id

    return cluster.await_pod("lasting", is_new)


def test_up_prints_a_line_a_service_with_its_address(own_cluster):
    lines = own_cluster.mini_kube("up").stdout.splitlines()

    names = [line.split()[0] for line in lines[:3]]
    assert names == ["apiserver", "cri-mini-kube-life", "kubelet-mini-kube-life"]
    assert "https://127.0.0.1:" in lines[0]
    assert "unix://" in lines[1]
    assert lines[-1] == f"export KUBECONFIG={own_cluster.kubeconfig}"


def test_a_second_up_changes_nothing(own_cluster):
    before = own_cluster.pids()

    again = own_cluster.mini_kube("up")

    assert own_cluster.pids() == before
    assert again.stdout.count("was running") == 3


def test_status_shows_services_nodes_and_certificates(own_cluster):
    shown = own_cluster.mini_kube("status").stdout
    told = json.loads(own_cluster.mini_kube("status", "-o", "json").stdout)

    assert "CERTIFICATE" in shown
    assert {
        item["name"]: item["pid"] for item in told["services"]
    } == own_cluster.pids()
    assert [node["ready"] for node in told["nodes"]] == ["Ready"]
    assert "apiserver" in told["not_after"]


def test_kubeconfig_is_printed_or_pointed_at(own_cluster):
    printed = own_cluster.mini_kube("kubeconfig").stdout
    path = own_cluster.mini_kube("kubeconfig", "--path").stdout.strip()

    assert path == str(own_cluster.kubeconfig)
    assert json.loads(printed)["current-context"] == "mini-kube-life"
    assert own_cluster.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_keys_and_sockets_are_nobody_elses(own_cluster):
    settings = json.loads((own_cluster.state / "cluster.json").read_text())
    folders = (own_cluster.state, Path(settings["sockets"]))
    files = [path for folder in folders for path in folder.rglob("*")]
    private = [path for path in files if path.is_socket() or path.suffix == ".key"]

    assert len(private) > 10
    assert {path for path in private if path.stat().st_mode & 0o777 != 0o600} == set()


@pytest.mark.parametrize("service", ["apiserver", "cri", "kubelet"])
def test_up_brings_back_what_was_killed_and_the_container_goes_on(own_cluster, service):
    (name,) = [item for item in own_cluster.pids() if item.startswith(service)]
    before = own_cluster.await_ready("lasting")["status"]["containerStatuses"][0]
    os.kill(own_cluster.pids()[name], signal.SIGKILL)

    shown = own_cluster.mini_kube("up").stdout

    (line,) = [line for line in shown.splitlines() if line.startswith(name)]
    assert "ready in" in line
    after = own_cluster.await_ready("lasting")["status"]["containerStatuses"][0]
    assert after["containerID"] == before["containerID"]
    assert exec_true(own_cluster) == 0


def test_down_ends_everything_and_up_starts_the_pod_anew(own_cluster):
    before = own_cluster.await_ready("lasting")["status"]["containerStatuses"][0]

    own_cluster.mini_kube("down")
    assert own_cluster.pids() == {}
    assert own_cluster.mini_kube("status", check=False).returncode == 1
    own_cluster.mini_kube("up")

    after = await_another_container(own_cluster, before["containerID"])
    assert after["status"]["containerStatuses"][0]["restartCount"] == 1
    assert exec_true(own_cluster) == 0


def test_up_brings_back_sockets_that_were_cleaned_away(own_cluster):
    container = own_cluster.await_ready("lasting")["status"]["containerStatuses"][0]
    before = own_cluster.pids()
    for path in own_cluster.folder.rglob("*"):
        if path.is_socket():
            path.unlink()

    own_cluster.mini_kube("up")

    assert own_cluster.pids().keys() == before.keys()
    assert not set(own_cluster.pids().values()) & set(before.values())
    # The shim cannot be reached any more, so the pod is started anew.
    await_another_container(own_cluster, container["containerID"])
    assert exec_true(own_cluster) == 0


def test_the_picture_of_a_session_reaches_down_to_the_process(own_cluster):
    script = "cat; exit 3"

    done = own_cluster.mini_kubectl(
        "exec", "-i", "--trace", "lasting", "--", "sh", "-c", script, stdin="abc"
    )

    told = [line.partition(" process ") for line in done.stderr.splitlines()]
    assert done.returncode == 3
    assert {event.strip() for _, found, event in told if found} == {
        f"started command=['sh', '-c', '{script}']",
        "stdin (3 B)",
        "stdin ended",
        "stdout (3 B)",
        "exited code=3",
    }


def test_a_trace_is_switched_on_and_off(own_cluster, tmp_path):
    own_cluster.mini_kube("trace", "on", str(tmp_path))
    assert exec_true(own_cluster) == 0
    own_cluster.mini_kube("trace", "off")

    processes = {path.name.rpartition("-")[0] for path in tmp_path.glob("*.jsonl")}
    assert {"apiserver", "kubelet-mini-kube-life"} <= processes
    before = {path: path.stat().st_size for path in tmp_path.iterdir()}
    assert exec_true(own_cluster) == 0
    assert {path: path.stat().st_size for path in tmp_path.iterdir()} == before


def test_run_without_a_terminal_shows_a_few_commands(own_cluster):
    shown = own_cluster.mini_kube("run").stdout

    assert "hello from nginx\nexit code 0" in shown
    assert "PIPED IN\nexit code 0" in shown
    assert "command terminated with exit code 42\nexit code 42" in shown
    assert f"export KUBECONFIG={own_cluster.kubeconfig}" in shown
    assert "mini-kube down" in shown


def test_run_in_a_terminal_opens_a_shell_and_says_how_to_go_on(own_cluster):
    command = [
        "mini-kube",
        "run",
        "--name",
        own_cluster.name,
        "--state-dir",
        str(own_cluster.state),
    ]
    with Terminal(command, env=own_cluster.env) as terminal:
        terminal.expect("$ mini-kubectl exec -it nginx -- bash\r\n")
        terminal.send_line("echo in $HOSTNAME")
        terminal.expect("in nginx\r\n")
        terminal.send_line("exit 3")
        terminal.expect("The cluster is still there.")
        assert terminal.wait() == 0


def test_two_clusters_live_side_by_side(own_cluster):
    with running_cluster("other") as other:
        other.pod("elsewhere")

        assert exec_true(other, "elsewhere") == 0
        names = [item["metadata"]["name"] for item in own_cluster.get("pods")["items"]]
        assert "elsewhere" not in names


def test_a_cluster_has_as_many_nodes_as_asked_for(own_cluster):
    own_cluster.mini_kube("up", "--nodes", "2")
    nodes = own_cluster.get("nodes")["items"]
    assert [node["metadata"]["name"] for node in nodes] == [
        "mini-kube-life",
        "mini-kube-life-2",
    ]

    own_cluster.mini_kube("up", "--nodes", "1")

    nodes = own_cluster.get("nodes")["items"]
    assert [node["metadata"]["name"] for node in nodes] == ["mini-kube-life"]
    assert len(own_cluster.pids()) == 3


def test_a_service_that_cannot_start_is_told_with_the_end_of_its_log(tmp_path):
    with running_cluster("sick") as cluster:
        cluster.mini_kube("down")
        missing = tmp_path / "missing.yaml"

        failed = cluster.mini_kube(
            "up", f"--image-catalogue={missing}", "--timeout=20", check=False
        )

        assert failed.returncode == 1
        assert "cri-mini-kube-sick" in failed.stderr
        assert str(missing) in failed.stderr
        assert cluster.pids() == {}
