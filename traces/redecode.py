"""Bytes to events again: the same decoders for what was recorded and for what is live."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hops.hop import Hop
from hops.pipe import Direction
from hops.taps.connection import ConnectionTap
from hops.trace import ALL_BYTES, MemorySink, TraceSettings
from traces.events import Event
from traces.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hops.trace import TraceEvent
    from traces.recording import Recorded

__all__ = ["Decoding", "decoded"]


class Decoding:
    """Connections that are decoded while their bytes go by; all are one session."""

    def __init__(self, hop: str, process: str) -> None:
        self._hop = Hop(hop)
        self._process = process
        self._sink = MemorySink(TraceSettings(data_bytes=ALL_BYTES))
        self._number = 0
        self._offset = time.time() - time.monotonic()

    def connection(self) -> ConnectionTap:
        """A tap for one more connection; feed it with monotonic times."""
        self._number += 1
        return ConnectionTap(self._sink, self._hop, f"{self._process}-{self._number}")

    def session(self, id_: str) -> Session:
        """What was seen until now."""
        session = Session(id_)
        events = (e for e in self._sink.events if e.layer != "bytes")
        for seq, event in enumerate(sorted(events, key=lambda event: event.ts)):
            session.add(self._event(event, seq))
        return session

    def _event(self, event: TraceEvent, seq: int) -> Event:
        return Event(
            ts=event.ts,
            hop=event.hop,
            conn=event.conn,
            dir=event.dir,
            layer=event.layer,
            type=event.type,
            stream=event.stream,
            channel=event.channel,
            len=event.len,
            info=event.info,
            data=event.data,
            hash=event.hash,
            trace=event.trace,
            fault=event.fault,
            process=self._process,
            wall=event.ts + self._offset,
            seq=seq,
        )


def decoded(connections: Iterable[Recorded], hop: str) -> Session:
    """What the recorded connections say, decoded as live ones are."""
    decoding = Decoding(hop, "recorded")
    for connection in connections:
        tap = decoding.connection()
        start = connection.chunks[0].wall
        for chunk in connection.chunks:
            now = time.monotonic() + chunk.wall - start
            match chunk.kind:
                case "open":
                    tap.connected({}, now)
                case "up" | "down":
                    tap.feed(Direction(chunk.kind), chunk.data, now)
                case "up eof" | "down eof":
                    tap.eof(Direction(chunk.kind.split()[0]), now)
                case "close":
                    tap.lost("", now)
    return decoding.session("recorded")
