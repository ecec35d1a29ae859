"""A toxic as toxiproxy's API shows it, and a rule made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faults.control.errors import INVALID_STREAM, INVALID_TYPE, ApiError
from faults.parameters import RuleError
from faults.rules import RULE_TEXTS, Rule
from faults.speech import check_speech
from faults.types import TYPES, FaultType

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DOWN", "rule_of", "shown", "updated"]

#: The rule that stands for a proxy that is not enabled.
DOWN = "toxiproxy_disabled"


def rule_of(body: Any, hop: str) -> Rule:
    """The rule of a toxic that is to be added.

    Besides toxiproxy's own fields those of our rules are taken, and all our types.

    Raises:
        ApiError: as toxiproxy answers.
    """
    if not isinstance(body, dict):
        raise ApiError.bad_body("an object is expected")
    # Go's decoder does not look at fields that it does not know.
    document = {k: v for k, v in body.items() if k in RULE_TEXTS and k != "hop"}
    # stream/direction.go ParseDirection lowers it.
    stream = str(document.get("stream") or "downstream").lower()
    if stream not in ("upstream", "downstream"):
        raise ApiError(*INVALID_STREAM)
    kind = TYPES.get(str(document.get("type")))
    if kind is None or kind.name == "down":
        raise ApiError(*INVALID_TYPE)
    document["attributes"] = _known(kind, document.get("attributes") or {})
    document["stream"] = stream
    document["name"] = document.get("name") or f"{kind.name}_{stream}"
    try:
        rule = Rule.from_json({**document, "hop": hop})
        check_speech(rule.kind, rule.hop)
    except RuleError as err:
        raise ApiError.bad_body(err) from None
    return rule


def updated(rule: Rule, body: Any) -> Rule:
    """A toxic with other attributes or another toxicity; its other fields stay.

    Raises:
        ApiError: as toxiproxy answers.
    """
    if not isinstance(body, dict):
        raise ApiError.bad_body("an object is expected")
    document = rule.to_json(private=True)
    if body.get("toxicity") is not None:
        document["toxicity"] = body["toxicity"]
    changed = _known(rule.kind, body.get("attributes") or {})
    document["attributes"] = {**document["attributes"], **changed}
    try:
        return Rule.from_json(document)
    except RuleError as err:
        raise ApiError.bad_body(err) from None


def _known(kind: FaultType, attributes: Any) -> dict[str, Any]:
    """The attributes to read: of toxiproxy's own types only those it knows."""
    if not isinstance(attributes, dict):
        raise ApiError.bad_body("attributes: an object is expected")
    if kind.group != "toxic":
        return attributes
    names = [parameter.name for parameter in kind.parameters]
    return {name: value for name, value in attributes.items() if name in names}


def shown(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A toxic as the API shows it; fields of ours only where they are set."""
    toxic = {key: rule[key] for key in ("attributes", "name", "type", "toxicity")}
    # A fault without a direction of its own is listed where toxics are by default.
    toxic["stream"] = "downstream" if rule["stream"] == "both" else rule["stream"]
    for key in ("selector", "seed", "for", "count"):
        if rule.get(key):
            toxic[key] = rule[key]
    return toxic
