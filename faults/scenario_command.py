"""`mini-kube scenario`: play faults from a YAML file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faults.client import FaultError
from faults.durations import read_duration
from faults.parameters import RuleError
from faults.scenarios.source import ScenarioError

if TYPE_CHECKING:
    import argparse

    from hops.cluster_view import ClusterView

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="what")
    text = "play a scenario; its faults are taken away at the end"
    playing = commands.add_parser("run", help=text, description=text)
    playing.add_argument("file", metavar="FILE", help="YAML; see docs/scenarios.md")
    playing.add_argument(
        "--patience", metavar="TIME", help="how long a step waits for the trace"
    )
    text = "read a scenario and say what is wrong with it"
    checking = commands.add_parser("check", help=text, description=text)
    checking.add_argument("file", metavar="FILE", help="YAML; see docs/scenarios.md")


def run(options: argparse.Namespace, view: ClusterView | None) -> int:
    """Run the subcommand; 1 when it fails."""
    try:
        return _run(options, view)
    except (ScenarioError, FaultError, RuleError, OSError) as err:
        print(f"mini-kube scenario: {err}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, view: ClusterView | None) -> int:
    from faults.scenarios.player import Player
    from faults.scenarios.scenario import read_scenario

    try:
        text = Path(options.file).read_text()
    except UnicodeDecodeError as err:
        raise ScenarioError(f"{options.file}:1: {err}") from None
    except OSError as err:
        raise ScenarioError(f"{options.file}: {err.strerror}") from None
    scenario = read_scenario(text, options.file)
    if options.what == "check":
        print(f"{options.file}: {len(scenario.steps)} steps")
        return 0
    if view is None or not view.admin_sockets:
        raise FaultError("no cluster is running: run mini-kube up")
    patience = None if options.patience is None else read_duration(options.patience)
    if scenario.name:
        print(scenario.name)
    try:
        Player(scenario, view, _tell, patience).play()
    except KeyboardInterrupt:
        print("interrupted: the faults are taken away", file=sys.stderr)
        return 130
    return 0


def _tell(line: str) -> None:
    print(line, flush=True)
