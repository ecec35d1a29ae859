"""The reported status: shape as recorded from Kubernetes 1.36, rules by table."""

from __future__ import annotations

import pytest

from kubelet import pod as pods
from kubelet.container_statuses import Failure
from kubelet.pod_status import StatusInputs, generate_pod_status
from tests.unit.kubelet.builders import (
    CREATED,
    EXITED,
    UNKNOWN,
    container,
    instance,
    make_pod,
    runtime,
    sandbox,
)

INPUTS = StatusInputs("containerd", ("10.99.0.1",), now=1_700_000_100.0)
STARTED = "2023-11-14T22:13:20Z"


class ReadyWhenRunning:
    """What probes say of containers that have none."""

    def apply(self, pod, status):
        for kind in pods.ContainerKind:
            for entry in status.get(kind.status_field) or []:
                running = "running" in entry["state"]
                entry["started"] = running
                done = entry["state"].get("terminated", {}).get("exitCode") == 0
                init = kind is pods.ContainerKind.INIT
                entry["ready"] = done if init else running


def generate(pod, status, previous=None, failures=None, **kwargs):
    return generate_pod_status(
        pod,
        status,
        previous or {},
        failures or {},
        ReadyWhenRunning(),
        INPUTS,
        **kwargs,
    )


def conditions_of(status):
    return {c["type"]: c for c in status["conditions"]}


def test_running_pod_has_the_fields_a_real_kubelet_reports():
    pod = make_pod(container(volumeMounts=[{"name": "v", "mountPath": "/v"}]))

    status = generate(pod, runtime(instance()))

    assert status["phase"] == "Running"
    assert status["hostIPs"] == [{"ip": "10.99.0.1"}]
    assert status["podIPs"] == [{"ip": "127.0.0.9"}]
    assert status["observedGeneration"] == 1
    assert [c["type"] for c in status["conditions"]] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    assert {c["status"] for c in status["conditions"]} == {"True"}
    assert status["containerStatuses"] == [
        {
            "name": "c",
            "restartCount": 0,
            "image": "busybox",
            "imageID": "sha256:1",
            "containerID": "containerd://c-id",
            "lastState": {},
            "state": {"running": {"startedAt": STARTED}},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "resources": {},
            "started": True,
            "ready": True,
        }
    ]


def test_new_pod_waits_for_its_container():
    status = generate(make_pod(), runtime(sandboxes=[]))

    assert status["phase"] == "Pending"
    assert status["containerStatuses"][0]["state"] == {
        "waiting": {"reason": "ContainerCreating"}
    }
    conditions = conditions_of(status)
    assert conditions["PodReadyToStartContainers"]["status"] == "False"
    assert conditions["Initialized"]["status"] == "True"
    assert conditions["Ready"]["reason"] == "ContainersNotReady"
    assert (
        conditions["ContainersReady"]["message"]
        == "containers with unready status: [c]"
    )


def test_pod_with_init_containers_shows_pod_initializing():
    pod = make_pod(initContainers=[container("i")])

    status = generate(pod, runtime(instance("i")))

    waiting = {"waiting": {"reason": "PodInitializing"}}
    assert status["containerStatuses"][0]["state"] == waiting
    initialized = conditions_of(status)["Initialized"]
    assert initialized["reason"] == "ContainersNotInitialized"
    assert initialized["message"] == "containers with incomplete status: [i]"


def test_exit_is_terminated_with_reason_and_times():
    pod = make_pod(restartPolicy="Never")
    ended = instance(state=EXITED, exit_code=3, reason="Error")

    status = generate(pod, runtime(ended, sandboxes=[sandbox(ready=False)]))

    assert status["phase"] == "Failed"
    assert status["containerStatuses"][0]["state"] == {
        "terminated": {
            "exitCode": 3,
            "reason": "Error",
            "startedAt": STARTED,
            "finishedAt": "2023-11-14T22:13:25Z",
            "containerID": "containerd://c-id",
        }
    }
    assert conditions_of(status)["Ready"]["reason"] == "PodFailed"


def test_succeeded_pod_is_initialised_and_completed():
    status = generate(make_pod(restartPolicy="Never"), runtime(instance(state=EXITED)))

    assert status["phase"] == "Succeeded"
    assert conditions_of(status)["Initialized"]["reason"] == "PodCompleted"
    assert conditions_of(status)["Ready"]["reason"] == "PodCompleted"


