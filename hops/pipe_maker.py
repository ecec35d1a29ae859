"""Makes the Pipe of each new connection while somebody looks or faults are set."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from hops.narrator import Narrator
from hops.pipe import Pipe, Tap
from hops.taps import ConnectionTap
from hops.trace import JsonLinesSink, Sink, connection_ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hops.faults import FaultRule
    from hops.hop import Hop

__all__ = ["PipeMaker"]


class PipeMaker:
    """What a process traces and breaks. Connections that are open keep what they have.

    Attributes:
        rules: the faults, in the order they act.
    """

    def __init__(self, process: str) -> None:
        self._process = process
        self._new_id = connection_ids(process)
        self._numbers: collections.Counter[Hop] = collections.Counter()
        self.rules: list[FaultRule] = []
        self.sink: Sink | None = None

    @property
    def idle(self) -> bool:
        """Whether new connections need no Pipe."""
        return self.sink is None and not self.rules

    def trace_to(
        self,
        directory: str | Path | None,
        *,
        defer: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        """Trace new connections into a folder; None: no more."""
        old, self.sink = self.sink, None
        if old is not None:
            old.close()
        if directory is not None:
            self.sink = JsonLinesSink(directory, self._process, defer=defer)

    def narrator(self, hop: Hop, trace: str | None) -> Narrator | None:
        """Who tells of a process, or None."""
        if self.sink is None:
            return None
        return Narrator(self.sink, hop, self._new_id(), trace)

    def make(self, hop: Hop) -> Pipe | None:
        """The Pipe of a new connection, or None."""
        if self.idle:
            return None
        self._numbers[hop] += 1
        taps: list[Tap] = []
        if self.sink is not None:
            taps.append(ConnectionTap(self.sink, hop, self._new_id()))
        number = self._numbers[hop]
        made = (rule.make(number) for rule in self.rules if rule.hop == hop)
        faults = [fault for fault in made if fault is not None]
        return Pipe(taps, faults) if taps or faults else None
