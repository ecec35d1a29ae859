"""Where trace events go: a file, somebody who watches, or several at once."""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from hops.trace import TraceSettings, header

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.trace import Sink, TraceEvent

__all__ = ["JsonLinesSink", "SinkFan", "ViewerSink"]

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class JsonLinesSink:
    """Appends to `DIRECTORY/PROCESS-PID.jsonl`, readable by its owner only.

    What a full disk does not take is lost; when there is room again a line says how much.

    Args:
        defer: runs its argument soon, e.g. `loop.call_soon`; lines are then written
            once a turn of the loop. Without it each line is written at once.
    """

    def __init__(
        self,
        directory: str | Path,
        process: str,
        *,
        settings: TraceSettings | None = None,
        defer: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.settings = settings or TraceSettings()
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        name = process.replace("/", "-")
        self.path = folder / f"{name}-{os.getpid()}.jsonl"
        # Its name can be guessed, and the folder may be one of others, below /tmp say.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self.path, flags, 0o600)
        self._lines = [_ENCODER.encode(header(process, self.settings))]
        self._defer = defer
        self._closed = False
        self._lost = 0
        self._cut = False  # the file ends within a line
        self.flush()

    def emit(self, event: TraceEvent) -> None:
        """Write the event's line, at the latest in the next turn of the loop."""
        if self._closed:
            return
        self._lines.append(event.to_json())
        if self._defer is None:
            self.flush()
        elif len(self._lines) == 1:
            self._defer(self.flush)

    def close(self) -> None:
        """Write what is left and close the file."""
        if not self._closed:
            self.flush()
            self._closed = True
            os.close(self._fd)

    def flush(self) -> None:
        """Write what waits."""
        if self._closed or not self._lines:
            return
        lines, self._lines = self._lines, []
        told = [_lost_line(self._lost)] if self._lost else []
        text = "".join(f"{line}\n" for line in (*told, *lines))
        # what is left of a line that did not find room is nobody's
        data = (("\n" if self._cut else "") + text).encode("utf-8", "replace")
        written = self._write(data)
        whole = data[:written].count(b"\n") - (self._cut and written > 0)
        if whole and told:
            self._lost = 0
        self._lost += len(lines) - max(0, whole - len(told))
        if written:
            self._cut = not data[:written].endswith(b"\n")

    def _write(self, data: bytes) -> int:
        """How much of it the disk has taken: a full one must not stop the traffic."""
        written = 0
        with contextlib.suppress(OSError):
            while written < len(data):
                written += os.write(self._fd, data[written:])
        return written


class ViewerSink:
    """Holds lines for one who watches; when it is slow, events are dropped and counted.

    Args:
        wake: called when there is something to take and nothing was before.
        room: how many events, and how many characters of them, are held.
    """

    def __init__(
        self,
        settings: TraceSettings,
        wake: Callable[[], None],
        *,
        room: int = 10_000,
        room_chars: int = 16 << 20,
    ) -> None:
        self.settings = settings
        self._wake = wake
        self._room = room
        self._room_chars = room_chars
        self._lines: deque[str] = deque()
        self._chars = 0
        self._lost = 0

    def emit(self, event: TraceEvent) -> None:
        """Hold the event, or count it as lost."""
        # What a session is and how it ended has no payload, and has room of its own: a
        # viewer that misses it would wait for it for ever.
        room = self._room if event.len else self._room * 2
        full = self._chars >= self._room_chars and event.len > 0
        if full or len(self._lines) >= room:
            self._lost += 1
            return
        if self._lost:
            self._hold(_lost_line(self._lost))
            self._lost = 0
        self._hold(event.to_json())

    def _hold(self, line: str) -> None:
        self._lines.append(line)
        self._chars += len(line)
        if len(self._lines) == 1:
            self._wake()

    def flush(self) -> None:
        """Its viewer has been woken."""

    def take(self) -> list[str]:
        """The lines that are held; they are held no more."""
        lines = list(self._lines)
        self._lines.clear()
        self._chars = 0
        if self._lost:
            lines.append(_lost_line(self._lost))
            self._lost = 0
        return lines

    def close(self) -> None:
        """Nothing to do."""


def _lost_line(count: int) -> str:
    return f'{{"lost":{count}}}'


class SinkFan:
    """Several sinks as one: each gets as much of an event as it wants."""

    def __init__(self) -> None:
        self._sinks: list[Sink] = []
        self._whole: list[Sink] = []  # those that see events as they are
        self._cut: list[Sink] = []
        self.settings = TraceSettings(data_bytes=0)

    def __bool__(self) -> bool:
        return bool(self._sinks)

    def add(self, sink: Sink) -> None:
        """One more."""
        self._sinks = [*self._sinks, sink]
        self._join_settings()

    def remove(self, sink: Sink) -> None:
        """One less; nothing happens when it is not there."""
        self._sinks = [known for known in self._sinks if known is not sink]
        self._join_settings()

    def _join_settings(self) -> None:
        joined = TraceSettings(data_bytes=0)
        for sink in self._sinks:
            joined = joined.joined(sink.settings)
        self.settings = joined
        self._whole = [sink for sink in self._sinks if sink.settings == joined]
        self._cut = [sink for sink in self._sinks if sink.settings != joined]

    def emit(self, event: TraceEvent) -> None:
        """Give it to all."""
        for sink in self._whole:
            sink.emit(event)
        for sink in self._cut:
            seen = event.cut(sink.settings)
            if seen is not None:
                sink.emit(seen)

    def flush(self) -> None:
        """All of them."""
        for sink in self._sinks:
            sink.flush()

    def close(self) -> None:
        """The sinks are their owners' to close."""
