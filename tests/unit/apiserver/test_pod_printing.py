"""The columns of `kubectl get pods`."""

import pytest

from apimachinery.meta import parse_time
from apiserver.resources.pod_printing import (
    POD_COLUMNS,
    pod_ready,
    pod_restarts,
    pod_row_conditions,
    pod_status,
)

NOW = parse_time("2026-01-01T01:00:00Z")
RUNNING = {"state": {"running": {}}, "ready": True}


def pod(phase="Running", statuses=(), init=(), spec=None, **status):
    containers = [{"name": f"c{n}"} for n in range(max(len(statuses), 1))]
    return {
        "metadata": {"name": "p"},
        "spec": {"containers": containers, **(spec or {})},
        "status": {
            "phase": phase,
            "containerStatuses": list(statuses),
            "initContainerStatuses": list(init),
            **status,
        },
    }


def waiting(reason):
    return {"state": {"waiting": {"reason": reason}}}


def terminated(**state):
    return {"state": {"terminated": state}}


INIT = {"initContainers": [{"name": "i"}, {"name": "j"}]}
SIDECAR = {"initContainers": [{"name": "s", "restartPolicy": "Always"}]}


@pytest.mark.parametrize(
    ("described", "word"),
    [
        (pod("Pending"), "Pending"),
        (pod(statuses=[RUNNING]), "Running"),
        (pod("Pending", [waiting("ContainerCreating")]), "ContainerCreating"),
        (pod(statuses=[waiting("CrashLoopBackOff"), RUNNING]), "CrashLoopBackOff"),
        (pod("Succeeded", [terminated(exitCode=0, reason="Completed")]), "Completed"),
        (pod("Failed", [terminated(exitCode=3, reason="Error")]), "Error"),
        (pod("Failed", [terminated(exitCode=3)]), "ExitCode:3"),
        (pod("Failed", [terminated(exitCode=137, signal=9)]), "Signal:9"),
        (pod("Failed", reason="Evicted"), "Evicted"),
        (
            pod(statuses=[terminated(exitCode=0, reason="Completed"), RUNNING]),
            "NotReady",
        ),
        (
            pod(
                statuses=[terminated(exitCode=0, reason="Completed"), RUNNING],
                conditions=[{"type": "Ready", "status": "True"}],
            ),
            "Running",
        ),
        (
            pod(
                "Pending",
                conditions=[{"type": "PodScheduled", "reason": "SchedulingGated"}],
            ),
            "SchedulingGated",
        ),
        (pod("Pending", init=[waiting("PodInitializing")], spec=INIT), "Init:0/2"),
        (
            pod(
                "Pending",
                init=[terminated(exitCode=0), waiting("ErrImagePull")],
                spec=INIT,
            ),
            "Init:ErrImagePull",
        ),
        (pod("Pending", init=[terminated(exitCode=2)], spec=INIT), "Init:ExitCode:2"),
        (
            pod(
                statuses=[RUNNING],
                init=[{"name": "s", "started": True, **RUNNING}],
                spec=SIDECAR,
            ),
            "Running",
        ),
    ],
)
def test_the_status_is_one_word(described, word):
    assert pod_status(described, NOW) == word


def test_a_deleted_pod_is_terminating_until_it_is_finished():
    going = pod(statuses=[RUNNING])
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pod_status(going, NOW) == "Terminating"

    going["status"]["reason"] = "NodeLost"
    assert pod_status(going, NOW) == "Unknown"


def test_sidecars_count_as_containers():
    described = pod(
        statuses=[RUNNING],
        init=[{"name": "s", "started": True, "restartCount": 2, **RUNNING}],
        spec=SIDECAR,
    )

    assert pod_ready(described, NOW) == "2/2"
    assert pod_restarts(described, NOW) == "2"


def test_restarts_tell_how_long_ago_the_last_was():
    described = pod(
        statuses=[
            {
                **RUNNING,
                "restartCount": 3,
                "lastState": {"terminated": {"finishedAt": "2026-01-01T00:55:00Z"}},
            }
        ]
    )

    assert pod_restarts(described, NOW) == "3 (5m ago)"


def test_finished_pods_have_a_row_condition():
    assert pod_row_conditions(pod("Succeeded")) == [
        {
            "type": "Completed",
            "status": "True",
            "reason": "Succeeded",
            "message": "The pod has completed successfully.",
        }
    ]
    assert pod_row_conditions(pod()) == []


def test_a_bare_object_still_makes_a_row():
    cells = [column.cell({"metadata": {}}, NOW) for column in POD_COLUMNS]

    assert cells[1:4] == ["0/0", "", "0"]
