"""compute_pod_actions by table: one row is one situation a kubelet meets."""

from __future__ import annotations

import pytest

from kubelet.pod_actions import KillReason, compute_pod_actions
from tests.unit.kubelet.builders import (
    CREATED,
    EXITED,
    RUNNING,
    UNKNOWN,
    Verdicts,
    container,
    instance,
    make_pod,
    runtime,
    sandbox,
)

SIDECAR = {"restartPolicy": "Always"}


def compute(pod, status, verdicts=None):
    return compute_pod_actions(pod, status, verdicts or Verdicts())


def test_new_pod_gets_a_sandbox_and_all_its_containers():
    pod = make_pod(container("a"), container("b"))

    actions = compute(pod, runtime(sandboxes=[]))

    assert actions.kill_pod
    assert actions.create_sandbox
    assert actions.attempt == 0
    assert actions.containers_to_start == [0, 1]


def test_new_pod_with_init_containers_starts_only_the_first():
    pod = make_pod(initContainers=[container("i1"), container("i2")])

    actions = compute(pod, runtime(sandboxes=[]))

    assert actions.init_containers_to_start == [0]
    assert actions.containers_to_start == []


def test_running_pod_needs_nothing():
    actions = compute(make_pod(), runtime(instance("c")))

    assert actions == type(actions)(sandbox_id="s1")


@pytest.mark.parametrize(
    ("sandboxes", "spec", "attempt"),
    [
        ([sandbox(ready=False, attempt=3)], {}, 4),
        ([sandbox("s2", attempt=1), sandbox("s1")], {}, 2),
        ([sandbox(host_network=True)], {}, 1),
        ([sandbox(ips=())], {}, 1),
    ],
    ids=["not ready", "two ready", "network mode changed", "no address"],
)
def test_sandbox_is_replaced(sandboxes, spec, attempt):
    actions = compute(make_pod(**spec), runtime(instance(), sandboxes=sandboxes))

    assert actions.create_sandbox
    assert actions.kill_pod
    assert actions.attempt == attempt


def test_host_network_sandbox_needs_no_address():
    status = runtime(instance(), sandboxes=[sandbox(host_network=True, ips=())])

    assert not compute(make_pod(hostNetwork=True), status).create_sandbox


@pytest.mark.parametrize(
    ("policy", "state", "code", "starts"),
    [
        ("Always", EXITED, 0, True),
        ("Always", EXITED, 1, True),
        ("OnFailure", EXITED, 0, False),
        ("OnFailure", EXITED, 1, True),
        ("Never", EXITED, 0, False),
        ("Never", EXITED, 1, False),
        ("Never", CREATED, 0, True),
        ("Always", UNKNOWN, 0, True),
        ("Always", RUNNING, 0, False),
    ],
)
def test_restart_policy(policy, state, code, starts):
    pod = make_pod(restartPolicy=policy)

    actions = compute(pod, runtime(instance(state=state, exit_code=code)))

    assert bool(actions.containers_to_start) is starts


def test_pod_whose_containers_are_done_is_killed():
    pod = make_pod(restartPolicy="Never")

    actions = compute(pod, runtime(instance(state=EXITED)))

    assert actions.kill_pod
    assert not actions.create_sandbox


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_no_new_sandbox_for_a_finished_pod(policy):
    pod = make_pod(restartPolicy=policy)
    status = runtime(instance(state=EXITED), sandboxes=[sandbox(ready=False)])

    actions = compute(pod, status)

    assert actions.kill_pod
    assert not actions.create_sandbox


def test_new_sandbox_for_a_never_pod_that_held_no_container_yet():
    status = runtime(sandboxes=[sandbox(ready=False)])

    assert compute(make_pod(restartPolicy="Never"), status).create_sandbox


def test_deleted_pod_starts_nothing():
    pod = make_pod(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})

    assert compute(pod, runtime(instance(state=EXITED))).containers_to_start == []


def test_unknown_container_is_killed_before_its_restart():
    actions = compute(make_pod(), runtime(instance(state=UNKNOWN)))

    assert actions.containers_to_kill["c-id"].message == (
        'Container is in "unknown" state, try killing it before restart'
    )


def test_changed_image_restarts_even_when_the_policy_is_never():
    pod = make_pod(container(image="other"), restartPolicy="Never")

    actions = compute(pod, runtime(instance()))

    assert actions.containers_to_start == [0]
    kill = actions.containers_to_kill["c-id"]
    assert kill.message == "Container c definition changed, will be restarted"


def test_container_without_our_annotation_is_adopted():
    assert compute(make_pod(), runtime(instance(hash=""))).containers_to_kill == {}


