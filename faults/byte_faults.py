"""Faults on bytes that toxiproxy has not: at an offset, at a chunk, or for idleness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faults.actions import End
from faults.byte_fault import ByteFault
from hops.pipe import Delay, Deliver, Direction, HalfClose, Reset

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from faults.byte_fault import Actions
    from hops.pipe import Action

__all__ = [
    "Coalesce",
    "ConnectDelay",
    "Corrupt",
    "HalfCloseAfter",
    "IdleCut",
    "Stalled",
    "Truncate",
]

_MS = 1000.0


class _AtPosition(ByteFault):
    """Acts at a byte, or where a chunk begins.

    A chunk is what arrived at once. With `chunk` the position is the beginning of the
    n-th, else it is the byte behind the first `after`.
    """

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._seen = 0
        self._chunks = 0
        self._reached = False

    def _split(self, data: bytes) -> tuple[bytes, bytes]:
        """(before the position, from it on); the second is empty until it is reached."""
        if self._reached:
            return b"", data
        self._chunks += 1
        chunk, after = self.values["chunk"], self.values["after"]
        if chunk:
            at = 0 if self._chunks >= chunk else len(data)
        else:
            at = max(0, after - self._seen)
        self._seen += len(data)
        # The byte behind the first n exists only when it comes.
        self._reached = at < len(data)
        return data[:at], data[at:]


class Stalled(_AtPosition):
    """Nothing passes from the position on; taken away, everything does."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._held: Actions = []

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Hold what is behind the position."""
        before, behind = self._split(data)
        if behind:
            self._held.append(Deliver(behind))
            self.held += len(behind)
        return [Deliver(before)] if before else []

    def end(self, direction: Direction, now: float) -> Actions:
        """The end is held, too."""
        if not self._reached:
            return [HalfClose()]
        self._held.append(HalfClose())
        return []

    def lift(self, now: float) -> Actions:
        """Let go."""
        held, self._held = self._held, []
        self.held = 0
        return held


class HalfCloseAfter(_AtPosition):
    """The direction ends at the position; what comes behind it is dropped."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._ended = False

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """End there."""
        before, behind = self._split(data)
        actions: Actions = [Deliver(before)] if before else []
        at_end = not self.values["chunk"] and self._seen >= self.values["after"]
        if (behind or at_end) and not self._ended:
            self._ended = self._reached = True
            actions.append(HalfClose())
        return actions

    def end(self, direction: Direction, now: float) -> Actions:
        """Only once."""
        return [] if self._ended else [HalfClose()]


class Truncate(_AtPosition):
    """So many `bytes` at the position are lost; what follows closes up."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._left = values["bytes"]

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Cut out."""
        if self._reached and not self._left:
            return [Deliver(data)]
        before, behind = self._split(data)
        kept = before + behind[self._left :]
        self._left -= min(self._left, len(behind))
        return [Deliver(kept)] if kept else []


class Corrupt(ByteFault):
    """So many `bytes` behind the first `after` are others; again `every` so many."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._seen = 0

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Change them."""
        changed = bytearray(data)
        for position in self._positions(self._seen, self._seen + len(data)):
            changed[position - self._seen] ^= self.chance.randint(1, 255)
        self._seen += len(data)
        return [Deliver(bytes(changed))]

    def _positions(self, start: int, end: int) -> list[int]:
        first, count = self.values["after"], self.values["bytes"]
        every = self.values["every"]
        if not every:
            return [p for p in range(first, first + count) if start <= p < end]
        begin = max(start, first)
        return [p for p in range(begin, end) if (p - first) % every < count]


class IdleCut(ByteFault):
    """The connection is cut when nothing went either way for `timeout`."""

    both = True

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._last = now
        self._over = False

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Not idle."""
        self._last = now
        return [] if self._over else [Deliver(data)]

    def end(self, direction: Direction, now: float) -> Actions:
        """Of a connection that was cut nobody hears the end."""
        return [] if self._over else [HalfClose()]

    def deadline(self) -> float | None:
        """When it will have been idle for too long."""
        return None if self._over else self._last + self.values["timeout"] / _MS

    def expire(self, now: float) -> Actions:
        """Cut."""
        self._over = True
        match self.values["how"]:
            case "reset":
                return [Reset()]
            case "silent":
                return []
            case _:
                return [End()]


class Coalesce(ByteFault):
    """Data waits until there is enough of it, or until it has waited for long enough."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._held = bytearray()
        self._since = 0.0

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Hold it, or give all."""
        if not self._held:
            self._since = now
        self._held += data
        if len(self._held) < self.values["size"]:
            return []
        return self.lift(now)

    def end(self, direction: Direction, now: float) -> Actions:
        """All, then the end."""
        return [*self.lift(now), HalfClose()]

    def deadline(self) -> float | None:
        """When the oldest byte has waited for long enough."""
        return self._since + self.values["delay"] / _MS if self._held else None

    def expire(self, now: float) -> Actions:
        """All."""
        return self.lift(now)

    def lift(self, now: float) -> Actions:
        """All."""
        held = bytes(self._held)
        self._held.clear()
        return [Deliver(held)] if held else []


class ConnectDelay(ByteFault):
    """It takes so long until the connection stands."""

    both = True

    def connecting(self, now: float) -> list[Action]:
        """Wait."""
        return [Delay(self.values["delay"] / _MS)]
