"""The exact bytes of a connection as events, with secrets painted over.

A secret is known only when its frame is whole: a token may stand in two chunks. So
chunks wait until the decoder has passed them, and what it found is replaced by as many
`*`: lengths stay, and so do the frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hops.taps.masks import paint_spans, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hops.pipe import Direction

__all__ = ["ChunkLog"]

_SHORT = 16  # bytes: as many hexadecimal digits a chunk size may have


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

    def add(self, direction: Direction, data: bytes | memoryview, when: float) -> None:
        """A chunk went by."""
        self._waiting.setdefault(direction, bytearray()).extend(data)
        self._sizes.setdefault(direction, []).append((len(data), when))

    def conceal_spans(
        self, direction: Direction, unit: bytes, spans: Iterable[tuple[int, int]]
    ) -> None:
        """Paint over parts of a unit that waits, as (start, end) in it.

        Where frames cut the unit it is not found as it stands: then all that waits goes.
        """
        waiting = self._waiting.get(direction)
        if not waiting:
            return
        start = waiting.rfind(unit)
        if start < 0:
            waiting[:] = b"*" * len(waiting)
            return
        waiting[start : start + len(unit)] = paint_spans(unit, spans)

    def conceal_pieces(
        self, direction: Direction, region: int, behind: int, pieces: Iterable[bytes]
    ) -> None:
        """Paint over pieces, in their order, in `region` bytes that end `behind` the end.

        What stands between them are chunk sizes. A piece so short that it may look like
        one takes the whole region along.
        """
        waiting = self._waiting.get(direction)
        if not waiting:
            return
        end = len(waiting) - behind
        position = end - region
        for piece in pieces:
            found = waiting.find(piece, position, end) if len(piece) > _SHORT else -1
            if found < 0:
                waiting[end - region : end] = b"*" * region
                return
            position = found + len(piece)
            waiting[found:position] = b"*" * len(piece)

    def conceal_end(self, direction: Direction, size: int, behind: int) -> None:
        """Paint over the `size` bytes before the last `behind` of what waits."""
        waiting = self._waiting.get(direction)
        if waiting:
            end = len(waiting) - behind
            start = max(0, end - size)
            waiting[start:end] = b"*" * (end - start)

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
