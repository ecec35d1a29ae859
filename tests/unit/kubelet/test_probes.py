"""Probe results, what they make of a status, and the workers' thresholds."""

from __future__ import annotations

import asyncio

import pytest

from kubelet.ports import PortError, resolve_port
from kubelet.probe_actions import ProbeError, ProbeOutcome
from kubelet.probe_results import ProbeKind, ProbeResults
from kubelet.probes import ProbeManager
from tests.unit.kubelet.builders import container, make_pod
from tests.unit.kubelet.test_images import Recorder

RUNS = {"running": {"startedAt": "2023-11-14T22:13:20Z"}}


def entry(name="c", state=RUNS, **fields):
    return {"name": name, "state": state, "containerID": f"x://{name}-id", **fields}


def results(**values):
    made = ProbeResults(lambda uid, kind, success: None)
    for key, value in values.items():
        made.begin(ProbeKind[key.upper()], "c-id", value)
    return made


def apply(pod, made, *entries, field="containerStatuses"):
    status = {field: list(entries)}
    made.apply(pod, status)
    return status[field][0]


@pytest.mark.parametrize(
    ("probes", "found", "started", "ready"),
    [
        ((), {}, True, True),
        (("readinessProbe",), {}, True, False),
        (("readinessProbe",), {"readiness": False}, True, False),
        (("readinessProbe",), {"readiness": True}, True, True),
        (("startupProbe",), {}, False, False),
        (("startupProbe",), {"startup": True}, True, True),
        (("startupProbe", "readinessProbe"), {"readiness": True}, False, False),
    ],
)
def test_started_and_ready(probes, found, started, ready):
    pod = make_pod(container(**{name: {"exec": {}} for name in probes}))

    status = apply(pod, results(**found), entry())

    assert (status["started"], status["ready"]) == (started, ready)


@pytest.mark.parametrize(
    ("state", "ready"),
    [
        (RUNS, False),
        ({"terminated": {"exitCode": 0}}, True),
        ({"terminated": {"exitCode": 1}}, False),
        ({"waiting": {}}, False),
    ],
)
def test_init_container_is_ready_when_it_is_done(state, ready):
    pod = make_pod(initContainers=[container("i")])

    status = apply(pod, results(), entry("i", state), field="initContainerStatuses")

    assert status["ready"] is ready


def test_sidecar_is_ready_while_it_runs():
    pod = make_pod(initContainers=[container("c", restartPolicy="Always")])

    status = apply(pod, results(), entry("c"), field="initContainerStatuses")

    assert status["ready"]


@pytest.mark.parametrize(("port", "number"), [(80, 80), ("8080", 8080), ("http", 9000)])
def test_port(port, number):
    spec = container(ports=[{"name": "http", "containerPort": 9000}])

    assert resolve_port(port, spec) == number


@pytest.mark.parametrize("port", ["nope", 0, 70000])
def test_bad_port(port):
    with pytest.raises(PortError):
        resolve_port(port, container())


class Script:
    """A prober that says what it was told to, then waits for ever."""

    def __init__(self, *outcomes):
        self._outcomes = list(outcomes)
        self.done = asyncio.Event()

    async def probe(self, spec, target):
        if not self._outcomes:
            self.done.set()
            await asyncio.Event().wait()
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return ProbeOutcome(outcome, "" if outcome else "it broke")


class Watched:
    """A pod with one probe whose outcomes are scripted."""

    def __init__(self, field, *outcomes, **probe):
        self.told = []
        self.recorder = Recorder()
        self.script = Script(*outcomes)
        self.heard = asyncio.Event()
        self.results = ProbeResults(self._hear)
        spec = container(**{field: {"exec": {}, "periodSeconds": 0.001, **probe}})
        self.pod = make_pod(spec)
        self.status = {
            "podIP": "127.0.0.9",
            "containerStatuses": [entry(started=field != "startupProbe")],
        }
        self.manager = ProbeManager(
            self.script, self.results, self.recorder, lambda uid: self.status
        )

    def _hear(self, uid, kind, success):
        self.told.append((kind, success))
        self.heard.set()

    async def hear(self):
        async with asyncio.timeout(20):
            await self.heard.wait()
        self.heard.clear()

    async def run(self):
        self.manager.add_pod(self.pod)
        async with asyncio.timeout(20):
            await self.script.done.wait()
        value = self.results
        self.manager.remove_pod("uid-1")
        return value


async def test_readiness_turns_with_the_first_success():
    watched = Watched("readinessProbe", False, True)

    await watched.run()

    assert watched.told == [(ProbeKind.READINESS, True)]
    assert watched.recorder.events == [
        ("Warning", "Unhealthy", "Readiness probe failed: it broke")
    ]


async def test_failures_count_only_in_a_row():
    watched = Watched("readinessProbe", True, False, False, True, False, False, False)

    await watched.run()

    assert watched.told == [
        (ProbeKind.READINESS, True),
        (ProbeKind.READINESS, False),
    ]


async def test_probe_that_cannot_be_made_changes_nothing():
    errors = [ProbeError("no")] * 3
    watched = Watched("readinessProbe", True, *errors, failureThreshold=1)

    await watched.run()

    assert watched.told == [(ProbeKind.READINESS, True)]
    assert watched.recorder.events[0][2].startswith("Readiness probe errored")


async def test_liveness_failure_rests_until_the_container_is_replaced():
    watched = Watched("livenessProbe", False, False, failureThreshold=1)
    watched.manager.add_pod(watched.pod)
    await watched.hear()

    watched.status = {
        "containerStatuses": [{**entry(started=True), "containerID": "x://new"}]
    }
    watched.manager.poke("uid-1")
    await watched.hear()
    watched.manager.remove_pod("uid-1")

    assert watched.told == [(ProbeKind.LIVENESS, False), (ProbeKind.LIVENESS, False)]
