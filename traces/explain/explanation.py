"""An explanation, and the table of rules that give them.

A rule is a function of a `Story`: it looks at what happened and says why, or nothing.
Rules do not know of each other, but `refused` comes when no other has a word.
docs/explanations.md lists them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from traces.events import Event
    from traces.explain.story import Story

    Found = Iterator["tuple[Event, str]"]
    Finder = Callable[[Story], Found]

__all__ = ["RULES", "Explanation", "Kind", "Rule", "rule"]

#: A failure ends something; a wait holds it up; a note is good to know.
Kind = Literal["failure", "wait", "note"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason.

    Args:
        rule: the name of the rule that found it.
        text: a sentence or two, without control characters.
        at: the event that shows it.
    """

    rule: str
    kind: Kind
    text: str
    at: Event


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule; `find` answers events with what is to be said of them."""

    name: str
    kind: Kind
    find: Finder


#: All rules by name, in the order of their definition.
RULES: Final[dict[str, Rule]] = {}


def rule(name: str, kind: Kind) -> Callable[[Finder], Finder]:
    """Enter a function into the table."""

    def enter(find: Finder) -> Finder:
        if name in RULES:
            raise ValueError(f"two rules are called {name}")
        RULES[name] = Rule(name, kind, find)
        return find

    return enter
