"""Scenario files: what they can say, and on which line they are wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.scenarios.conditions import LAYERS, Seen, Time
from faults.scenarios.scenario import read_scenario
from faults.scenarios.source import ScenarioError

DOCS = Path(__file__).parents[3] / "docs"
WHOLE = """\
name: everything
steps:
  - say: hello
    add:
      type: latency
      name: slow
      attributes: {latency: 200}
  - at: 1s
    add:
      - {type: status_missing}
      - {type: http_answer, hop: apiserver-kubelet, selector: {verb: exec}}
  - when: {session: {client: kubectl, verb: exec}, n: 2}
    kill: {process: shim, of_pod: web}
  - when: {frame: {layer: channel, channel: stdout, dir: down}}
    personality: {name: slow-link, values: {rate: 10}}
  - when: {fault: slow}
    remove: [slow, status_missing_downstream]
  - after: 500ms
    personality: nginx
    reset: true
keep: true
"""


def test_a_scenario_is_read():
    scenario = read_scenario(WHOLE, "s.yaml")

    assert (scenario.name, scenario.keep, scenario.watches) == (
        "everything",
        True,
        True,
    )
    conditions = [step.condition for step in scenario.steps]
    assert conditions[0] == Time(0.0, from_begin=False)
    assert conditions[1] == Time(1.0, from_begin=True)
    assert isinstance(conditions[2], Seen)
    assert conditions[2].n == 2
    assert conditions[5] == Time(0.5, from_begin=False)
    kinds = [[action.kind for action in step.actions] for step in scenario.steps]
    assert kinds == [
        ["say", "add"],
        ["add", "add"],
        ["kill"],
        ["add", "add"],
        ["remove", "remove"],
        ["add", "add", "add", "add", "reset"],
    ]
    assert [step.line for step in scenario.steps] == [3, 8, 12, 14, 16, 18]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "s:1: the scenario is empty"),
        ("steps: [", "s:1: expected the node content"),
        ("- a", "s:1: a scenario: a mapping is expected"),
        ("name: x", "s:1: a scenario has steps"),
        ("step: []", "s:1: a scenario has no 'step': name, steps, keep"),
        ("steps:\nsteps: []", "s:2: 'steps' comes twice"),
        (
            "steps:\n  - at: 1s\n    after: 2s",
            "s:3: a step has one of at, after and when",
        ),
        ("steps:\n  - at: soon", "s:2: at: 'soon' is not a time"),
        ("steps:\n  - ad: {}", "s:2: a step has no 'ad'"),
        ("steps:\n  - add:\n      type: lag", "s:3: add: there is no fault type 'lag'"),
        (
            "steps:\n  - add:\n      type: latency\n      attributes:\n        lag: 1",
            "s:5: add: latency has no parameter 'lag': latency, jitter",
        ),
        (
            "steps:\n  - add:\n      type: latency\n      attributes:\n        latency: x",
            "s:5: add: latency: latency: 'x' is not a whole number",
        ),
        (
            "steps:\n  - add: {type: latency}\n  - add:\n      type: latency\n      hop: moon",
            "s:5: add: there is no hop 'moon'",
        ),
        (
            "steps:\n  - add:\n      type: down\n      selector:\n        pod: a",
            "s:3: add: down is for connections",
        ),
        (
            "steps:\n  - say: a\n    add:\n      type: grpc_status",
            "s:4: add: grpc_status: there are no gRPC calls on kubectl-apiserver",
        ),
        ("steps:\n  - when:\n      sesion: {}", "s:3: when has no 'sesion'"),
        ("steps:\n  - when: {session: {}, fault: a}", "s:2: when waits for one of"),
        ("steps:\n  - when: {session: {pood: a}}", "s:2: selector has no key 'pood'"),
        ("steps:\n  - when: {frame: {}}", "s:2: frame names at least one of"),
        ("steps:\n  - when: {frame: {kind: a}}", "s:2: frame has no 'kind'"),
        ("steps:\n  - when: {frame: {layer: a}}", "s:2: there is no layer 'a': conn"),
        ("steps:\n  - when: {frame: {dir: a}}", "s:2: there is no dir 'a': up, down"),
        ("steps:\n  - when: {frame: {channel: [a]}}", "s:2: channel: a text is"),
        (
            "steps:\n  - when: {session: {verb: exce}}",
            "s:2: selector: verb: 'exce' is none of attach, create",
        ),
        ("steps:\n  - when: {fault: a, n: 0}", "s:2: n: 0 is not a number from 1"),
        ("steps:\n  - kill: moon", "s:2: kill: process: 'moon' is none of"),
        ("steps:\n  - personality: moon", "s:2: there is no personality 'moon'"),
        (
            "steps:\n  - personality:\n      name: nginx\n      values: {a: 1}",
            "s:3: nginx has no value 'a': it has none",
        ),
        ("steps:\n  - reset: false", "s:2: reset: true is expected"),
        ("steps: &a\n  - *a", "s:1: an alias to what it stands in"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, error):
    with pytest.raises(ScenarioError) as caught:
        read_scenario(text, "s")

    assert str(caught.value).startswith(error)


def test_the_layers_of_frames_are_those_of_traces():
    schema = json.loads((DOCS / "trace-events.schema.json").read_text())

    assert list(LAYERS) == schema["$defs"]["event"]["properties"]["layer"]["enum"]


@given(st.text(max_size=200))
def test_any_text_is_a_scenario_or_an_error_with_a_line(text):
    try:
        read_scenario(text, "s")
    except ScenarioError as err:
        assert str(err).startswith("s:")  # noqa: PT017 - any text, any error


def condition(text):
    scenario = read_scenario(f"steps:\n  - when: {text}", "s")
    return scenario.steps[0].condition


REQUEST = {
    "layer": "http1",
    "type": "request",
    "trace": "abc",
    "info": {
        "method": "GET",
        "target": "/api/v1/namespaces/n/pods/web/exec?command=ls",
        "headers": [["User-Agent", "kubectl/v1.36"], ["Connection", "Upgrade"]],
    },
}
STDOUT = {
    "layer": "channel",
    "type": "stdout",
    "hop": "kubelet-cri",
    "dir": "down",
    "channel": 1,
}


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        ("{session: {}}", REQUEST, True),
        ("{session: {pod: web, client: kubectl}}", REQUEST, True),
        ("{session: {session: ab}}", REQUEST, True),
        ("{session: {pod: db}}", REQUEST, False),
        ("{session: {}}", STDOUT, False),
        ("{frame: {layer: channel, channel: stdout}}", STDOUT, True),
        ("{frame: {layer: channel, channel: 1, dir: down}}", STDOUT, True),
        ("{frame: {layer: channel, dir: up}}", STDOUT, False),
        ("{fault: slow}", {"layer": "conn", "fault": "slow"}, True),
        ("{fault: slow}", STDOUT, False),
    ],
)
def test_events_are_seen(text, event, expected):
    assert condition(text).matches(event) is expected
