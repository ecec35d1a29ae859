"""toxiproxy's toxics, by their names, parameters and units.

Source: Shopify/toxiproxy README "Toxics"; toxics/{latency,bandwidth,slow_close,timeout,
reset_peer,slicer,limit_data}.go for what the README leaves open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faults.actions import End
from faults.byte_fault import ByteFault
from hops.pipe import Delay, Deliver, HalfClose, Reset

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from faults.byte_fault import Actions
    from hops.pipe import Action, Direction

__all__ = [
    "Bandwidth",
    "Down",
    "Latency",
    "LimitData",
    "ResetPeer",
    "Slicer",
    "SlowClose",
    "Timeout",
]

_MS = 1000.0
_MICROSECONDS = 1_000_000.0
_INTERVAL = 100  # ms: bandwidth.go sends pieces of so much


class Latency(ByteFault):
    """Everything comes late and in order."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._due = 0.0  # when what was delayed last is delivered

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Put a delay before the data; what is under way already is not added to it."""
        jitter = self.values["jitter"]
        wanted = self.values["latency"] + self.chance.uniform(-jitter, jitter)
        due = max(now + wanted / _MS, self._due)
        wait = due - max(now, self._due)
        self._due = due
        return [Delay(wait), Deliver(data)] if wait > 0 else [Deliver(data)]


class Bandwidth(ByteFault):
    """So many kilobytes (1000 bytes) pass in a second."""

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Cut into pieces, each after the time it takes."""
        rate = self.values["rate"]  # bytes in a millisecond
        if rate <= 0:
            return []
        size = rate * _INTERVAL
        actions: Actions = []
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            actions += [Delay(len(piece) / rate / _MS), Deliver(piece)]
        return actions


class SlowClose(ByteFault):
    """The end comes late."""

    def end(self, direction: Direction, now: float) -> Actions:
        """Put a delay before the end."""
        return [Delay(self.values["delay"] / _MS), HalfClose()]


class Timeout(ByteFault):
    """Nothing passes; a `timeout` after the last data the connection is closed.

    Taken away, it closes the connection at once: what it dropped is missing.
    """

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._since = now
        self._over = False

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Drop it."""
        self._since = now
        return []

    def deadline(self) -> float | None:
        """None with a timeout of 0: it stays open."""
        if self._over or not self.values["timeout"]:
            return None
        return self._since + float(self.values["timeout"]) / _MS

    def expire(self, now: float) -> Actions:
        """Close."""
        self._over = True
        return [End()]

    def lift(self, now: float) -> Actions:
        """Close."""
        return [] if self._over else [End()]


class ResetPeer(ByteFault):
    """The connection is reset, `timeout` after its first data; that data is dropped."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._begun = False

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Drop it; the first begins the time."""
        if self._begun:
            return []
        self._begun = True
        timeout = self.values["timeout"] / _MS
        return [Delay(timeout), Reset()] if timeout else [Reset()]


class Slicer(ByteFault):
    """Data comes in slices, `delay` microseconds after each other."""

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Cut it."""
        actions: Actions = []
        pause = self.values["delay"] / _MICROSECONDS
        for start, end in self._slices(0, len(data)):
            if actions and pause:
                actions.append(Delay(pause))
            actions.append(Deliver(data[start:end]))
        return actions

    def _slices(self, start: int, end: int) -> list[tuple[int, int]]:
        """slicer.go: cut about in the middle until it is short enough."""
        average = max(1, self.values["average_size"])
        variation = min(self.values["size_variation"], average - 1)
        todo, done = [(start, end)], []
        while todo:
            low, high = todo.pop()
            if high - low - average <= variation:
                done.append((low, high))
                continue
            middle = low + (high - low) // 2
            if variation:
                middle += self.chance.randrange(-variation, variation)
            middle = min(max(middle, low + 1), high - 1)
            todo += [(middle, high), (low, middle)]
        return done


class LimitData(ByteFault):
    """The connection is closed after so many `bytes`."""

    def __init__(
        self, values: Mapping[str, Any], chance: random.Random, now: float
    ) -> None:
        super().__init__(values, chance, now)
        self._left = values["bytes"]
        self._over = False

    def data(self, direction: Direction, data: bytes, now: float) -> Actions:
        """Cut off what is over the limit, and close."""
        if self._over:
            return []
        passed = data[: self._left]
        self._left -= len(passed)
        actions: Actions = [Deliver(passed)] if passed else []
        if not self._left:
            self._over = True
            actions.append(End())
        return actions


class Down(ByteFault):
    """No connection can be made, and those that are open are reset."""

    both = True

    def connecting(self, now: float) -> list[Action]:
        """Refuse."""
        return [Reset()]

    def begin(self, now: float, *, late: bool) -> Actions:
        """Reset."""
        return [Reset()]
