"""One end of a session that is not spliced: a connection with a core on it.

Two ends make a session. Each feeds the other; who cannot write makes the other not read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hops.reading import ReadingHolds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hops.connection import Connection
    from wire.carrier import Buffer

__all__ = ["SessionEnd"]

# Bytes that may wait for a slow peer before the other has to wait.
_HIGH_WATER = 512 * 1024
_LOW_WATER = 128 * 1024


class SessionEnd(asyncio.Protocol):
    """A connection whose bytes a core decodes, and who waits for it.

    `holds` says when it is not read, `writable` is set while its peer keeps up.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.transport = connection.transport
        self.holds = ReadingHolds(self.transport)
        self.writable = asyncio.Event()
        self.writable.set()
        self._loop = asyncio.get_running_loop()
        self.transport.set_write_buffer_limits(_HIGH_WATER, _LOW_WATER)

    def take_over(self) -> None:
        """Put this end on the connection, with what has been read already."""
        leftover = self.connection.detach(self)
        if self.connection.writing_paused:
            self.pause_writing()
        if leftover:
            self.data_received(leftover)
        if self.connection.at_eof:
            self.eof_received()

    def eof_received(self) -> bool:
        """Called by the transport: half a session is none."""
        self.connection.eof_received()  # it must know how to close
        self.on_eof()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the transport, once."""
        self.writable.set()
        self.on_eof()
        self.connection.connection_lost(exc)

    def pause_writing(self) -> None:
        """Called by the transport: the peer is slow."""
        self.writable.clear()

    def resume_writing(self) -> None:
        """Called by the transport."""
        self.writable.set()
        self.holds.release(self)

    def send(self, buffers: Sequence[Buffer], *, is_answer: bool = False) -> None:
        """Write what a core wants to send."""
        if not buffers or self.transport.is_closing():
            return
        self.transport.writelines(buffers)
        if is_answer and not self.writable.is_set():
            # Answers pile up: who does not read is not read either.
            self.holds.hold(self)

    def on_eof(self) -> None:
        """The peer has ended its direction, or is gone. May come twice."""
        raise NotImplementedError
