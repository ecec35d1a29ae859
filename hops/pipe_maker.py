"""Makes the Pipe of each new connection, and changes those of open ones."""

from __future__ import annotations

import collections
import weakref
from typing import TYPE_CHECKING

from hops.clock import monotonic
from hops.hop import Hop
from hops.narrator import Narrator
from hops.pipe import ConnectionFacts, Pipe
from hops.taps.queue import DeferredTap, TapQueue
from hops.trace import connection_ids
from hops.trace_sinks import JsonLinesSink, SinkFan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from hops.hop import Role
    from hops.pipe import Fault, FaultSource, Tap
    from hops.trace import Sink, TraceSettings

__all__ = ["PipeMaker"]


class PipeMaker:
    """What a process traces and breaks; the `TapSource` of its pipes.

    Attributes:
        version: changes when there is something to look for, or no more.
    """

    def __init__(self, process: str) -> None:
        self._process = process
        self._new_id = connection_ids(process)
        self._numbers: collections.Counter[Hop] = collections.Counter()
        self._file: Sink | None = None
        self._masked, self._secret = SinkFan(), SinkFan()
        self._queue = TapQueue(self._flush_sinks)
        self._taps: weakref.WeakValueDictionary[tuple[str, bool], DeferredTap]
        self._taps = weakref.WeakValueDictionary()
        self._faults = _Faults()
        self._pipes: weakref.WeakSet[Pipe] = weakref.WeakSet()
        self.version = 0

    @property
    def idle(self) -> bool:
        """Whether nobody looks and nothing is broken."""
        return not self._fans and self._faults.none

    def trace_to(
        self,
        directory: str | Path | None,
        settings: TraceSettings,
        *,
        defer: Callable[[Callable[[], None]], object],
    ) -> None:
        """Trace into a folder; None: no more."""
        old, self._file = self._file, None
        if old is not None:
            self.remove_sink(old)
            old.close()
        if directory is not None:
            self._file = JsonLinesSink(
                directory, self._process, settings=settings, defer=defer
            )
            self.add_sink(self._file)

    def add_sink(self, sink: Sink) -> None:
        """Tell one more what goes by."""
        self.flush()  # what went by before is not for it
        self._fan(sink).add(sink)
        self.version += 1

    def remove_sink(self, sink: Sink) -> None:
        """Tell it no more."""
        self.flush()
        self._fan(sink).remove(sink)
        self.version += 1

    def flush(self) -> None:
        """Let everybody know now what went by so far."""
        self._queue.run()

    def _flush_sinks(self) -> None:
        for fan in self._fans:
            fan.flush()

    def set_faults(self, source: FaultSource | None) -> None:
        """Say who knows the faults; None: there are none."""
        self._faults.replace(source)

    def _fan(self, sink: Sink) -> SinkFan:
        # What is masked for one must not be unmasked for another: a tap for each kind.
        return self._secret if sink.settings.secrets else self._masked

    @property
    def _fans(self) -> list[SinkFan]:
        return [fan for fan in (self._masked, self._secret) if fan]

    def narrator(self, hop: Hop, trace: str | None, layer: str) -> Narrator | None:
        """Who tells of a process or a file, or None."""
        fans = self._fans
        return Narrator(fans, hop, self._new_id(), trace, layer) if fans else None

    def make(self, hop: Hop, role: Role) -> Pipe:
        """The Pipe of a new connection."""
        self._numbers[hop] += 1
        connection = ConnectionFacts(
            hop, self._numbers[hop], self._process, role, self._new_id()
        )
        pipe = Pipe(connection=connection, taps_from=self, faults_from=self._faults)
        self._pipes.add(pipe)
        return pipe

    def witness(self, hop: Hop, role: Role) -> Pipe:
        """A Pipe that is only fed: of an exchange that went over no connection."""
        connection = ConnectionFacts(hop, 0, self._process, role, self._new_id())
        return Pipe(connection=connection, taps_from=self)

    def refresh(self, now: float) -> None:
        """Let every open connection see what has changed, before its next byte."""
        for pipe in tuple(self._pipes):
            pipe.refresh(now)

    def taps_for(self, connection: ConnectionFacts) -> Sequence[Tap]:
        """A tap for all who see masked events, and one for those who see secrets."""
        fans = self._fans
        if connection.hop in _KEPT_UP and self._masked not in fans:
            fans.append(self._masked)
        return [self._tap(connection, fan) for fan in fans]

    def _tap(self, connection: ConnectionFacts, fan: SinkFan) -> DeferredTap:
        # Loaded now: the decoders are many, and most processes never need them.
        from hops.taps.connection import ConnectionTap

        key = connection.conn, fan is self._secret
        known = self._taps.get(key)
        if known is not None:
            self._set_voice(known.tap, fan)
            return known
        other = self._taps.get((connection.conn, fan is not self._secret))
        if other is not None and isinstance(other.tap, ConnectionTap):
            self._queue.run()  # it knows then all that went by
            tap = other.tap.fork(fan, monotonic())
        else:
            tap = ConnectionTap(fan, connection.hop, connection.conn, muted=not fan)
        made = self._taps[key] = DeferredTap(self._queue, tap)
        return made

    def _set_voice(self, tap: Tap, fan: SinkFan) -> None:
        """A tap that is kept up without anybody listening gets its voice back."""
        from hops.taps.connection import ConnectionTap

        if not isinstance(tap, ConnectionTap):
            return
        if fan:
            tap.unmute(monotonic())
        else:
            tap.mute()


#: Hops of HTTP/2, whose headers refer to earlier ones: they are read from the begin,
#: so that a trace can begin at any time.
_KEPT_UP = frozenset({Hop.KUBELET_CRI, Hop.APISERVER_ETCD})


class _Faults:
    """The faults of a process, whoever says at the moment which they are."""

    def __init__(self) -> None:
        self._source: FaultSource | None = None
        self._changes = 0

    def replace(self, source: FaultSource | None) -> None:
        self._source = source
        self._changes += 1

    @property
    def none(self) -> bool:
        return self._source is None

    @property
    def version(self) -> int:
        own = 0 if self._source is None else self._source.version
        return self._changes << 32 | own

    def faults_for(self, connection: ConnectionFacts) -> Sequence[Fault]:
        return () if self._source is None else self._source.faults_for(connection)
