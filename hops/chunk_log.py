"""The exact bytes of a connection as events, with secrets painted over.

A secret is known only when its frame is whole: a token may stand in two chunks. So
chunks wait until the decoder has passed them, and what it found is replaced by as many
`*`: lengths stay, and so do the frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hops.masks import paint, paint_behind, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hops.pipe import Direction

__all__ = ["ChunkLog"]

_SHORT = 16  # bytes: what is shorter may stand anywhere by chance


class Told(Protocol):
    """Takes a chunk: direction, bytes, and when it went by."""

    def __call__(self, direction: Direction, data: bytes, when: float, /) -> None: ...


class ChunkLog:
    """Chunks that wait, a queue for each direction."""

    def __init__(self, tell: Told) -> None:
        self._tell = tell
        self._waiting: dict[Direction, bytearray] = {}
        self._sizes: dict[Direction, list[tuple[int, float]]] = {}

    @property
    def waiting(self) -> bool:
        """Whether there is anything to paint over."""
        return bool(self._waiting)

    def add(self, direction: Direction, data: bytes, when: float) -> None:
        """A chunk went by."""
        self._waiting.setdefault(direction, bytearray()).extend(data)
        self._sizes.setdefault(direction, []).append((len(data), when))

    def conceal(
        self, direction: Direction, secrets: Iterable[bytes], *, counted: bool = False
    ) -> None:
        """Paint over what must not be seen in the bytes that wait.

        What is not found as it stands may be cut by frames: then all that waits goes.

        Args:
            counted: short secrets are painted only behind their length, where protobuf
                has them: `1` as a value of the environment also stands in frames.
        """
        waiting = self._waiting.get(direction)
        if not waiting:
            return
        before = bytes(waiting)
        # one may be part of another, or there twice
        for secret in sorted({*secrets} - {b""}, key=len, reverse=True):
            count = bytes([len(secret)]) if len(secret) < _SHORT else b""
            if counted and count and count + secret in before:
                paint_behind(waiting, count, secret)
            elif secret in before:
                paint(waiting, secret)
            else:
                waiting[:] = b"*" * len(waiting)

    def conceal_spans(
        self, direction: Direction, unit: bytes, spans: Iterable[tuple[int, int]]
    ) -> None:
        """Paint over parts of a unit that waits, as (start, end) in it."""
        waiting = self._waiting.get(direction)
        if not waiting:
            return
        start = waiting.rfind(unit)
        if start < 0:
            waiting[:] = b"*" * len(waiting)
            return
        for begin, end in spans:
            waiting[start + begin : start + end] = b"*" * (end - begin)

    def settle(self, direction: Direction) -> None:
        """Nothing that waits can become a secret any more: tell it."""
        sizes = self._sizes.pop(direction, None)
        if not sizes:
            return
        waiting = self._waiting.pop(direction)
        start = 0
        for size, when in sizes:
            self._tell(direction, bytes(waiting[start : start + size]), when)
            start += size

    def give_up(self, direction: Direction) -> None:
        """The end came first: what waits is told as if all of it were secret."""
        waiting = self._waiting.get(direction)
        if waiting:
            waiting[:] = b"*" * len(waiting)
        self.settle(direction)

    def scrub(self, direction: Direction) -> None:
        """What waits is of no known protocol: paint over what looks like a credential."""
        waiting = self._waiting.get(direction)
        if waiting:
            waiting[:] = scrub(bytes(waiting))

    def forget(self) -> None:
        """What waits is not told at all."""
        self._waiting.clear()
        self._sizes.clear()
