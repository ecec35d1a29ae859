"""The taints of nodes: read from a command line, and what becomes of those there are.

Source: kubernetes/kubectl pkg/cmd/taint/utils.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from apimachinery.validation.names import label_value, qualified_name
from kubectl_cli.changes import raise_all
from kubectl_cli.errors import CommandError, UsageError
from wire.records import dataclass

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["Taint", "TaintChanges"]

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


@dataclass(frozen=True, slots=True)
class Taint:
    """One taint; to remove one, the value does not count, and maybe not the effect."""

    key: str
    value: str
    effect: str

    def matches(self, taint: JsonObject) -> bool:
        """Whether it is this one; without an effect, whatever the effect."""
        return taint["key"] == self.key and self.effect in ("", taint["effect"])

    def __str__(self) -> str:
        return f"{self.key}:{self.effect}" if self.effect else self.key

    def to_json(self) -> JsonObject:
        value = {"value": self.value} if self.value else {}
        return {"key": self.key, **value, "effect": self.effect}


class TaintChanges:
    """Taints to add, and taints to remove."""

    def __init__(self, texts: list[str]) -> None:
        """Read `key=value:effect`, `key:effect-`, `key-`.

        Raises:
            UsageError: one cannot be read.
        """
        self._added: list[Taint] = []
        self._removed: list[Taint] = []
        for text in texts:
            taint = _parse(text.removesuffix("-"))
            if text.endswith("-"):
                self._removed.append(taint)
                continue
            if not taint.effect:
                raise _usage(f"invalid taint spec: {text}")
            if any(taint.matches(each.to_json()) for each in self._added):
                shown = f"{{{taint.key} {taint.value} {taint.effect} <nil>}}"
                raise _usage(f"duplicated taints with the same key and effect: {shown}")
            self._added.append(taint)

    def check(self) -> None:
        """Refuse to add and to remove the same."""
        both = [
            f"{old.key}={old.effect}"
            for new in self._added
            for old in self._removed
            if old.matches(new.to_json())
        ]
        if both:
            raise CommandError(
                "can not both modify and remove the following taint(s) in the same"
                f" command: {', '.join(both)}"
            )

    def apply(
        self, name: str, present: list[JsonObject], *, overwrite: bool
    ) -> tuple[list[JsonObject], str]:
        """The taints that the node `name` shall have, and what has been done to it."""
        there = [t.key for t in self._added for o in present if t.matches(o)]
        if there and not overwrite:
            raise CommandError(
                f"node {name} already has {','.join(there)} taint(s) with same effect(s)"
                " and --overwrite is false"
            )
        kept = [o for o in present if not any(t.matches(o) for t in self._added)]
        taints = [taint.to_json() for taint in self._added] + kept
        added = len(taints) != len(present)
        missing: list[Exception] = []
        for taint in self._removed:
            left = [each for each in taints if not taint.matches(each)]
            if len(left) == len(taints):
                missing.append(CommandError(f"taint {quote(str(taint))} not found"))
            taints = left
        raise_all(missing)
        if overwrite or (added and self._removed):
            return taints, "modified"
        return taints, "tainted" if added else "untainted"


def _parse(text: str) -> Taint:
    """`key=value:effect`, `key:effect` or `key`."""
    pair, colon, effect = text.partition(":")
    key, equals, value = pair.partition("=")
    if ":" in effect:
        raise _usage(f"invalid taint spec: {text}")
    if not colon:
        key, equals, value = text, "", ""
    elif effect not in _EFFECTS:
        raise _usage(f"invalid taint effect: {effect}, unsupported taint effect")
    if "=" in value:
        raise _usage(f"invalid taint spec: {text}")
    problems = (label_value(value) if equals else []) or qualified_name(key)
    if problems:
        raise _usage(f"invalid taint spec: {text}, {'; '.join(problems)}")
    return Taint(key, value, effect)


def _usage(text: str) -> UsageError:
    return UsageError(text, "kubectl taint")
