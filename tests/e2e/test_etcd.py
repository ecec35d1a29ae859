"""A whole cluster on a real etcd."""

import os
import signal

import pytest

from tests.support.cluster import running_cluster
from tests.support.etcd import Etcd

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def etcd():
    with Etcd() as process:
        yield process


@pytest.fixture(scope="module")
def cluster(etcd):
    with running_cluster("e", f"--etcd={etcd.url}") as cluster:
        cluster.pod("box")
        yield cluster
        etcd.kill()  # a cluster can be ended without it


def test_exec_runs_and_its_exit_code_arrives(cluster):
    done = cluster.mini_kubectl("exec", "box", "--", "sh", "-c", "echo hi; exit 7")

    assert (done.stdout, done.returncode) == ("hi\n", 7)


def test_a_restart_of_etcd_is_a_pause(cluster, etcd):
    etcd.restart()

    cluster.pod("after")
    done = cluster.mini_kubectl("exec", "after", "--", "echo", "still", check=True)

    assert done.stdout == "still\n"


def test_killing_the_api_server_loses_nothing(cluster):
    before = cluster.get("pods")["items"]
    cluster.mini_kubectl("create", "configmap", "last", "--from-literal=a=b")
    os.kill(cluster.pids()["apiserver"], signal.SIGKILL)

    cluster.mini_kube("up")

    after = cluster.get("pods")["items"]
    uids = [[pod["metadata"]["uid"] for pod in pods] for pods in (before, after)]
    assert uids[0] == uids[1]
    assert cluster.get("configmap", "last")["data"] == {"a": "b"}
