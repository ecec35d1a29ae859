"""A scenario: steps that set and take away faults, each when it is due.

name: a slow link that breaks
steps:
  - add: {type: latency, name: slow, attributes: {latency: 200}}
  - when: {session: {verb: exec}}
    kill: {process: kubelet}
  - after: 2s
    remove: slow
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faults.parameters import RuleError
from faults.personalities import rules_of
from faults.rules import Rule
from faults.scenarios.conditions import Seen, Time, read_condition
from faults.scenarios.source import load
from faults.speech import check_speech
from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faults.scenarios.source import Located

__all__ = [
    "SCENARIO_TEXTS",
    "STEP_TEXTS",
    "Action",
    "Scenario",
    "Step",
    "read_scenario",
]

#: What a scenario has.
SCENARIO_TEXTS = {
    "name": "what it shows",
    "steps": "the steps, in their order",
    "keep": "true: leave the faults set at the end (default: they are taken away)",
}
#: What a step has: one condition, and any of the rest.
STEP_TEXTS = {
    "at": "due so long after the begin: 1.5, 500ms, 2s, 3m, 1h",
    "after": "due so long after the step before",
    "when": "due when something is seen in the trace",
    "add": "set this fault, or these",
    "personality": "set the faults of this middlebox: NAME, or {name, hop, values}",
    "remove": "take the faults of this name away, or of these",
    "reset": "true: take all faults away",
    "kill": "kill this process: {process, node, of_pod, signal}",
    "say": "print this",
}
_CONDITIONS = ("at", "after", "when")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do: `kind` is a key of a step, `value` what stands there, checked."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Step:
    """A condition, and what is done when it holds."""

    condition: Time | Seen
    actions: tuple[Action, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """See the module."""

    name: str
    steps: tuple[Step, ...]
    keep: bool

    @property
    def watches(self) -> bool:
        """Whether any step waits for the trace."""
        return any(isinstance(step.condition, Seen) for step in self.steps)


def read_scenario(text: str, file: str) -> Scenario:
    """Read and check a scenario.

    Raises:
        ScenarioError: with the line of what is wrong.
    """
    place = load(text, file)
    top = place.mapping("a scenario")
    _check_keys(top, SCENARIO_TEXTS, "a scenario")
    if "steps" not in top:
        raise place.fail("a scenario has steps")
    keep = top.get("keep")
    if keep is not None and not isinstance(keep.value, bool):
        raise keep.fail("keep: true or false is expected")
    return Scenario(
        name=top["name"].text("name") if "name" in top else "",
        steps=tuple(_step(item) for item in top["steps"].items("steps")),
        keep=bool(keep is not None and keep.value),
    )


def _check_keys(
    keys: Mapping[str, Located], known: Mapping[str, str], what: str
) -> None:
    for key, item in keys.items():
        if key not in known:
            raise item.fail(f"{what} has no {key!r}: {', '.join(known)}")


def _step(place: Located) -> Step:
    keys = place.mapping("a step")
    _check_keys(keys, STEP_TEXTS, "a step")
    condition = read_condition(keys)
    actions = []
    for key, item in keys.items():
        if key not in _CONDITIONS:
            actions += _READERS[key](item)
    return Step(condition, tuple(actions), place.line)


def _add(place: Located) -> list[Action]:
    items = place.value if isinstance(place.value, list) else [place]
    actions = []
    for item in items:
        document = item.mapping("add")
        rule = {"hop": str(Hop.KUBECTL_APISERVER), **item.plain()}
        try:
            checked = Rule.from_json(rule)
            check_speech(checked.kind, checked.hop)
        except RuleError as err:
            raise _closest(item, document, str(err)).fail(f"add: {err}") from None
        actions.append(Action("add", rule))
    return actions


def _closest(place: Located, keys: Mapping[str, Located], text: str) -> Located:
    """The value that an error is about, by the words of the error."""
    for key in ("attributes", "selector"):
        if key in keys and isinstance(keys[key].value, dict):
            for name, item in keys[key].mapping(key).items():
                if f"{name!r}" in text or f" {name}:" in text:
                    return item
    for key, item in keys.items():
        if text.startswith(f"{key}:") or f"{key!r}" in text or repr(item.value) in text:
            return item
    return place


def _personality(place: Located) -> list[Action]:
    hop = str(Hop.KUBECTL_APISERVER)
    values: dict[str, Any] = {}
    if isinstance(place.value, str):
        name = place.value
    else:
        keys = place.mapping("personality")
        _check_keys(keys, dict.fromkeys(("name", "hop", "values"), ""), "personality")
        if "name" not in keys:
            raise place.fail("personality: it has a name")
        name = keys["name"].text("name")
        hop = str(keys["hop"].value) if "hop" in keys else hop
        if "values" in keys:
            keys["values"].mapping("values")
            values = keys["values"].plain()
    try:
        documents = rules_of(name, hop, values)
        for document in documents:
            checked = Rule.from_json(document)
            check_speech(checked.kind, checked.hop)
    except RuleError as err:
        raise place.fail(err) from None
    return [Action("add", document) for document in documents]


def _remove(place: Located) -> list[Action]:
    items = place.value if isinstance(place.value, list) else [place]
    return [Action("remove", item.text("remove")) for item in items]


def _reset(place: Located) -> list[Action]:
    if place.value is not True:
        raise place.fail("reset: true is expected")
    return [Action("reset", True)]


def _kill(place: Located) -> list[Action]:
    attributes = {"process": place.value}
    if not isinstance(place.value, str):
        place.mapping("kill")
        attributes = place.plain()
    rule = {
        "type": "kill",
        "hop": str(Hop.KUBECTL_APISERVER),
        "attributes": {**attributes, "when": "now"},
    }
    try:
        Rule.from_json(rule)
    except RuleError as err:
        raise place.fail(err) from None
    return [Action("kill", rule)]


def _say(place: Located) -> list[Action]:
    return [Action("say", place.text("say"))]


_READERS = {
    "add": _add,
    "personality": _personality,
    "remove": _remove,
    "reset": _reset,
    "kill": _kill,
    "say": _say,
}
