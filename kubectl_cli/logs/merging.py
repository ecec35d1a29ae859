"""Several streams printed at once, a line at a time.

Source: kubernetes/kubectl pkg/cmd/logs/logs.go parallelConsumeRequest.
"""

from __future__ import annotations

import sys
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from kubectl_cli.client.rest import lines_of
from kubectl_cli.logs.errors import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.blocking.responses import StreamingResponse

__all__ = ["LogStreams"]


class LogStreams:
    """Opens and reads each stream on a thread of its own; lines never mix."""

    def __init__(self, *, prefix: bool, ignore_errors: bool) -> None:
        self._prefix = prefix
        self._ignore_errors = ignore_errors
        self._openers: list[tuple[bytes, Callable[[], StreamingResponse]]] = []
        self._open: list[StreamingResponse] = []
        self._printing = threading.Lock()
        self._ended: SimpleQueue[Exception | None] = SimpleQueue()

    def add(self, head: str, opener: Callable[[], StreamingResponse]) -> None:
        """A stream to open and read; `head` goes before its lines."""
        self._openers.append((head.encode() if self._prefix else b"", opener))

    def run(self) -> None:
        """Print until all have ended; the first error ends the rest."""
        sys.stdout.flush()
        for opener in self._openers:
            threading.Thread(target=self._read, args=opener, daemon=True).start()
        try:
            for _ in self._openers:
                error = self._ended.get()
                if error is not None and not self._ignore_errors:
                    raise error
                if error is not None:
                    print(f"error: {error}")
        finally:
            for stream in self._open:
                stream.interrupt()

    def _read(self, head: bytes, opener: Callable[[], StreamingResponse]) -> None:
        try:
            stream = opener()
            self._open.append(stream)
            with stream, reading():
                for line in lines_of(stream.chunks()):
                    with self._printing:
                        sys.stdout.buffer.write(head + line)
                        sys.stdout.buffer.flush()
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            self._ended.put(error)
        else:
            self._ended.put(None)
