"""Every flag of mini-kube stands somewhere in docs/."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from cluster.main import _parser

DOCS = Path(__file__).parents[3] / "docs"
TEXT = "\n".join(page.read_text("utf-8") for page in sorted(DOCS.rglob("*.md")))
DOCUMENTED = set(re.findall(r"--[a-z][a-z-]*", TEXT))


def children(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def flags_of(parser):
    own = {flag for action in parser._actions for flag in action.option_strings}
    return own.union(*(flags_of(child) for _, child in children(parser)))


@pytest.mark.parametrize("command", dict(children(_parser([]))))
def test_the_flags_of_a_command_are_documented(command):
    parser = dict(children(_parser([command])))[command]

    flags = {flag for flag in flags_of(parser) if flag.startswith("--")}

    assert flags - DOCUMENTED - {"--help"} == set()
