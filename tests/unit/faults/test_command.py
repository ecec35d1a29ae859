"""The command line of `mini-kube fault`."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from faults import clock_command
from faults.clock_command import shown_seconds
from faults.command import configure
from faults.parameters import RuleError
from faults.process_faults import signalled
from faults.processes import find_process
from faults.types import TYPES
from hops.cluster_view import ClusterView


@pytest.fixture
def parser():
    found = argparse.ArgumentParser()
    configure(found)
    return found


@pytest.mark.parametrize(
    "line",
    [
        "add kubectl-apiserver latency latency=1 jitter=2 --verb exec --count 3",
        "add kubectl-apiserver latency --verb exec latency=1 --count 3 jitter=2",
        "add --verb exec kubectl-apiserver latency latency=1 --count 3 jitter=2",
    ],
)
def test_values_stand_where_they_like(parser, line):
    options = parser.parse_args(line.split())

    assert options.attributes == ["latency=1", "jitter=2"]
    assert (options.hop, options.verb, options.count) == (
        "kubectl-apiserver",
        "exec",
        3,
    )


def test_hops_are_shown_as_they_are_written(parser, capsys):
    with pytest.raises(SystemExit):
        parser.parse_args(["remove", "x", "--hop", "moon"])

    assert "choose from 'kubectl-apiserver', " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("node", "seen"), [("moon", "one, two"), ("", "kubelet-one, kubelet-two")]
)
def test_a_process_that_is_not_named_well_is_told_by_what_there_is(
    tmp_path, node, seen
):
    (tmp_path / "run").mkdir()
    for name in ("kubelet-one", "kubelet-two"):
        record = tmp_path / "run" / f"{name}.json"
        record.write_text(json.dumps({"pid": os.getpid()}))
    values = {p.name: p.default for p in TYPES["kill"].parameters} | {"node": node}

    with pytest.raises(RuleError) as refused:
        find_process(SimpleNamespace(state=tmp_path), values)

    assert str(refused.value) == f"kill: node must name one kubelet: {seen}"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0s"), (0.5, "0.5s"), (3660.0000001, "3660s"), (315363600.0, "315363600s")],
)
def test_how_far_a_clock_is_ahead_is_said_in_full(seconds, shown):
    assert shown_seconds(seconds) == shown


def test_a_clock_does_not_go_back(capsys):
    parser = argparse.ArgumentParser()
    clock_command.configure(parser)
    options = parser.parse_args(["advance", "-1h"])
    view = ClusterView("a", Path(), Path(), Path())

    assert clock_command.run(options, view) == 1
    assert capsys.readouterr().err == "mini-kube: -1h: the clock goes forwards only\n"


@pytest.mark.parametrize(
    ("signal", "text"),
    [
        ("KILL", "kubelet is killed"),
        ("STOP", "kubelet is stopped"),
        ("CONT", "kubelet is going on"),
        ("TERM", "kubelet got SIGTERM"),
    ],
)
def test_what_a_signal_does_is_said(signal, text):
    assert signalled({"process": "kubelet", "signal": signal}) == text
