"""`mini_kube.Cluster`: what it can do, and that nothing of it is left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import pytest

import mini_kube
from mini_kube import ApiError, Cluster, ClusterError, ExecError, WaitError
from tests.support.orphans import adopt_orphans, descendants, reap


@pytest.fixture(scope="module")
def cluster():
    """A cluster that the tests of this file share."""
    with Cluster() as cluster:
        cluster.run_pod("web", image="nginx")
        yield cluster


def test_exec_gives_streams_and_exit_code(cluster):
    result = cluster.exec(
        "web", "sh", "-c", "cat; echo err >&2; exit 3", stdin=b"x" * 1_000_000
    )

    assert result.stdout == b"x" * 1_000_000
    assert (result.stderr, result.exit_code) == (b"err\n", 3)


def test_exec_on_a_terminal(cluster):
    assert cluster.exec("web", "tty", tty=True).text.startswith("/dev/pts/")


def test_exec_refusals_are_errors_of_their_kind(cluster):
    with pytest.raises(ApiError, match='pods "none" not found') as refused:
        cluster.exec("none", "true")
    assert (refused.value.code, refused.value.reason) == (404, "NotFound")
    with pytest.raises(ExecError, match="executable file not found"):
        cluster.exec("web", "no-such-command")
    with pytest.raises(ApiError, match="container nope is not valid for pod web"):
        cluster.exec("web", "true", container="nope")


def test_exec_does_not_wait_for_ever(cluster):
    with pytest.raises(TimeoutError):
        cluster.exec("web", "sleep", "5", timeout=0.2)


def test_kubectl_is_ours(cluster):
    done = cluster.kubectl("get", "pod", "web", "-o", "name", check=True)

    assert done.stdout == "pod/web\n"
    with pytest.raises(subprocess.CalledProcessError):
        cluster.kubectl("get", "pod", "none", check=True)
    done = cluster.kubectl("exec", "-i", "web", "--", "cat", input="through stdin")
    assert done.stdout == "through stdin"


def test_apply_takes_yaml_with_several_objects(cluster, tmp_path):
    text = """
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {key: "first"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: two}
spec:
  selector: {matchLabels: {app: two}}
  template:
    metadata: {labels: {app: two}}
    spec: {containers: [{name: c, image: nginx}]}
