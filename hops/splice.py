"""Join two connections: bytes of each go to the other.

Source: kubernetes/apimachinery pkg/util/proxy/upgradeaware.go: two copies; when
the first of them ends, both connections are closed. What was read before that is
still delivered. Who stands in front of somebody else's server leaves that decision to
it: with `half_close` the end of a direction is passed on, and so is a reset.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hops.buffers import buffers

if TYPE_CHECKING:
    from hops.connection import Connection

__all__ = ["SpliceCounts", "splice"]


@dataclass(slots=True)
class SpliceCounts:
    """Bytes moved in each direction."""

    a_to_b: int = 0
    b_to_a: int = 0


class _End(asyncio.BufferedProtocol):
    """Sits on one connection and writes what it receives to the other."""

    def __init__(self, connection: Connection, half_close: bool) -> None:
        self.connection = connection
        self._half_close = half_close
        self.transport = connection.transport
        self._peer = self.transport
        self._peer_copies = False
        self.received = 0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._peer_end: _End | None = None

    def join(self, other: _End) -> None:
        self._peer = other.transport
        # asyncio's own transports may keep a buffer that they could not send.
        self._peer_copies = getattr(self._peer, "copies_at_once", False)
        self._peer_end = other

    def forward(self, data: bytes) -> None:
        """Pass on bytes that were read before."""
        self.received += len(data)
        if data:
            self._peer.write(data)

    def get_buffer(self, sizehint: int) -> memoryview:
        return buffers.plain

    def buffer_updated(self, nbytes: int) -> None:
        self.received += nbytes
        data = buffers.plain[:nbytes]
        self._peer.write(data if self._peer_copies else bytes(data))

    def eof_received(self) -> bool:
        self.connection.eof_received()  # it must know how to close
        if self._half_close:
            self._pass_end_on()
        self._finish()
        return True

    def _pass_end_on(self) -> None:
        if self._peer_end is None or self._peer_end.lost:
            return
        if self.transport.get_extra_info("truncated"):
            self._peer_end.connection.abort()  # no proper end, so none there either
        else:
            self._peer_end.connection.write_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.lost = True
        peer, self._peer_end = self._peer_end, None  # no cycle: OpenSSL's memory is not
        self._finish()  # left to the collector
        if self._half_close and peer is not None and not peer.lost:
            peer.end_after(exc)
        self.connection.connection_lost(exc)

    def end_after(self, exc: BaseException | None) -> None:
        """The other side is gone: so is this one."""
        if exc is not None:
            self.connection.abort()
        else:
            self.connection.close()
        self._finish()

    def pause_writing(self) -> None:
        if self._peer_end is not None and not self._peer_end.lost:
            self._peer_end.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._peer_end is not None and not self._peer_end.lost:
            self._peer_end.transport.resume_reading()

    def _finish(self) -> None:
        if not self.finished.done():
            self.finished.set_result(None)


async def splice(
    a: Connection,
    b: Connection,
    *,
    idle_timeout: float | None = None,
    half_close: bool = False,
) -> SpliceCounts:
    """Copy both ways until one side ends, then close both.

    Args:
        half_close: until both have ended; the end of one direction is passed on.
        idle_timeout: seconds without a byte in either direction after which both
            are closed; None: never.
    """
    ends = _End(a, half_close), _End(b, half_close)
    ends[0].join(ends[1])
    ends[1].join(ends[0])
    try:
        _start(a, ends[0])
        _start(b, ends[1])
        await _wait(ends, idle_timeout, both=half_close)
    finally:
        a.close()
        b.close()
    await asyncio.gather(a.wait_closed(), b.wait_closed())
    return SpliceCounts(ends[0].received, ends[1].received)


def _start(connection: Connection, end: _End) -> None:
    end.forward(connection.detach(end))
    if connection.at_eof:
        end.eof_received()
    if connection.writing_paused:
        end.pause_writing()


async def _wait(
    ends: tuple[_End, _End], idle_timeout: float | None, *, both: bool
) -> None:
    until = asyncio.ALL_COMPLETED if both else asyncio.FIRST_COMPLETED
    while True:
        before = sum(end.received for end in ends)
        done, pending = await asyncio.wait(
            [end.finished for end in ends],
            timeout=idle_timeout,
            return_when=until,
        )
        if (done and not (both and pending)) or sum(
            end.received for end in ends
        ) == before:
            return
