"""Pod phase by table."""

from __future__ import annotations

import pytest

from kubelet.phase import pod_phase
from tests.unit.kubelet.builders import container, make_pod

RUNS = {"running": {"startedAt": "t"}}
WAITS = {"waiting": {"reason": "ContainerCreating"}}
DONE = {"terminated": {"exitCode": 0}}
FAILED = {"terminated": {"exitCode": 1}}


def status(name, state, last=None, **fields):
    return {"name": name, "state": state, "lastState": last or {}, **fields}


ROWS = {
    "nothing known": ("Always", [], "Pending"),
    "all wait": ("Always", [status("a", WAITS), status("b", WAITS)], "Pending"),
    "one waits": ("Always", [status("a", RUNS), status("b", WAITS)], "Pending"),
    "all run": ("Always", [status("a", RUNS), status("b", RUNS)], "Running"),
    "one runs": ("Never", [status("a", RUNS), status("b", FAILED)], "Running"),
    "crash loop": (
        "Always",
        [status("a", WAITS, last=FAILED), status("b", WAITS, last=DONE)],
        "Running",
    ),
    "all done, always": ("Always", [status("a", DONE), status("b", DONE)], "Running"),
    "all done": ("Never", [status("a", DONE), status("b", DONE)], "Succeeded"),
    "all done, on failure": (
        "OnFailure",
        [status("a", DONE), status("b", DONE)],
        "Succeeded",
    ),
    "one failed": ("Never", [status("a", DONE), status("b", FAILED)], "Failed"),
    "one failed, on failure": (
        "OnFailure",
        [status("a", DONE), status("b", FAILED)],
        "Running",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_phase(row):
    policy, statuses, expected = row
    pod = make_pod(container("a"), container("b"), restartPolicy=policy)

    phase = pod_phase(pod, statuses, terminal=False, initialized=False)

    assert phase == expected


@pytest.mark.parametrize(("state", "phase"), [(DONE, "Succeeded"), (FAILED, "Failed")])
def test_terminal_pod_is_over_whatever_its_policy(state, phase):
    statuses = [status("c", state)]

    assert pod_phase(make_pod(), statuses, terminal=True, initialized=True) == phase


@pytest.mark.parametrize(
    ("policy", "init", "phase"),
    [
        ("Always", status("i", RUNS), "Pending"),
        ("Always", status("i", FAILED), "Running"),
        ("Never", status("i", FAILED), "Failed"),
        ("Always", status("i", DONE), "Running"),
        ("Always", status("i", WAITS), "Pending"),
    ],
)
def test_init_container_and_phase(policy, init, phase):
    pod = make_pod(initContainers=[container("i")], restartPolicy=policy)

    statuses = [init, status("c", RUNS)]

    assert pod_phase(pod, statuses, terminal=False, initialized=False) == phase


@pytest.mark.parametrize(
    ("started", "initialized", "phase"),
    [(False, False, "Pending"), (True, False, "Running"), (False, True, "Running")],
)
def test_sidecar_that_has_not_started(started, initialized, phase):
    pod = make_pod(initContainers=[container("s", restartPolicy="Always")])
    statuses = [status("s", RUNS, started=started), status("c", RUNS)]

    result = pod_phase(pod, statuses, terminal=False, initialized=initialized)

    assert result == phase


def test_sidecar_failure_does_not_decide_the_phase():
    pod = make_pod(
        initContainers=[container("s", restartPolicy="Always")], restartPolicy="Never"
    )
    statuses = [status("s", FAILED), status("c", DONE)]

    phase = pod_phase(pod, statuses, terminal=False, initialized=True)

    assert phase == "Succeeded"
