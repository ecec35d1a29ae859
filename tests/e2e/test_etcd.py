"""A whole cluster on a real etcd."""

import json
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


def test_a_request_and_its_calls_to_etcd_are_one_session(cluster):
    cluster.mini_kube("trace", "on")
    cluster.mini_kubectl("create", "configmap", "one", "--from-literal=a=b", check=True)
    cluster.mini_kubectl("exec", "box", "--", "true", check=True)
    cluster.mini_kube("trace", "off")

    plain, own = _sessions(cluster, "-a"), _sessions(cluster)
    (made,) = [each for each in plain if each["verb"] == "create" and _is_ours(each)]
    shown = cluster.mini_kube("trace", "show", made["session"]).stdout
    assert "Txn  compare[target=MOD key=/registry/configmaps/default/one" in shown
    assert "Txn answered" in shown
    # what the API server named for etcd's sake is not what somebody looks for
    assert [each["verb"] for each in own] == ["exec"]
    assert "apiserver-etcd" in own[0]["hops"]


def _sessions(cluster, *flags):
    lines = cluster.mini_kube("trace", "list", "-o", "json", *flags).stdout
    return [json.loads(line) for line in lines.splitlines()]


def _is_ours(session):
    return session["client"].startswith("mini-kubectl/")


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
