"""A rule that is set: how long, how often, and for which connections."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.rules import Rule

__all__ = ["ActiveRule"]


class ActiveRule:
    """A rule that is set, with its counts.

    Attributes:
        until: when it ends, on the clock of `now`; None: it does not.
        connections: how many connections it was for so far.
        hits: how often it has struck.
    """

    def __init__(self, rule: Rule, now: float) -> None:
        self.rule = rule
        self.until = None if rule.seconds is None else now + rule.seconds
        self.connections = 0
        self.hits = 0

    @property
    def spent(self) -> bool:
        """Whether its count is used up."""
        return self.rule.count is not None and self.hits >= self.rule.count

    @property
    def is_down(self) -> bool:
        """Whether it refuses every connection, so that nobody needs to listen."""
        rule = self.rule
        sparing = rule.toxicity < 1 or rule.selector.connection or rule.count
        return rule.kind.name == "down" and not sparing

    def over(self, now: float) -> bool:
        """Whether its time is up."""
        return self.until is not None and now >= self.until

    def strike(self) -> bool:
        """Count one strike; False when it has none left."""
        if self.spent:
            return False
        self.hits += 1
        return True

    def chooses(self) -> int:
        """The number of another connection that it is for, or 0 when it is spared."""
        self.connections += 1
        number = self.connections
        wanted = self.rule.selector.connection
        if wanted and number != wanted:
            return 0
        if self.chance(number, "whether").random() >= self.rule.toxicity:
            return 0
        return number

    def chance(self, number: int, purpose: object) -> random.Random:
        """Chance that comes out the same for a seed and the n-th connection."""
        rule = self.rule
        # Repeatable on purpose, and not used for secrets.
        return random.Random(f"{rule.seed}/{rule.hop}/{rule.name}/{number}/{purpose}")
