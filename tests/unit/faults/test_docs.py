"""docs/faults.md and docs/scenarios.md tell of everything there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.personalities import PERSONALITIES
from faults.rules import RULE_TEXTS
from faults.scenarios.conditions import WHEN_TEXTS
from faults.scenarios.scenario import SCENARIO_TEXTS, STEP_TEXTS
from faults.selectors import SELECTOR_TEXTS
from faults.types import TYPES
from hops.hop import Hop

DOCS = Path(__file__).parents[3] / "docs"
FAULTS = (DOCS / "faults.md").read_text()
SCENARIOS = (DOCS / "scenarios.md").read_text()
NONE = "\N{EN DASH}"
PICK = {"layer", "frame", "channel", "n", "probability"}


def row(name, text=FAULTS):
    """The line of a table that begins with the name."""
    found = [line for line in text.splitlines() if line.startswith(f"| `{name}`")]
    assert found, f"{name} is not documented"
    return found[0]


@pytest.mark.parametrize("kind", TYPES.values(), ids=list(TYPES))
def test_each_type_and_each_of_its_parameters_is_documented(kind):
    line = row(kind.name)

    assert kind.text in line
    assert f"| {kind.stream or NONE} |" in line
    public = [p for p in kind.parameters if not p.private]
    picks = {p.name for p in public} >= PICK
    assert picks is ("*pick*" in line)
    for parameter in public:
        where = row(parameter.name) if picks and parameter.name in PICK else line
        assert f"`{parameter.name}`" in where, f"{kind.name}: {parameter.name}"
        assert parameter.text in where, f"{kind.name}: {parameter.name}"
        assert all(f"`{choice}`" in where for choice in parameter.choices)


@pytest.mark.parametrize("item", PERSONALITIES.values(), ids=list(PERSONALITIES))
def test_each_personality_is_documented(item):
    line = row(item.name)

    assert item.text in line
    assert all(f"`{key}`" in line for key in item.values)


def test_the_keys_of_rules_and_selectors_are_documented():
    keys = [*RULE_TEXTS, *SELECTOR_TEXTS]

    assert not [key for key in keys if f"| `{key}` |" not in FAULTS]


def test_the_hops_are_documented():
    hops = set(Hop) - {Hop.PROXY}

    assert not [hop for hop in hops if f"`{hop}`" not in FAULTS]


def test_the_keys_of_scenarios_are_documented():
    for key in [*SCENARIO_TEXTS, *STEP_TEXTS, *WHEN_TEXTS]:
        row(key, SCENARIOS)
