"""Copying between a container's own streams, its log, and those attached to it.

Back-pressure is containerd's: a container's output waits for its slowest attached client, its
log included, and nobody loses anything. Who leaves no longer counts.
"""

from __future__ import annotations

import errno
import os

from cri_runtime.shim.loop import HANG_UP, READ, WRITE, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Input", "Output", "Sink"]

CHUNK = 64 * 1024
PIPE_MAX = 1024 * 1024


def read_some(descriptor: int) -> bytes | None:
    """What is there to read; empty at the end, None when there is nothing yet.

    EIO is how a terminal's master says that all slaves are closed.
    """
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno == errno.EIO:
            return b""
        raise


class Sink:
    """One attached client's copy of an output stream: a pipe that may be full, or left."""

    # More than this is waiting: ask the source to pause.
    HIGH_WATER = 256 * 1024

    def __init__(self, loop: Loop, descriptor: int) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._waiting = bytearray()
        self._ending = False
        self.closed = False
        self.on_relief: Callable[[], None] = lambda: None
        os.set_blocking(descriptor, False)
        loop.register(descriptor, HANG_UP, self._on_event)

    @property
    def congested(self) -> bool:
        """Whether the client is too slow for what comes."""
        return len(self._waiting) > self.HIGH_WATER

    def write(self, data: bytes) -> None:
        """Pass data on, now or as soon as there is room."""
        if self.closed or self._ending:
            return
        if not self._waiting:
            data = data[self._try_write(data) :]
        if data and not self.closed:
            self._waiting += data
            self._loop.modify(self._descriptor, WRITE)

    def end(self) -> None:
        """Close once all is written."""
        self._ending = True
        if not self._waiting:
            self._close()

    def _try_write(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:
            # EPIPE: the client has left
            self._close()
            return 0

    def _on_event(self, events: int) -> None:
        if not events & WRITE:
            self._close()
            return
        del self._waiting[: self._try_write(self._waiting)]
        if self.closed:
            return
        if not self._waiting:
            if self._ending:
                self._close()
            else:
                self._loop.modify(self._descriptor, HANG_UP)
        if not self.congested:
            self.on_relief()

    def _close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._waiting.clear()
        self._loop.unregister(self._descriptor)
        os.close(self._descriptor)
        self.on_relief()


class Output:
    """One output stream of a container, copied to its log and to the sinks of the moment."""

    def __init__(
        self, loop: Loop, descriptor: int, log: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._log = log
        self._sinks: list[Sink] = []
        self._reading = True
        self.ended = False
        os.set_blocking(descriptor, False)
        loop.register(descriptor, READ, self._on_event)

    def add(self, sink: Sink) -> None:
        """Copy to this client too, from now on."""
        if self.ended:
            sink.end()
            return
        sink.on_relief = self._review
        self._sinks.append(sink)

    def finish(self) -> None:
        """All writers are gone: take what is left, and end.

        What is left fits a pipe, 1 MiB at most; so a writer that got away cannot keep us here.
        """
        for _ in range(PIPE_MAX // CHUNK + 1):
            if self.ended or not (data := read_some(self._descriptor)):
                break
            self._pass_on(data)
        self._end()

    def _on_event(self, _events: int) -> None:
        data = read_some(self._descriptor)
        if data:
            self._pass_on(data)
            self._review()
        elif data is not None:
            self._end()

    def _pass_on(self, data: bytes) -> None:
        self._log(data)
        for sink in self._sinks:
            sink.write(data)

    def _review(self) -> None:
        """Read on, or wait for the slowest."""
        self._sinks = [sink for sink in self._sinks if not sink.closed]
        if not self.ended:
            busy = any(sink.congested for sink in self._sinks)
            self._set_reading(not busy)

    def _set_reading(self, wanted: bool) -> None:
        if wanted == self._reading:
            return
        self._reading = wanted
        if wanted:
            self._loop.register(self._descriptor, READ, self._on_event)
        else:
            self._loop.unregister(self._descriptor)

    def _end(self) -> None:
        if self.ended:
            return
        self.ended = True
        self._loop.unregister(self._descriptor)
        os.close(self._descriptor)
        for sink in self._sinks:
            sink.end()


class Input:
    """A container's stdin, fed by those who attached with stdin.

    When the container reads no more, what comes is thrown away: its end is no news for those
    who are attached.
    """

    def __init__(self, loop: Loop, descriptor: int) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._waiting = bytearray()
        self._sources: dict[int, Callable[[], None]] = {}
        self._ending = False
        self.closed = False
        os.set_blocking(descriptor, False)
        loop.register(descriptor, HANG_UP, self._on_event)

    def add(self, source: int, on_end: Callable[[], None]) -> None:
        """Take input from this pipe too; `on_end` is called when it has ended."""
        os.set_blocking(source, False)
        self._sources[source] = on_end
        if not self._waiting:
            self._listen(source)

    def end(self) -> None:
        """Close once all is written: the container reads end-of-file."""
        self._ending = True
        if not self._waiting:
            self._close()

    def finish(self) -> None:
        """The container is gone: let go of everything, without calling anybody."""
        self._close()
        for source in self._sources:
            self._loop.unregister(source)
            os.close(source)
        self._sources.clear()

    def _listen(self, source: int) -> None:
        self._loop.register(source, READ, lambda _events: self._on_source(source))

    def _on_source(self, source: int) -> None:
        data = read_some(source)
        if data is None:
            return
        if not data:
            on_end = self._sources.pop(source)
            self._loop.unregister(source)
            os.close(source)
            on_end()
        elif not (self.closed or self._ending):
            self._waiting += data
            self._flush()
            if self._waiting:
                self._pause()

    def _pause(self) -> None:
        for source in self._sources:
            self._loop.unregister(source)
        self._loop.modify(self._descriptor, WRITE)

    def _resume(self) -> None:
        for source in self._sources:
            self._loop.unregister(source)
            self._listen(source)

    def _on_event(self, events: int) -> None:
        if not events & WRITE:
            self._close()
            return
        self._flush()
        if self.closed or self._waiting:
            return
        if self._ending:
            self._close()
        else:
            self._loop.modify(self._descriptor, HANG_UP)
            self._resume()

    def _flush(self) -> None:
        try:
            del self._waiting[: os.write(self._descriptor, self._waiting)]
        except BlockingIOError:
            return
        except OSError:
            # EPIPE or EIO: nobody reads any more
            self._close()

    def _close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._waiting.clear()
        self._loop.unregister(self._descriptor)
        os.close(self._descriptor)
        self._resume()
