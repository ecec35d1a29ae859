"""One accepted connection of a forwarded port, and what it could not take yet."""

from __future__ import annotations

import contextlib
import socket
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.forwarding.listeners import LocalListener

__all__ = ["LocalEnd"]

_READ = 64 * 1024


class LocalEnd:
    """Never blocks. `alive` turns False when the connection breaks."""

    def __init__(self, stream: socket.socket, listener: LocalListener) -> None:
        self.stream = stream
        self.listener = listener
        self.alive = True
        self.ended = False  # it sends no more
        self.waiting = 0  # bytes that it has not taken
        self._queue: deque[memoryview] = deque()
        self._half_close = False
        self._close = False
        stream.setblocking(False)
        with contextlib.suppress(OSError):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def done(self) -> bool:
        """Whether it has taken all that will ever come, or takes nothing any more."""
        return not self.alive or (self._close and not self._queue)

    def read(self) -> bytes | None:
        """What it sends; None while there is nothing, b"" at the end."""
        try:
            data = self.stream.recv(_READ)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            self.alive = False
            return None
        self.ended = not data
        return data

    def write(self, data: bytes) -> None:
        """Give it data, now or when it takes more."""
        self._queue.append(memoryview(data))
        self.waiting += len(data)
        self.flush()

    def finish(self) -> None:
        """No more data comes: half-close it when it has taken what there is."""
        self._half_close = True
        self.flush()

    def close_when_done(self) -> None:
        """The forward is over: only what it has not taken is left."""
        self._close = True
        self.flush()

    def flush(self) -> None:
        """Write what fits."""
        try:
            while self.alive and self._queue:
                sent = self.stream.send(self._queue[0])
                self.waiting -= sent
                if sent < len(self._queue[0]):
                    self._queue[0] = self._queue[0][sent:]
                else:
                    self._queue.popleft()
            if self._half_close and not self._queue and self.alive:
                self._half_close = False
                self.stream.shutdown(socket.SHUT_WR)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.alive = False

    def close(self) -> None:
        """Let go. What it sent and nobody read would turn the end into a reset."""
        with contextlib.suppress(OSError):
            while self.alive and self.stream.recv(_READ):
                pass
        self.stream.close()
