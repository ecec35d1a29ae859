"""A byte stream with `await`: what remains of a connection after an upgrade.

Unlike asyncio's StreamReader and StreamWriter it is one object, it is itself the
protocol of its transport, and it can hand the transport on (`detach`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from hops.linger import abort, close_in_stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Buffer", "Connection"]

Buffer = bytes | bytearray | memoryview

_LIMIT = 256 * 1024  # bytes held for the reader before the transport is paused


class Connection(asyncio.Protocol):
    """Reads are of what is there; writes go out at once, `drain` waits for room.

    Args:
        leftover: bytes that were received already, to be read first.
        on_lost: called once when the connection is gone.
    """

    def __init__(
        self,
        leftover: bytes = b"",
        *,
        on_lost: Callable[[BaseException | None], None] | None = None,
    ) -> None:
        self._transport: asyncio.Transport | None = None
        self._chunks: deque[bytes] = deque([leftover] if leftover else ())
        self._size = len(leftover)
        self._eof = False
        self._lost = False
        self._error: BaseException | None = None
        self._reading_paused = False
        self._writing_paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writers: set[asyncio.Future[None]] = set()
        self._closed: asyncio.Future[None] | None = None
        self._on_lost = on_lost

    @property
    def transport(self) -> asyncio.Transport:
        """The transport below. Its protocol may be replaced after `detach`."""
        if self._transport is None:
            raise RuntimeError("not connected")
        return self._transport

    @property
    def peername(self) -> Any:
        """The address of the peer, as sockets have it."""
        return self.get_extra_info("peername")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As asyncio transports have it: peername, peercert, ssl_object, socket ..."""
        return self.transport.get_extra_info(name, default)

    @property
    def is_closing(self) -> bool:
        """Whether it was closed, by us or by the peer."""
        return self._lost or (
            self._transport is not None and self._transport.is_closing()
        )

    async def read(self, n: int = _LIMIT) -> bytes:
        """At least one byte, at most `n`; b"" at the end.

        Raises:
            OSError: the connection broke; once, after all that came before it.
        """
        while not self._chunks:
            if self._eof or self._lost:
                self._raise_error()
                return b""
            await self._wait_for_data()
        chunk = self._chunks.popleft()
        if len(chunk) > n:
            self._chunks.appendleft(chunk[n:])
            chunk = chunk[:n]
        self._size -= len(chunk)
        self._resume_reading()
        return chunk

    def unread(self, data: bytes) -> None:
        """Put bytes back, to be read first."""
        if data:
            self._chunks.appendleft(data)
            self._size += len(data)

    def write(self, data: Buffer) -> None:
        """Send; nothing happens when the connection is gone."""
        if not self._lost:
            self.transport.write(data)

    def writelines(self, pieces: Iterable[Buffer]) -> None:
        """Send pieces as if they were one."""
        if not self._lost:
            self.transport.writelines(pieces)

    async def drain(self) -> None:
        """Wait until there is room for more.

        Raises:
            OSError: the connection is gone.
        """
        if self._lost:
            raise self._error or ConnectionResetError("Connection lost")
        if not self._writing_paused:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._writers.add(waiter)
        try:
            await waiter
        finally:
            self._writers.discard(waiter)

    def write_eof(self) -> None:
        """End our direction; the other stays open. Closes where that is impossible."""
        if self._lost or self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def close(self) -> None:
        """Send what was written, then close. Does not wait; may be called again."""
        if self._transport is not None:
            close_in_stages(self._transport, self.connection_lost, peer_ended=self._eof)

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        if self._transport is not None and not self._lost:
            abort(self._transport)

    async def wait_closed(self) -> None:
        """Wait until the connection is gone."""
        if self._lost:
            return
        if self._closed is None:
            self._closed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._closed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    def detach(self, protocol: asyncio.BaseProtocol) -> bytes:
        """Give the transport to another protocol; answers what was not read.

        The other protocol must pass `connection_lost` back to this one.
        """
        rest = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        self.transport.set_protocol(protocol)
        self._resume_reading()
        return rest

    @property
    def at_eof(self) -> bool:
        """Whether the peer has ended its direction."""
        return self._eof or self._lost

    @property
    def writing_paused(self) -> bool:
        """Whether the transport's buffer is above its high-water mark."""
        return self._writing_paused

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the transport, or by who hands one over."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        self._chunks.append(data)
        self._size += len(data)
        _wake(self._reader)
        if self._size > _LIMIT and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Called by the transport. True: our direction stays open."""
        self._eof = True
        _wake(self._reader)
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the transport, once."""
        if self._lost:
            return
        self._lost = True
        self._error = exc
        _wake(self._reader)
        for writer in self._writers:
            if not writer.done():
                writer.set_exception(exc or ConnectionResetError("Connection lost"))
        _wake(self._closed)
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost(exc)

    def pause_writing(self) -> None:
        """Called by the transport."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """Called by the transport."""
        self._writing_paused = False
        for writer in self._writers:
            _wake(writer)

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None and not self._eof:
            self._eof = True
            raise error

    async def _wait_for_data(self) -> None:
        if self._reader is not None:
            raise RuntimeError("read() is waiting already")
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _resume_reading(self) -> None:
        if self._reading_paused and self._size <= _LIMIT // 2:
            self._reading_paused = False
            if not self.is_closing:
                self.transport.resume_reading()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
