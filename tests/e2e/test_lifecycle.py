"""What survives: a second `up`, the death of each service, of all, of a container.

What `mini-kube` prints meanwhile is tested in test_cluster_life.py.
"""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.support.cluster import running_cluster
from tests.support.orphans import reap

#: Their container goes on, and writes its process id where exec finds it. The kubelet
#: makes one $ of two.
_COMMAND = [
    "sh",
    "-c",
    "echo $$$$ > pid; trap 'exit 0' TERM; sleep 100000 & wait",
]


@pytest.fixture(scope="module")
def mortal():
    """A cluster of two nodes, with a pod on each."""
    with running_cluster("mortal", "--nodes", "2") as cluster:
        for name, node in zip(("first", "second"), nodes(cluster), strict=True):
            cluster.pod(name, *_COMMAND, nodeName=node)
        yield cluster


def nodes(cluster):
    return [node["metadata"]["name"] for node in cluster.get("nodes")["items"]]


def container(cluster, pod):
    """Id and start of the container that runs now, and its process."""
    (status,) = cluster.await_ready(pod)["status"]["containerStatuses"]
    pid = cluster.mini_kubectl("exec", pod, "--", "cat", "pid", check=True).stdout
    return status["containerID"], status["restartCount"], int(pid)


def objects(cluster):
    """What there is, with what tells one from another that came in its place."""
    listed = cluster.get("pods,namespaces,configmaps,nodes", "-A")["items"]
    return {
        (item["kind"], item["metadata"]["name"], item["metadata"]["uid"])
        for item in listed
    }


def kill(cluster, *services):
    """SIGKILL, and wait for the end."""
    pids = [pid for name, pid in cluster.pids().items() if name in services]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


@pytest.mark.parametrize("part", ["apiserver", "cri", "kubelet", ""])
def test_a_killed_service_comes_back_to_the_same_processes(mortal, part):
    """The empty part is all of them at once."""
    services = [name for name in mortal.pids() if name.startswith(part)]
    before = {pod: container(mortal, pod) for pod in ("first", "second")}
    made = objects(mortal)

    kill(mortal, *services)
    mortal.mini_kube("up")

    assert {pod: container(mortal, pod) for pod in before} == before
    assert made <= objects(mortal)


def test_a_container_that_died_meanwhile_is_reported_and_started_anew(mortal):
    container_id, restarts, pid = container(mortal, "first")
    kill(mortal, *mortal.pids())

    os.kill(pid, signal.SIGKILL)
    mortal.mini_kube("up")

    def is_told(pod):
        (status,) = pod["status"]["containerStatuses"]
        return status["restartCount"] == restarts + 1 and status["ready"]

    (status,) = mortal.await_pod("first", is_told)["status"]["containerStatuses"]
    ended = status["lastState"]["terminated"]
    assert (ended["exitCode"], ended["containerID"]) == (137, container_id)
    assert container(mortal, "first")[2] != pid


def test_a_deletion_that_nobody_was_there_to_see_is_carried_out(mortal):
    mortal.pod("doomed", *_COMMAND, nodeName=nodes(mortal)[1])
    _, _, pid = container(mortal, "doomed")
    (kubelet,) = [
        name for name in mortal.pids() if name.endswith("kubelet-" + nodes(mortal)[1])
    ]
    kill(mortal, kubelet)

    mortal.mini_kubectl("delete", "pod", "doomed", "--wait=false", check=True)
    mortal.mini_kube("up")

    mortal.await_pod("doomed", lambda pod: pod is None)
    assert not psutil.pid_exists(pid)


def test_each_node_runs_its_own_pods(mortal):
    hosts = {
        pod: mortal.await_ready(pod)["spec"]["nodeName"] for pod in ("first", "second")
    }

    assert list(hosts.values()) == nodes(mortal)
    for pod in hosts:
        done = mortal.mini_kubectl("exec", pod, "--", "hostname")
        assert done.stdout == f"{pod}\n"


def test_a_full_restart_keeps_the_objects_and_starts_the_pods(mortal):
    made = objects(mortal)
    before = container(mortal, "second")

    mortal.mini_kube("down")
    reap()
    assert not psutil.pid_exists(before[2])
    mortal.mini_kube("up")

    def is_new(pod):
        (status,) = pod["status"]["containerStatuses"]
        return status["ready"] and status["restartCount"] == before[1] + 1

    mortal.await_pod("second", is_new)
    mortal.await_ready("first")
    assert made <= objects(mortal)
