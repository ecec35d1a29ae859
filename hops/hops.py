"""What all connections of one process share: who looks at them, and how many there are."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from hops.faults import FaultRule
    from hops.hop import Address, Hop
    from hops.narrator import Narrator
    from hops.pipe import Pipe
    from hops.pipe_maker import PipeMaker
    from hops.session import TraceParent

__all__ = ["Hops", "Role"]

#: Which end of a connection this process is.
Role = Literal["client", "server"]


class Hops:
    """One a process. Pass it to everything that dials or listens.

    Args:
        process: the name in traces and logs, e.g. "apiserver" or "kubelet/node-1".
    """

    def __init__(self, process: str) -> None:
        self.process = process
        # Made when something is to be seen or broken: the decoders are not loaded,
        # and no Pipe stands in any path, before that.
        self._maker: PipeMaker | None = None
        self._open: dict[Hop, weakref.WeakSet[asyncio.BaseTransport]] = {}

    def pipe_for(self, hop: Hop, role: Role, peer: Address | None) -> Pipe | None:
        """The Pipe for a new connection, or None: then nothing stands in its path."""
        return None if self._maker is None else self._maker.make(hop)

    def trace_to(self, directory: str | Path | None) -> None:
        """Trace connections made from now on into a folder; None: trace no more."""
        if directory is None and self._maker is None:
            return
        loop = asyncio.get_running_loop()
        self._pipe_maker().trace_to(directory, defer=loop.call_soon)
        self._drop_idle_maker()

    def set_faults(self, rules: list[FaultRule]) -> None:
        """Replace the faults; they act on connections made from now on."""
        if rules or self._maker is not None:
            self._pipe_maker().rules = list(rules)
            self._drop_idle_maker()

    def narrator(self, hop: Hop, session: TraceParent | None) -> Narrator | None:
        """Who tells of a process at the end of a hop; None while nobody traces."""
        if self._maker is None:
            return None
        return self._maker.narrator(hop, session.trace_id if session else None)

    def silent(self) -> Hops:
        """The same process without taps and faults: for the far side of a relay."""
        return Hops(self.process)

    def track(self, hop: Hop, transport: asyncio.BaseTransport) -> None:
        """Count a connection as open until its transport closes."""
        self._open.setdefault(hop, weakref.WeakSet()).add(transport)

    def open_connections(self) -> dict[str, int]:
        """How many connections are open, by hop."""
        counts = {
            str(hop): sum(not transport.is_closing() for transport in transports)
            for hop, transports in self._open.items()
        }
        return {hop: count for hop, count in counts.items() if count}

    def _pipe_maker(self) -> PipeMaker:
        if self._maker is None:
            from hops.pipe_maker import PipeMaker

            self._maker = PipeMaker(self.process)
        return self._maker

    def _drop_idle_maker(self) -> None:
        if self._maker is not None and self._maker.idle:
            self._maker = None
