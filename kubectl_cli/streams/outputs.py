"""Where a session's output goes: never a byte lost, and never the loop blocked.

A pipe is opened anew without blocking, since changing the flag on the descriptor we
were given would change it for everybody who shares it. Files and terminals are
written as they are.
"""

from __future__ import annotations

import os
import stat
from collections import deque

__all__ = ["Output"]


class Output:
    """One of our output descriptors, with what it could not take yet."""

    def __init__(self, descriptor: int) -> None:
        self._given = descriptor
        self._own = _reopen(descriptor)
        self._waiting: deque[memoryview] = deque()

    @property
    def descriptor(self) -> int:
        """What to poll while `blocked`."""
        return self._own if self._own >= 0 else self._given

    @property
    def blocked(self) -> bool:
        """Whether there are bytes the reader has not taken."""
        return bool(self._waiting)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write what fits; keep the rest for `flush`.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        if self._waiting:
            self._waiting.append(memoryview(bytes(data)))
            return
        rest = self._put(memoryview(data))
        if rest:
            self._waiting.append(memoryview(bytes(rest)))

    def flush(self) -> None:
        """Write what is kept, as far as it fits."""
        while self._waiting:
            rest = self._put(self._waiting[0])
            if rest:
                self._waiting[0] = rest
                return
            self._waiting.popleft()

    def _put(self, data: memoryview) -> memoryview:
        while data:
            try:
                data = data[os.write(self.descriptor, data) :]
            except BlockingIOError:  # EAGAIN: somebody made the descriptor so
                break
        return data

    def close(self) -> None:
        """Let go of our own descriptor; the given one stays open."""
        if self._own >= 0:
            os.close(self._own)
            self._own = -1


def _reopen(descriptor: int) -> int:
    """A non-blocking descriptor of our own for a pipe, -1 for anything else."""
    try:
        if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return -1
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    except OSError:
        return -1
