"""All rules applied to one session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from traces.explain import (  # noqa: F401 - they enter their rules into the table
    access,
    chaos,
    ending,
    forwarding,
    handshake,
    logs,
    process,
    waits,
)
from traces.explain.explanation import RULES, Explanation
from traces.explain.story import Story
from traces.printable import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traces.events import Event

__all__ = ["explain"]

#: The rule for what no other has a word about.
_LAST = "refused"


def explain(events: Iterable[Event], now: float | None = None) -> list[Explanation]:
    """Why the session waited or failed, in the order of the events that show it.

    Args:
        events: of one session, in any order.
        now: monotonic time, while the session may still go on: what it waits for is
            then told, too.
    """
    story = Story(events, now)
    found = [one for name in RULES if name != _LAST for one in _by(name, story)]
    if not found:
        found = _by(_LAST, story)
    found.sort(key=lambda one: (one.at.wall, one.at.seq))
    # a client that tries again fails for the same reason
    return list({(one.rule, one.text): one for one in reversed(found)}.values())[::-1]


def _by(name: str, story: Story) -> list[Explanation]:
    rule = RULES[name]
    return [
        Explanation(rule.name, rule.kind, plain(text), event)
        for event, text in rule.find(story)
    ]
