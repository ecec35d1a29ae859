"""Trace events of what is no connection: a process with its pipes, or a log's file.

The last hop of a session ends in pipes, a terminal or a file, which no Pipe stands in;
whoever moves those bytes tells of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal

from hops.trace import TraceEvent, preview

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hops.hop import Hop
    from hops.trace import Sink

__all__ = ["Narrator"]


class Narrator:
    """Tells the events of one process, or of one file.

    Args:
        identity: names it in traces, as connections are named.
        trace: the session id, or None.
        layer: `process`, or `crilog`.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        hop: Hop,
        identity: str,
        trace: str | None,
        layer: str = "process",
    ) -> None:
        self._sinks = sinks
        self._hop = hop
        self._identity = identity
        self._trace = trace
        self._layer = layer

    def tell(
        self,
        direction: Literal["up", "down", ""],
        kind: str,
        size: int = 0,
        *,
        payload: bytes | None = None,
        **info: Any,
    ) -> None:
        """One event; "up" is towards the process or the file."""
        for sink in self._sinks:
            data, digest = None, None
            if payload:
                data, digest = preview(payload, sink.settings)
            sink.emit(
                TraceEvent(
                    ts=time.monotonic(),
                    hop=str(self._hop),
                    conn=self._identity,
                    dir=direction,
                    layer=self._layer,
                    type=kind,
                    len=size,
                    info=info,
                    trace=self._trace,
                    data=data,
                    hash=digest,
                )
            )
