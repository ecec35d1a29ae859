"""--for of wait."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_cli.errors import CommandError
from kubectl_cli.waiting.conditions import (
    ConditionIs,
    Created,
    Deleted,
    JsonPathIs,
    parse_condition,
)


def pod(status: str = "True", **more: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, **more}
    return {
        "metadata": {"generation": 2},
        "status": {"phase": "Running", "conditions": [condition], "ready": True},
    }


def test_words_stand_for_conditions() -> None:
    assert parse_condition("delete") == Deleted()
    assert parse_condition("create") == Created()
    assert parse_condition("condition=Ready") == ConditionIs("Ready", "true")
    assert parse_condition("condition=Ready=False") == ConditionIs("Ready", "False")


@pytest.mark.parametrize(
    ("text", "obj", "met"),
    [
        ("condition=Ready", pod(), True),
        ("condition=ready=TRUE", pod(), True),
        ("condition=Ready", pod("False"), False),
        ("condition=Ready=False", pod("False"), True),
        ("condition=Other", pod(), False),
        ("condition=Ready", pod(observedGeneration=1), False),
        ("condition=Ready", pod(observedGeneration=2), True),
        ("jsonpath={.status.phase}=Running", pod(), True),
        ("jsonpath={.status.phase}='Running'", pod(), True),
        ("jsonpath='{.status.phase}'=Running", pod(), True),
        ("jsonpath=.status.phase=Running", pod(), True),
        ("jsonpath={.status.phase}=Failed", pod(), False),
        ("jsonpath={.status.phase}", pod(), True),
        ("jsonpath={.status.nosuch}", pod(), False),
        ("jsonpath={.status.ready}=true", pod(), True),
        (
            'jsonpath={.status.conditions[?(@.type=="Ready")].status}=True',
            pod(),
            True,
        ),
    ],
)
def test_conditions_are_met_or_not(text: str, obj: dict[str, Any], met: bool) -> None:
    condition = parse_condition(text)

    assert isinstance(condition, ConditionIs | JsonPathIs)
    assert condition.met_by(obj) is met


def test_others_are_refused() -> None:
    with pytest.raises(CommandError, match='unrecognized condition: "foo"'):
        parse_condition("foo")
