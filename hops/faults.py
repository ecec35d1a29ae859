"""Faults on bytes: what goes wrong on a hop on purpose, repeatably.

Names and parameters are those of toxiproxy's toxics (milliseconds, bytes), so that
what people know holds here too. A new fault is a small class in `FAULTS`.

Source: Shopify/toxiproxy README, toxics/{latency,reset_peer,limit_data}.go.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hops.pipe import Action, Delay, Deliver, Direction, Fault, HalfClose, Reset, Stall

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hops.hop import Hop
    from hops.pipe import ConnectionFacts

__all__ = ["FAULTS", "FaultRule", "FaultRules", "Latency", "LimitData", "ResetPeer"]


class Latency:
    """`latency`: everything comes late, in order; `jitter` adds or takes up to that."""

    name = "latency"

    def __init__(
        self, chance: random.Random, latency: float = 0, jitter: float = 0
    ) -> None:
        self._chance = chance
        self._latency = latency
        self._jitter = jitter
        self._due = 0.0  # when what was delayed last is delivered

    def act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        """Put a delay before the data; what is under way already is not added to it."""
        jitter = self._chance.uniform(-self._jitter, self._jitter)
        due = max(now + (self._latency + jitter) / 1000, self._due)
        wait = due - max(now, self._due)
        self._due = due
        return [Delay(wait), *actions] if wait > 0 else actions


class ResetPeer:
    """`reset_peer`: the connection is cut `timeout` ms after its first byte."""

    name = "reset_peer"

    def __init__(self, chance: random.Random, timeout: float = 0) -> None:
        self._timeout = timeout
        self._begun = False

    def act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        """Cut at once, or let pass what comes before the time is over."""
        if self._timeout <= 0:
            return [Reset()]
        if self._begun:
            return actions
        self._begun = True
        return [*actions, Delay(self._timeout / 1000), Reset()]


class LimitData:
    """`limit_data`: the direction ends after so many `bytes`."""

    name = "limit_data"

    def __init__(self, chance: random.Random, bytes: int = 0) -> None:
        self._left = bytes
        self._ended = False

    def act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        """Cut what is over the limit off."""
        size = sum(len(a.data) for a in actions if isinstance(a, Deliver))
        if not self._ended and size <= self._left:
            self._left -= size
            return actions
        return self._cut(actions)

    def _cut(self, actions: list[Action]) -> list[Action]:
        if self._ended:
            return []
        self._ended = True
        kept: list[Action] = []
        for action in actions:
            if isinstance(action, Deliver):
                action = Deliver(action.data[: self._left])
                self._left -= len(action.data)
            kept.append(action)
        return [*kept, HalfClose(), Stall()]


FAULTS: dict[str, Callable[..., Fault]] = {
    kind.name: kind for kind in (Latency, ResetPeer, LimitData)
}


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Which connections get which fault.

    Args:
        direction: None: both.
        probability: the share of connections, decided by the seed.
    """

    hop: Hop
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    direction: Direction | None = None
    probability: float = 1.0
    seed: int = 0

    def make(self, number: int) -> Fault | None:
        """The fault for the n-th connection of the hop, or None when it is spared.

        Raises:
            KeyError: no such fault. TypeError: no such parameter.
        """
        chance = self._chance(number, "whether")
        if chance.random() >= self.probability:
            return None
        ways = list(Direction) if self.direction is None else [self.direction]
        kind = FAULTS[self.name]
        faults = {
            way: kind(self._chance(number, way), **self.parameters) for way in ways
        }
        return _Directed(self.name, faults)

    def _chance(self, number: int, purpose: str) -> random.Random:
        # Repeatable on purpose, and not used for secrets.
        return random.Random(f"{self.seed}/{self.hop}/{self.name}/{number}/{purpose}")


class FaultRules:
    """A list of rules, as `Hops.set_faults` takes it."""

    version = 0

    def __init__(self, rules: Sequence[FaultRule]) -> None:
        self._rules = tuple(rules)

    def faults_for(self, connection: ConnectionFacts) -> Sequence[Fault]:
        """What the rules of its hop make."""
        rules = [rule for rule in self._rules if rule.hop == connection.hop]
        made = [rule.make(connection.number) for rule in rules]
        return [fault for fault in made if fault is not None]


class _Directed:
    """Each direction has a fault of its own, or none."""

    def __init__(self, name: str, faults: dict[Direction, Fault]) -> None:
        self.name = name
        self._faults = faults

    def act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        """As the fault of that direction acts."""
        fault = self._faults.get(direction)
        return actions if fault is None else fault.act(direction, actions, now)
