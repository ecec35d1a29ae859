"""Tells in traces how the file of a container's log is read for a session.

The file is the end of the path of `kubectl logs`, as the process is that of exec. It
belongs to the hop between kubelet and runtime: the runtime says where it lies, and
writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.hops import Hops
    from hops.narrator import Narrator
    from hops.session import TraceParent

__all__ = ["LogWitness"]


class LogWitness:
    """One reading of a log. A trace that begins meanwhile is told what is read then.

    Call it in the thread of the event loop.
    """

    def __init__(self, hops: Hops, session: TraceParent | None) -> None:
        self._new_narrator: Callable[[], Narrator | None] = lambda: hops.narrator(
            Hop.KUBELET_CRI, session, "crilog"
        )
        self._narrator: Narrator | None = None
        self._file = ""
        self._bytes = 0

    def opened(self, file: str, offset: int) -> None:
        """The log is read from here on; `offset` bytes of the file are left out."""
        self._file = file
        if (narrator := self._new_narrator()) is not None:
            self._narrator = narrator
            narrator.tell("", "opened", file=file, offset=offset)

    def read(self, block: bytes) -> None:
        """A block came out of the file."""
        self._bytes += len(block)
        if (narrator := self._found()) is not None:
            narrator.tell("down", "records", len(block), payload=block)

    def rotated(self, file: str) -> None:
        """The file before was read to its end, this is the next."""
        self._file = file
        if (narrator := self._found()) is not None:
            narrator.tell("", "rotated", file=file)

    def closed(self) -> None:
        """Nothing more is read."""
        if (narrator := self._found()) is not None:
            narrator.tell("", "closed", bytes=self._bytes)

    def _found(self) -> Narrator | None:
        if self._narrator is None and (narrator := self._new_narrator()) is not None:
            self._narrator = narrator
            narrator.tell("", "opened", file=self._file, late=True)
        return self._narrator
