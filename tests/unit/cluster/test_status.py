"""What `mini-kube status` prints."""

from __future__ import annotations

import json

from cluster.status import (
    ClusterStatus,
    NodeStatus,
    ServiceStatus,
    render,
    render_json,
)

NOW = 1_800_000_000.0


def status(**changes) -> ClusterStatus:
    values = {
        "name": "default",
        "state_dir": "/state",
        "kubeconfig": "/state/kubeconfig",
        "trace_dir": "",
        "services": (
            ServiceStatus("apiserver", "https://127.0.0.1:1", 12, 200.0),
            ServiceStatus("kubelet-a", "https://127.0.0.1:2", None, None),
        ),
        "nodes": (NodeStatus("a", "Ready", "v1.36.0"),),
        "not_after": {"ca": NOW + 86400 * 3650, "admin": NOW - 1},
    }
    return ClusterStatus(**{**values, **changes})


def test_services_are_told_with_pid_and_uptime():
    lines = render(status(), NOW).splitlines()

    assert "apiserver   running   12    3m20s    https://127.0.0.1:1" in lines
    assert "kubelet-a   stopped   -     -        https://127.0.0.1:2" in lines


def test_certificates_are_told_with_the_time_they_have_left():
    text = render(status(), NOW)

    assert "3650d" in text
    assert "expired" in text


def test_no_line_ends_in_blanks():
    assert all(line == line.rstrip() for line in render(status(), NOW).splitlines())


def test_a_cluster_is_up_when_all_runs_and_every_node_is_ready():
    running = (ServiceStatus("apiserver", "a", 1, 1.0),)

    assert status(services=running).is_up
    assert not status().is_up
    sick = (NodeStatus("a", "NotReady", ""),)
    assert not status(services=running, nodes=sick).is_up


def test_programs_get_the_same_as_json():
    document = json.loads(render_json(status()))

    assert document["services"][0]["pid"] == 12
    assert document["nodes"][0]["ready"] == "Ready"
