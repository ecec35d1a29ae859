"""Trace events, and the file they go to: JSON lines, one file a process.

The first line is a header: {"header": 1, "process", "pid", "wall", "mono"}; `wall` is
Unix time at the monotonic time `mono`, so that files of several processes can be
merged. Each other line is one event:

    ts      monotonic seconds (comparable between processes of one machine)
    hop     the edge, e.g. "kubectl-apiserver"
    conn    the connection: process, pid and number
    dir     "up" from who dialled, "down" back, "" of neither
    layer   conn http1 websocket channel remotecommand spdy http2 grpc process raw
    type    what it is, in the words of the layer
    stream  HTTP/2 or SPDY stream, channel, or the number of the request; else null
    len     bytes of payload
    info    facts of the layer, secrets masked
    trace   the session id (`hops.session`), or null
    fault   the name of the fault that made it, or null
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JsonLinesSink", "MemorySink", "Sink", "TraceEvent", "connection_ids"]


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One line of a trace; the fields are those of the file."""

    ts: float
    hop: str
    conn: str
    dir: str
    layer: str
    type: str
    stream: int | None = None
    len: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    trace: str | None = None
    fault: str | None = None

    def to_json(self) -> str:
        """The line, without its end."""
        return _ENCODER.encode(
            {
                "ts": round(self.ts, 6),
                "hop": self.hop,
                "conn": self.conn,
                "dir": self.dir,
                "layer": self.layer,
                "type": self.type,
                "stream": self.stream,
                "len": self.len,
                "info": self.info,
                "trace": self.trace,
                "fault": self.fault,
            }
        )


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Sink(Protocol):
    """Where events go."""

    def emit(self, event: TraceEvent) -> None:
        """Take an event. Must not raise and not block for long."""

    def close(self) -> None:
        """No more events."""


class MemorySink:
    """Keeps events in a list: for tests."""

    def __init__(self) -> None:
        self.events: list[TraceEvent] = []

    def emit(self, event: TraceEvent) -> None:
        """Keep the event."""
        self.events.append(event)

    def close(self) -> None:
        """Nothing to do."""


class JsonLinesSink:
    """Appends to `DIRECTORY/PROCESS-PID.jsonl`, readable by its owner only.

    Args:
        defer: runs its argument soon, e.g. `loop.call_soon`; lines are then written
            once a turn of the loop. Without it each line is written at once.
    """

    def __init__(
        self,
        directory: str | Path,
        process: str,
        *,
        defer: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        name = process.replace("/", "-")
        self.path = folder / f"{name}-{os.getpid()}.jsonl"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self.path, flags, 0o600)
        self._lines: list[str] = [_header(process)]
        self._defer = defer
        self._closed = False
        self._flush()

    def emit(self, event: TraceEvent) -> None:
        """Write the event's line, at the latest in the next turn of the loop."""
        if self._closed:
            return
        self._lines.append(event.to_json())
        if self._defer is None:
            self._flush()
        elif len(self._lines) == 1:
            self._defer(self._flush)

    def close(self) -> None:
        """Write what is left and close the file."""
        if not self._closed:
            self._flush()
            self._closed = True
            os.close(self._fd)

    def _flush(self) -> None:
        if self._closed or not self._lines:
            return
        lines, self._lines = self._lines, []
        data = ("\n".join(lines) + "\n").encode("utf-8", "replace")
        # A full disk must not stop the traffic.
        with contextlib.suppress(OSError):
            os.write(self._fd, data)


def _header(process: str) -> str:
    header = {
        "header": 1,
        "process": process,
        "pid": os.getpid(),
        "wall": time.time(),
        "mono": time.monotonic(),
    }
    return _ENCODER.encode(header)


def connection_ids(process: str) -> Callable[[], str]:
    """Names for connections that no other process of the machine gives."""
    numbers = itertools.count(1)
    return lambda: f"{process}-{os.getpid()}-{next(numbers)}"
