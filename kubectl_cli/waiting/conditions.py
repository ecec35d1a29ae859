"""--for: what `wait` looks for in an object.

Source: kubernetes/kubectl pkg/cmd/wait/{wait,condition,json}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_cli.errors import CommandError

if TYPE_CHECKING:
    from apimachinery.jsonpath import JsonPath
    from apimachinery.types import JsonObject

__all__ = [
    "Condition",
    "ConditionIs",
    "Created",
    "Deleted",
    "JsonPathIs",
    "parse_condition",
]


@dataclass(frozen=True, slots=True)
class Deleted:
    """The object is gone."""


@dataclass(frozen=True, slots=True)
class Created:
    """The object is there."""


@dataclass(frozen=True, slots=True)
class ConditionIs:
    """status.conditions has this type with this status."""

    name: str
    value: str = "true"

    def met_by(self, obj: JsonObject) -> bool:
        generation = obj["metadata"].get("generation")
        for each in (obj.get("status") or {}).get("conditions") or ():
            if str(each.get("type", "")).lower() != self.name.lower():
                continue
            observed = each.get("observedGeneration")
            if observed is None:
                observed = (obj.get("status") or {}).get("observedGeneration")
            if generation and observed is not None and observed < generation:
                return False  # it speaks of an older state
            return str(each.get("status", "")).lower() == self.value.lower()
        return False


@dataclass(frozen=True, slots=True)
class JsonPathIs:
    """A field exists, or has this value."""

    path: JsonPath
    value: str | None

    def met_by(self, obj: JsonObject) -> bool:
        values = self.path.values(obj)
        if not values:
            return False
        if self.value is None:
            return True
        if len(values) > 1:
            raise CommandError("given jsonpath expression matches more than one value")
        return _matches(values[0], self.value)


Condition = Deleted | Created | ConditionIs | JsonPathIs


def _matches(found: Any, wanted: str) -> bool:
    if isinstance(found, dict | list):
        raise CommandError(
            "jsonpath leads to a nested object or list which is not supported"
        )
    text = str(found).lower() if isinstance(found, bool) else str(found)
    return text == wanted


def parse_condition(text: str) -> Condition:
    """Read one --for."""
    from apimachinery.go_text import quote

    low = text.lower()
    if low == "delete":
        return Deleted()
    if low == "create":
        return Created()
    if text.startswith("condition="):
        name, equals, value = text.removeprefix("condition=").partition("=")
        return ConditionIs(name, value if equals else "true")
    if text.startswith("jsonpath="):
        return _jsonpath(text.removeprefix("jsonpath="))
    raise CommandError(f"unrecognized condition: {quote(text)}")


def _jsonpath(text: str) -> JsonPathIs:
    from apimachinery.jsonpath import JsonPath, JsonPathError, relaxed

    expression, value = _split(text)
    if value == "":
        raise CommandError(
            "jsonpath wait has to have a value after equal sign, like"
            " --for=jsonpath='{.status.readyReplicas}'=3"
        )
    if not expression:
        raise CommandError("jsonpath expression cannot be empty")
    try:
        path = JsonPath(relaxed(expression), allow_missing_keys=True)
    except JsonPathError as error:
        raise CommandError(str(error)) from None
    return JsonPathIs(path, value)


def _split(text: str) -> tuple[str, str | None]:
    """At the first `=` outside brackets; quotes around the value go."""
    depth = 0
    for index, letter in enumerate(text):
        if letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        elif letter == "=" and depth <= 0:
            value = text[index + 1 :]
            if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
                value = value[1:-1]
            return text[:index].strip("'\""), value
    if depth > 0 and "=" in text:
        expression, _, value = text.rpartition("=")
        return expression, value
    return text, None
