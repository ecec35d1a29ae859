"""What all connections of one process share: who looks at them, and how many there are."""

from __future__ import annotations

import asyncio
import atexit
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hops.door import Door
    from hops.hop import Hop, Role
    from hops.narrator import Narrator
    from hops.pipe import FaultSource, Pipe
    from hops.pipe_maker import PipeMaker
    from hops.session import TraceParent
    from hops.trace import Sink, TraceSettings

__all__ = ["Hops"]


# How long lines wait for others: a write costs more than a line does.
_WRITE_SECONDS = 0.005


class Hops:
    """One a process. Pass it to everything that dials or listens.

    Args:
        process: the name in traces and logs, e.g. "apiserver" or "kubelet/node-1".
        armed: give each connection a Pipe, so that a trace or a fault that begins
            later reaches it too.
    """

    def __init__(self, process: str, *, armed: bool = True) -> None:
        self.process = process
        #: Whether each new connection gets a Pipe though nobody looks yet.
        self.armed = armed
        # Made when something is to be seen or broken.
        self._maker: PipeMaker | None = None
        self._open: dict[Hop, weakref.WeakSet[asyncio.BaseTransport]] = {}
        self._doors: dict[Hop, weakref.WeakSet[Door]] = {}

    def pipe_for(self, hop: Hop, role: Role) -> Pipe | None:
        """The Pipe for a new connection, or None: then nothing stands in its path."""
        maker = self._maker
        if not self.armed and (maker is None or maker.idle):
            return None
        return self._pipe_maker().make(hop, role)

    def witness(self, hop: Hop, role: Role) -> Pipe | None:
        """A Pipe to tell of what no connection carried; None while nobody looks.

        No fault acts on it.
        """
        maker = self._maker
        return None if maker is None or maker.idle else maker.witness(hop, role)

    def trace_to(
        self,
        directory: str | Path | None,
        settings: TraceSettings | None = None,
        *,
        data_bytes: int | str | None = None,
    ) -> None:
        """Trace into a folder; None: trace no more.

        Args:
            data_bytes: how much of each payload, or "all", in place of the settings'.

        Connections that have a Pipe already, as all have while `armed`, are seen from
        now on; others only when they are new.
        """
        if directory is None and self._maker is None:
            return
        from hops.trace import TraceSettings, parse_bytes

        loop = asyncio.get_running_loop()

        def defer(flush: Callable[[], None]) -> None:
            if loop.is_closed():
                flush()  # the process ends
            else:
                loop.call_later(_WRITE_SECONDS, flush)

        if directory is not None:
            atexit.register(_flush, weakref.ref(self))
        chosen = settings or TraceSettings()
        if data_bytes is not None:
            chosen = replace(chosen, data_bytes=parse_bytes(data_bytes))
        self._pipe_maker().trace_to(directory, chosen, defer=defer)
        self.refresh()

    def add_sink(self, sink: Sink) -> None:
        """Tell one more what goes by, besides the file."""
        self._pipe_maker().add_sink(sink)
        self.refresh()

    def remove_sink(self, sink: Sink) -> None:
        """Tell it no more. It is not closed."""
        self._pipe_maker().remove_sink(sink)

    def set_faults(self, source: FaultSource | None) -> None:
        """Say who knows which connections have which faults; None: none have any.

        As with `trace_to`, connections that have a Pipe get them at once.
        """
        if source is not None or self._maker is not None:
            self._pipe_maker().set_faults(source)
            self.refresh()

    def flush(self) -> None:
        """Write to the trace what went by so far."""
        if self._maker is not None:
            self._maker.flush()

    def refresh(self) -> None:
        """Let open connections see now that taps or faults have changed.

        Without it they see it with their next byte. For a `FaultSource`, after it has
        changed its version.
        """
        if self._maker is not None:
            self._maker.refresh(asyncio.get_running_loop().time())

    def narrator(
        self, hop: Hop, session: TraceParent | None, layer: str = "process"
    ) -> Narrator | None:
        """Who tells of a process or a file behind a hop; None while nobody traces."""
        if self._maker is None:
            return None
        return self._maker.narrator(hop, session.trace_id if session else None, layer)

    def silent(self) -> Hops:
        """The same process without taps and faults: for the far side of a relay."""
        return Hops(self.process)

    def track(self, hop: Hop, transport: asyncio.BaseTransport) -> None:
        """Count a connection as open until its transport closes."""
        self._open.setdefault(hop, weakref.WeakSet()).add(transport)

    def track_door(self, hop: Hop, door: Door) -> None:
        """Know a listening socket, to shut it on demand."""
        self._doors.setdefault(hop, weakref.WeakSet()).add(door)

    async def shut_doors(self, shut: set[Hop]) -> None:
        """Refuse connections on these hops, and accept them on all others."""
        for hop, doors in self._doors.items():
            for door in tuple(doors):
                if hop in shut:
                    door.shut()
                else:
                    await door.open()

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


def _flush(reference: weakref.ref[Hops]) -> None:
    """What was seen in the last moments of a process is written, too."""
    hops = reference()
    if hops is not None:
        hops.flush()
