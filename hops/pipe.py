"""What happens to a chunk of bytes on a hop: taps look, then faults act. Pure.

A connection has a Pipe only when something looks or acts; without one there is no
object in its path. The same Pipe lives in three hosts: `filter` (asyncio
protocols), the blocking host of the command line, and a unit test.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Action",
    "Delay",
    "Deliver",
    "Direction",
    "Fault",
    "HalfClose",
    "Pipe",
    "Reset",
    "Stall",
    "Tap",
]

logger = logging.getLogger(__name__)


class Direction(StrEnum):
    """Which way bytes go, seen from who dialled."""

    UP = "up"  # from the dialler to the listener: requests
    DOWN = "down"  # back

    @property
    def other(self) -> Direction:
        """The opposite direction."""
        return Direction.DOWN if self is Direction.UP else Direction.UP


@dataclass(frozen=True, slots=True)
class Deliver:
    """Pass these bytes on."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait so many seconds before the actions that follow, in this direction."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HalfClose:
    """End this direction after what was delivered."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Cut the connection at once, both directions."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Deliver nothing more in this direction, and keep the connection."""


Action = Deliver | Delay | HalfClose | Reset | Stall


class Tap(Protocol):
    """Looks at a copy of the bytes. It cannot change them."""

    def connected(self, facts: dict[str, Any], now: float) -> None:
        """The connection stands; facts are addresses and TLS."""

    def bind_session(self, trace_id: str) -> None:
        """The session that the connection belongs to, when its bytes do not say it."""

    def feed(self, direction: Direction, data: bytes, now: float) -> None:
        """Bytes went by."""

    def eof(self, direction: Direction, now: float) -> None:
        """One direction ended."""

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""

    def acted(self, fault: str, direction: Direction, kind: str, now: float) -> None:
        """A fault changed what is delivered."""


class Fault(Protocol):
    """Changes what is delivered. `name` is how it is called in traces.

    One object a connection. The same seed and the same bytes give the same actions.
    """

    name: str

    def act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        """The actions to take instead; `actions` itself when it does nothing."""


class Pipe:
    """The taps and faults of one connection."""

    def __init__(self, taps: Sequence[Tap] = (), faults: Sequence[Fault] = ()) -> None:
        self._taps = list(taps)
        self._faults = list(faults)

    def connected(self, facts: dict[str, Any], now: float) -> None:
        """The connection stands."""
        for tap in tuple(self._taps):
            self._guard(tap, tap.connected, facts, now)

    def bind_session(self, trace_id: str) -> None:
        """Say which session the connection belongs to."""
        for tap in tuple(self._taps):
            self._guard(tap, tap.bind_session, trace_id)

    def feed(self, direction: Direction, data: bytes, now: float) -> list[Action]:
        """What to do with `data`: one `Deliver` of the same bytes, unless faults act."""
        for tap in tuple(self._taps):
            self._guard(tap, tap.feed, direction, data, now)
        return self._act(direction, [Deliver(data)], now)

    def eof(self, direction: Direction, now: float) -> list[Action]:
        """What to do at the end of a direction."""
        for tap in tuple(self._taps):
            self._guard(tap, tap.eof, direction, now)
        return self._act(direction, [HalfClose()], now)

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""
        for tap in tuple(self._taps):
            self._guard(tap, tap.lost, reason, now)

    def _act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        for fault in self._faults:
            changed = fault.act(direction, actions, now)
            if changed is not actions:
                kinds = "+".join(type(action).__name__ for action in changed)
                for tap in tuple(self._taps):
                    self._guard(tap, tap.acted, fault.name, direction, kinds, now)
            actions = changed
        return actions

    def _guard(self, tap: Tap, call: object, *args: object) -> None:
        """A tap that fails is dropped: it must never disturb the traffic."""
        try:
            call(*args)  # type: ignore[operator]  # a bound method of Tap
        except Exception:
            logger.exception("tap failed")
            self._taps.remove(tap)