def test_crash_loop_waits_and_keeps_the_exit():
    failures = {"c": Failure("CrashLoopBackOff", "back-off 10s restarting failed ...")}
    ended = instance(state=EXITED, exit_code=1, reason="Error")

    status = generate(make_pod(), runtime(ended), failures=failures)

    entry = status["containerStatuses"][0]
    assert entry["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert entry["lastState"]["terminated"]["exitCode"] == 1
    assert status["phase"] == "Running"


def test_restarted_container_keeps_the_end_of_the_one_before():
    now = instance(id="new", restart_count=1)
    before = instance(id="old", state=EXITED, exit_code=137, reason="OOMKilled")

    status = generate(make_pod(), runtime(now, before))

    entry = status["containerStatuses"][0]
    assert entry["restartCount"] == 1
    assert entry["lastState"]["terminated"]["reason"] == "OOMKilled"


def test_end_of_a_removed_instance_is_remembered_from_the_last_report():
    previous = generate(make_pod(), runtime(instance(id="old", state=EXITED)))

    status = generate(
        make_pod(), runtime(instance(id="new", restart_count=1)), previous
    )

    entry = status["containerStatuses"][0]
    assert entry["lastState"]["terminated"]["containerID"] == "containerd://old"


def test_vanished_container_is_reported_lost():
    previous = generate(make_pod(), runtime(instance()))

    status = generate(make_pod(), runtime(), previous)

    entry = status["containerStatuses"][0]
    assert entry["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert entry["lastState"]["terminated"]["exitCode"] == 137
    assert entry["restartCount"] == 1
    assert status["phase"] == "Running"


def test_unknown_container_that_ran_is_terminated():
    previous = generate(make_pod(), runtime(instance()))

    status = generate(make_pod(), runtime(instance(state=UNKNOWN)), previous)

    state = status["containerStatuses"][0]["state"]
    assert state["terminated"]["reason"] == "ContainerStatusUnknown"


def test_created_container_waits_without_reason():
    status = generate(make_pod(), runtime(instance(state=CREATED)))

    assert status["containerStatuses"][0]["state"] == {"waiting": {}}


def test_removed_init_container_counts_as_done_once_the_pod_runs():
    pod = make_pod(initContainers=[container("i")])

    status = generate(pod, runtime(instance()))

    terminated = status["initContainerStatuses"][0]["state"]["terminated"]
    assert terminated["reason"] == "Completed"
    assert status["phase"] == "Running"


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_terminal_phase_never_changes_back(phase):
    pod = make_pod(status={"phase": phase})

    assert generate(pod, runtime(instance()))["phase"] == phase


def test_reason_stays_with_its_phase():
    previous = {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}

    status = generate(make_pod(), runtime(), previous)

    assert (status["reason"], status["message"]) == ("Evicted", "low on memory")


def test_transition_time_moves_only_with_the_status():
    pod = make_pod()
    previous = generate(pod, runtime(instance()))
    for entry in previous["conditions"]:
        entry["lastTransitionTime"] = "2020-01-01T00:00:00Z"

    status = conditions_of(generate(pod, runtime(instance(state=EXITED)), previous))

    assert status["PodScheduled"]["lastTransitionTime"] == "2020-01-01T00:00:00Z"
    assert status["Ready"]["lastTransitionTime"] == "2023-11-14T22:15:00Z"


def test_conditions_of_others_are_kept():
    gate = {"type": "example.com/gate", "status": "False"}
    pod = make_pod(
        readinessGates=[{"conditionType": "example.com/gate"}],
        status={"conditions": [gate]},
    )

    status = generate(pod, runtime(instance()))

    assert status["conditions"][0] == gate
    assert conditions_of(status)["Ready"]["message"] == (
        'the status of pod readiness gate "example.com/gate" is not "True", but False'
    )


def test_missing_gate_condition_is_named():
    pod = make_pod(readinessGates=[{"conditionType": "g"}])

    ready = conditions_of(generate(pod, runtime(instance())))["Ready"]

    assert ready["reason"] == "ReadinessGatesNotReady"
    assert ready["message"] == (
        'corresponding condition of pod readiness gate "g" does not exist.'
    )


def test_host_network_pod_has_the_address_of_its_node():
    status = runtime(instance(), sandboxes=[sandbox(host_network=True, ips=())])

    assert generate(make_pod(hostNetwork=True), status)["podIP"] == "10.99.0.1"


def test_finished_pod_keeps_its_address():
    previous = generate(make_pod(), runtime(instance()))
    ended = runtime(instance(state=EXITED), sandboxes=[sandbox(ready=False)])

    assert generate(make_pod(), ended, previous)["podIP"] == "127.0.0.9"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        (
            {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}},
            "Burstable",
        ),
        ({"requests": {"cpu": "0"}}, "BestEffort"),
    ],
)
def test_qos_class(resources, expected):
    pod = make_pod(container(resources=resources))

    assert generate(pod, runtime(instance()))["qosClass"] == expected