"""
    first = cluster.apply(text)
    (tmp_path / "again.yaml").write_text(text.replace("first", "second"))
    again = cluster.apply(tmp_path / "again.yaml")

    assert [each["kind"] for each in first] == ["ConfigMap", "Deployment"]
    assert again[0]["data"] == {"key": "second"}
    assert again[0]["metadata"]["uid"] == first[0]["metadata"]["uid"]
    with pytest.raises(ApiError, match='no matches for kind "Nothing"'):
        cluster.apply({"apiVersion": "v1", "kind": "Nothing", "metadata": {}})
    with pytest.raises(ClusterError, match="yaml: line"):
        cluster.apply("a: [")


def test_logs_and_a_forwarded_port(cluster):
    with cluster.port_forward("web", 80) as local:
        url = f"http://127.0.0.1:{local.port}/"
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200

    assert '"GET / HTTP/1.1" 200' in cluster.logs("web")
    with (
        pytest.raises(ClusterError, match='pods "none" not found'),
        cluster.port_forward("none", 80),
    ):
        pass


def test_what_is_not_ready_in_time_says_how_it_is(cluster):
    cluster.run_pod("slow", container={"readinessProbe": NEVER}, ready=False)

    with pytest.raises(WaitError, match=r"slow is not Ready after 0\.3 s"):
        cluster.wait_ready("slow", timeout=0.3)


NEVER = {"exec": {"command": ["false"]}}


def test_the_trace_has_the_session_on_all_hops(cluster):
    cluster.trace.clear()
    cluster.exec("web", "sh", "-c", "exit 4")

    session = cluster.trace.session(verb="exec", exit_code=4)
    status = cluster.trace.frames(session=session, layer="channel", channel=3)

    assert {"kubectl-apiserver", "apiserver-kubelet", "kubelet-cri"} <= set(
        session.hops
    )
    assert {each.hop for each in status} >= {"kubectl-apiserver", "apiserver-kubelet"}
    assert "exit 4" in cluster.trace.picture(session)
    with pytest.raises(WaitError, match="0 of 1 sessions with verb='attach'"):
        cluster.trace.expect(verb="attach", timeout=0.05)


def test_a_fault_breaks_the_hop_and_is_seen(cluster):
    broken = cluster.faults.added("reset_peer", hop="kubectl-apiserver")

    with broken, pytest.raises(ClusterError):
        cluster.exec("web", "true")

    assert cluster.exec("web", "true").exit_code == 0


def test_a_reset_leaves_what_a_start_leaves(cluster):
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})
    cluster.run_pod("p", namespace="a")
    cluster.run_pod("p")
    cluster.apply(CLUSTER_ROLE)
    cluster.faults.add("latency", latency=5)

    cluster.reset()

    names = [n["metadata"]["name"] for n in cluster.api.items("/api/v1/namespaces")]
    assert sorted(names) == [
        "default",
        "kube-node-lease",
        "kube-public",
        "kube-system",
    ]
    assert cluster.api.items("/api/v1/pods") == []
    assert cluster.api.items("/apis/apps/v1/deployments") == []
    assert cluster.faults.list() == []
    assert cluster.trace.sessions(verb="exec") == []
    assert cluster.kubectl("get", "clusterrole", "mine").returncode == 1
    assert cluster.kubectl("get", "clusterrole", "cluster-admin").returncode == 0
    cluster.run_pod("web", image="nginx")
    assert cluster.exec("web", "true").exit_code == 0


CLUSTER_ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "mine"},
    "rules": [],
}


def test_an_older_version_is_spoken_to_over_spdy():
    with Cluster(emulate_version="1.28", trace=False) as old:
        old.run_pod("web")

        result = old.exec("web", "sh", "-c", "cat; exit 2", stdin=b"by SPDY")

    assert (result.stdout, result.exit_code) == (b"by SPDY", 2)


def test_two_clusters_know_nothing_of_each_other(cluster):
    with Cluster(nodes=2) as other:
        assert len(other.nodes) == 2
        assert other.server != cluster.server
        assert other.api.items("/api/v1/pods") == []


def test_what_cannot_be_started_says_why(tmp_path):
    catalogue = tmp_path / "images.yaml"
    catalogue.write_text("nonsense")
    with pytest.raises(ClusterError, match="list `images`"):
        Cluster(image_catalogue=catalogue).start()
    with pytest.raises(ClusterError, match="not running"):
        _ = Cluster().kubeconfig


def test_the_module_loads_nothing_before_it_is_used():
    code = "import sys, mini_kube; print('asyncio' in sys.modules, 'cluster' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False False\n"
    assert set(mini_kube.__all__) <= set(dir(mini_kube)) | set(mini_kube.__all__)
    assert all(getattr(mini_kube, name) for name in mini_kube.__all__)


OWNER = """
import os, signal, sys, time
from mini_kube import Cluster
with Cluster() as cluster:
    cluster.run_pod("p")
    child = os.fork() if "fork" in sys.argv else 1
    if child == 0:
        time.sleep(1)  # holds the pipe to the keeper
        os._exit(0)
    print(cluster.state.parent, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("number", "argument"),
    [
        (signal.SIGKILL, ""),
        (signal.SIGINT, ""),
        (signal.SIGTERM, ""),
        (signal.SIGKILL, "fork"),
    ],
    ids=["killed", "interrupted", "terminated", "killed while a child lives on"],
)
def test_nothing_is_left_of_a_cluster_whose_program_ends(number, argument):
    adopt_orphans()
    before = set(descendants())
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, argument],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as owner:
        folder = Path(owner.stdout.readline().strip())
        assert folder.is_dir()
        owner.send_signal(number)
        owner.wait(60)

    await_end(before)
    assert not folder.exists()


def test_a_cluster_whose_keeper_was_killed_is_ended_all_the_same():
    adopt_orphans()
    before = set(descendants())
    with Cluster() as cluster:
        cluster.run_pod("p")
        folder = cluster.state.parent
        os.kill(keeper_of(folder), signal.SIGKILL)

    await_end(before)
    assert not folder.exists()


def keeper_of(folder):
    """The process whose log of errors lies in the folder."""
    for pid in descendants():
        if os.path.realpath(f"/proc/{pid}/fd/2") == str(folder / "keeper.err"):
            return pid
    raise AssertionError(f"no keeper of {folder}")


def test_a_forked_child_does_not_end_the_cluster(cluster):
    child = os.fork()
    if child == 0:
        cluster.stop()
        os._exit(0)
    os.waitpid(child, 0)

    assert cluster.exec("web", "true").exit_code == 0


def test_a_program_that_is_killed_while_it_starts_leaves_nothing():
    adopt_orphans()
    before = set(descendants())
    temporary = Path(tempfile.gettempdir())
    folders = set(temporary.glob("mini-kube-*"))
    with subprocess.Popen([sys.executable, "-c", OWNER]) as owner:
        while not (set(descendants()) - before - {owner.pid}):
            pass  # until its keeper is there
        owner.kill()

    await_end(before)
    assert set(temporary.glob("mini-kube-*")) <= folders


def test_a_program_that_is_killed_before_it_says_what_it_wants_leaves_nothing(tmp_path):
    folder = tmp_path / "mini-kube-x"
    folder.mkdir()
    keeper = [sys.executable, "-m", "mini_kube.keeper", folder]

    code = subprocess.run(keeper, stdin=subprocess.DEVNULL, check=False).returncode

    assert (code, folder.exists()) == (1, False)


def await_end(before):
    """Return when no process is there that was not before."""
    while left := set(descendants()) - before:
        for pid in left:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            select.select([descriptor], [], [], 60)
            os.close(descriptor)
        reap()