@pytest.mark.parametrize(
    ("verdicts", "message", "reason"),
    [
        (
            Verdicts(live={"c-id": False}),
            "Container c failed liveness probe, will be restarted",
            KillReason.LIVENESS,
        ),
        (
            Verdicts(started={"c-id": False}),
            "Container c failed startup probe, will be restarted",
            KillReason.STARTUP,
        ),
    ],
    ids=["liveness", "startup"],
)
def test_failed_probe_replaces_the_container(verdicts, message, reason):
    actions = compute(make_pod(), runtime(instance()), verdicts)

    assert actions.containers_to_kill["c-id"].message == message
    assert actions.containers_to_kill["c-id"].reason is reason
    assert actions.containers_to_start == [0]


def test_failed_probe_ends_a_never_pod():
    pod = make_pod(restartPolicy="Never")

    actions = compute(pod, runtime(instance()), Verdicts(live={"c-id": False}))

    assert actions.kill_pod
    assert actions.containers_to_start == []


def test_container_rule_overrides_the_policy():
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    spec = container(restartPolicy="Never", restartPolicyRules=[rule])

    restarted = compute(make_pod(spec), runtime(instance(state=EXITED, exit_code=42)))
    left = compute(make_pod(spec), runtime(instance(state=EXITED, exit_code=1)))

    assert restarted.containers_to_start == [0]
    assert left.containers_to_start == []


def test_ephemeral_container_starts_once_even_before_initialisation():
    pod = make_pod(
        initContainers=[container("i")], ephemeralContainers=[container("e")]
    )

    first = compute(pod, runtime(instance("i")))
    then = compute(pod, runtime(instance("e", EXITED), instance("i")))

    assert first.ephemeral_containers_to_start == [0]
    assert then.ephemeral_containers_to_start == []


# Init containers: specs, what the runtime has, what starts, whether the pod dies,
# whether regular containers start.
INIT_ROWS = {
    "none started": (["i1", "i2"], [], [0], False, False),
    "first runs": (["i1", "i2"], [instance("i1")], [], False, False),
    "first done": (["i1", "i2"], [instance("i1", EXITED)], [1], False, False),
    "first failed": (
        ["i1", "i2"],
        [instance("i1", EXITED, exit_code=1)],
        [0],
        False,
        False,
    ),
    "first created but not started": (
        ["i1", "i2"],
        [instance("i1", CREATED)],
        [0],
        False,
        False,
    ),
    "all done": (
        ["i1", "i2"],
        [instance("i2", EXITED), instance("i1", EXITED)],
        [],
        False,
        True,
    ),
    "only the last left a trace": (
        ["i1", "i2"],
        [instance("i2", EXITED)],
        [],
        False,
        True,
    ),
    "sidecar up": (["s*", "i2"], [instance("s*")], [1], False, False),
    "last sidecar up": (["i1", "s*"], [instance("s*")], [], False, True),
    "sidecar died while the next runs": (
        ["s*", "i2"],
        [instance("i2"), instance("s*", EXITED)],
        [0],
        False,
        False,
    ),
    "sidecar vanished while main runs": (
        ["s*"],
        [instance("c")],
        [0],
        False,
        False,
    ),
}


@pytest.mark.parametrize("row", INIT_ROWS.values(), ids=INIT_ROWS.keys())
def test_init_containers(row):
    names, instances, starts, dies, regular = row
    specs = [container(n, **(SIDECAR if n.endswith("*") else {})) for n in names]

    actions = compute(make_pod(initContainers=specs), runtime(*instances))

    assert actions.init_containers_to_start == starts
    assert actions.kill_pod is dies
    assert bool(actions.containers_to_start) is regular


def test_failed_init_container_ends_a_never_pod():
    pod = make_pod(initContainers=[container("i")], restartPolicy="Never")

    actions = compute(pod, runtime(instance("i", EXITED, exit_code=1)))

    assert actions.kill_pod
    assert actions.init_containers_to_start == []


@pytest.mark.parametrize(
    ("started", "starts", "kills"),
    [(None, [], 0), (True, [1], 0), (False, [0], 1)],
    ids=["not yet probed", "probe passed", "probe failed"],
)
def test_startup_probe_of_a_sidecar_gates_the_next(started, starts, kills):
    specs = [container("s", startupProbe={"exec": {}}, **SIDECAR), container("i")]
    verdicts = Verdicts(started={} if started is None else {"s-id": started})

    actions = compute(make_pod(initContainers=specs), runtime(instance("s")), verdicts)

    assert actions.init_containers_to_start == starts
    assert len(actions.containers_to_kill) == kills


def test_sidecars_do_not_keep_a_finished_pod_alive():
    pod = make_pod(initContainers=[container("s", **SIDECAR)], restartPolicy="Never")
    status = runtime(instance("c", EXITED), instance("s"))

    actions = compute(pod, status)

    assert actions.kill_pod
    assert actions.init_containers_to_start == []
