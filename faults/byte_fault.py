"""What a fault on bytes is: one object for a direction of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hops.pipe import Deliver, HalfClose

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from faults.actions import End
    from hops.pipe import Action, Direction

    Actions = list[Action | End]

__all__ = ["ByteFault"]


class ByteFault:
    """Changes the bytes of a direction; by itself it changes nothing.

    Args:
        values: the fault's parameters.
        chance: the only source of randomness.
        now: when it begins.

    Attributes:
        both: one object is for both directions of its connection.
        held: how many bytes it holds back.
    """

    both = False
    held = 0

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        self.values = values
        self.chance = chance

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """What to do with bytes that came."""
        return [Deliver(data)]

    def end(self, direction: Direction, now: float) -> Actions:
        """What to do when the direction ends."""
        return [HalfClose()]

    def deadline(self) -> float | None:
        """When it wants to act though nothing comes; None: it does not."""
        return None

    def expire(self, now: float) -> Actions:
        """The deadline has come."""
        return []

    def connecting(self, now: float) -> list[Action]:
        """Before the connection stands; see `hops.pipe.Fault`."""
        return []

    def begin(self, now: float, *, late: bool) -> Actions:
        """The connection stands; `late`: it did before this fault was."""
        return []

    def lift(self, now: float) -> Actions:
        """The fault is taken away: what it holds goes on."""
        return []
