"""Timeouts of minutes and hours, waited for in no time."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import grpc
import pytest

from cluster.services import executable
from hops.blocking.admin import call_admin
from hops.blocking.client import BlockingClient
from mini_kube import Cluster
from rpc import cri_v1_pb2 as cri
from rpc import cri_v1_pb2_grpc as cri_grpc

HOUR = 3600.0


@pytest.fixture(scope="module")
def moved():
    """A cluster whose clock the tests of this file move."""
    with Cluster() as cluster:
        # It stays while its node is away.
        cluster.run_pod("web", tolerations=[{"operator": "Exists"}])
        yield cluster


@pytest.fixture
def cat(moved):
    """An exec session that is idle, and certainly there."""
    command = [executable("mini-kubectl"), "exec", "-i", "web", "--", "cat"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=moved.env, **pipes) as process:
        process.stdin.write(b"here\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"here\n"
        yield process
        process.kill()


@contextmanager
def stopped(cluster, service):
    """A service that hangs: it has its connections, and does nothing."""
    pid = call_admin(str(cluster.services[service]), {"cmd": "ping"})["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def is_well(node):
    """Whether the node is Ready, and pods may come to it and stay."""
    return condition(node, "Ready") == "True" and not node["spec"].get("taints")


def await_event(cluster, reason):
    """Return when an event of this reason is there, in any namespace."""
    query = {"fieldSelector": f"reason={reason}", "limit": "1"}
    while not cluster.api.call("GET", "/api/v1/events", query=query)["items"]:
        pass  # each question waits for its answer


def condition(node, kind):
    found = [c for c in node["status"]["conditions"] if c["type"] == kind]
    return found[0]["status"] if found else None


def status_of(url):
    """What a plain GET of it is answered with."""
    with closing(BlockingClient(f"{url.scheme}://{url.netloc}", timeout=10)) as client:
        return client.request("GET", url.path).status


def waiting_reason(pod):
    statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
    return statuses[0].get("state", {}).get("waiting", {}).get("reason")


def restarts(pod):
    statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{}]
    return statuses[0].get("restartCount", 0)


def test_a_node_whose_kubelet_hangs_is_not_ready_after_a_minute(moved):
    path = f"/api/v1/nodes/{moved.nodes[0]}"
    await_event(moved, "RegisteredNode")  # somebody looks after nodes

    with stopped(moved, f"kubelet-{moved.nodes[0]}"):
        moved.clock.advance(60, services=["apiserver"])
        moved.api.wait(path, lambda n: condition(n, "Ready") == "Unknown", timeout=30)

    moved.clock.advance(60, services=moved.services.keys() - {"apiserver"})
    moved.api.wait(path, is_well, timeout=30)


def test_a_session_that_is_idle_for_four_hours_is_cut(moved, cat):
    moved.clock.advance(4 * HOUR + 1)

    assert cat.wait(30) == 1
    assert cat.stdout.read() == b""
    assert b"error reading from error stream" in cat.stderr.read()


def test_a_session_that_is_idle_for_less_is_not(moved, cat):
    moved.clock.advance(4 * HOUR - 60)

    cat.stdin.write(b"still here\n")
    cat.stdin.flush()
    assert cat.stdout.readline() == b"still here\n"


def test_all_clocks_together_leave_the_node_ready(moved):
    path = f"/api/v1/nodes/{moved.nodes[0]}"
    leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
    lease = f"{leases}/{moved.nodes[0]}"
    before = moved.api.call("GET", lease)["spec"]["renewTime"]

    moved.clock.advance(24 * HOUR)

    moved.api.wait(lease, lambda each: each["spec"]["renewTime"] != before, timeout=30)
    assert condition(moved.api.call("GET", path), "Ready") == "True"


def test_a_crashing_container_is_started_again_after_its_back_off(moved):
    moved.run_pod(
        "crash", command=["false"], image="busybox", ready=False, restartPolicy="Always"
    )
    path = "/api/v1/namespaces/default/pods/crash"
    for count in range(1, 4):
        moved.api.wait(
            path, lambda pod: waiting_reason(pod) == "CrashLoopBackOff", timeout=30
        )
        moved.clock.advance(5 * 60)
        moved.api.wait(path, lambda pod, n=count: restarts(pod) >= n, timeout=30)


def test_events_are_gone_after_an_hour(moved):
    moved.run_pod("seen")
    query = {"fieldSelector": "involvedObject.name=seen"}
    path = "/api/v1/namespaces/default/events"
    found = moved.api.call("GET", path, query=query)["items"]
    assert "Scheduled" in {each["reason"] for each in found}

    moved.clock.advance(HOUR + 60)

    for each in found:
        name = each["metadata"]["name"]
        moved.api.wait(f"{path}/{name}", lambda event: event is None, timeout=30)


def test_a_token_of_ten_minutes_expires(moved):
    account = "/api/v1/namespaces/default/serviceaccounts/default/token"
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": 600},
    }
    token = moved.api.call("POST", account, request)["status"]["token"]
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
    assert moved.api.call("POST", reviews, review)["status"]["authenticated"]

    moved.clock.advance(601)

    answer = moved.api.call("POST", reviews, review)["status"]
    assert not answer.get("authenticated")


def test_the_url_of_an_exec_is_good_for_a_minute(moved):
    socket = moved.view.sockets / f"{moved.nodes[0]}.sock"
    container = moved.wait_ready("web")["status"]["containerStatuses"][0]["containerID"]
    request = cri.ExecRequest(
        container_id=container.rpartition("/")[2], cmd=["true"], stdout=True
    )
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        runtime = cri_grpc.RuntimeServiceStub(channel)
        timely, late = (urlsplit(runtime.Exec(request).url) for _ in range(2))

    assert status_of(timely) == 400  # found, but this is no upgrade
    moved.clock.advance(61)
    assert status_of(late) == 404


def test_the_trace_goes_by_the_real_time(moved):
    moved.trace.clear()
    moved.exec("web", "true")
    moved.clock.advance(HOUR)
    moved.exec("web", "true")

    first, second = moved.trace.expect(2, verb="exec", is_open=False)
    assert 0 <= second.started - first.started < 60
    assert max(first.duration, second.duration) < 60
