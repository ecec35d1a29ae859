"""Close a socket so that the peer gets all that was sent.

`close(2)` on a socket that holds unread bytes sends RST, and then the peer may lose
what it has not read yet: the last output and the exit status of a session whose
client was still sending input. So: flush, shut down our direction, throw away what
still comes until the peer closes too, and only then close.

Source: RFC 9112 9.6 ("closes the connection in stages"), tcp(7), Linux tcp_close().
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from typing import TYPE_CHECKING

from hops.buffers import buffers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LINGER_SECONDS", "abort", "close_in_stages", "linger", "reset"]

#: How long a peer that has everything may take to close its side.
LINGER_SECONDS = 5.0

#: How often in a row the same number of unsent bytes may be seen: five minutes.
_MAX_STUCK = 60


def linger(
    transport: asyncio.Transport, flushed: Callable[[BaseException | None], None]
) -> None:
    """Close `transport` in stages, in the background.

    Args:
        transport: a socket's transport; its protocol is replaced.
        flushed: called once, when the kernel has all that was written, or with the
            error that prevented it.
    """
    if not isinstance(transport.get_protocol(), _Linger):  # else it is on its way
        _Linger(transport, flushed).start()


def close_in_stages(
    transport: asyncio.Transport,
    lost: Callable[[BaseException | None], None],
    *,
    peer_ended: bool,
) -> None:
    """Close any transport so that the peer gets everything.

    Args:
        lost: the protocol's `connection_lost`.
        peer_ended: the peer sends nothing more, so nothing unread can be there.
    """
    if (
        peer_ended
        or transport.is_closing()
        or getattr(transport, "closes_in_stages", False)
    ):
        transport.close()
    else:
        linger(transport, lost)


def abort(transport: asyncio.Transport) -> None:
    """Close any transport at once.

    asyncio's own fails when it has closed already, after a flush.
    """
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() >= 0:
        transport.abort()


def reset(transport: asyncio.Transport) -> None:
    """Close with RST whatever was sent: socket(7), SO_LINGER of 0 seconds.

    Source: Shopify/toxiproxy toxics/reset_peer.go, `SetLinger(0)`. On a Unix socket,
    which knows no RST, the peer sees the end.
    """
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    abort(transport)


class _Linger(asyncio.BufferedProtocol):
    """States: flushing -> lingering (our direction is shut) -> closed."""

    def __init__(
        self,
        transport: asyncio.Transport,
        flushed: Callable[[BaseException | None], None],
    ) -> None:
        self._transport = transport
        self._flushed: Callable[[BaseException | None], None] | None = flushed
        self._timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._stuck = 0

    def start(self) -> None:
        self._transport.set_protocol(self)
        if self._transport.is_closing():
            return  # connection_lost is on its way
        self._transport.resume_reading()
        if self._transport.get_write_buffer_size():
            # resume_writing is then called when the buffer is empty
            self._transport.set_write_buffer_limits(high=0)
        else:
            self._shut_down()

    def get_buffer(self, sizehint: int) -> memoryview:
        return buffers.received

    def buffer_updated(self, nbytes: int) -> None:
        """Thrown away."""

    def eof_received(self) -> bool:
        return False  # the peer is done too: the transport closes after a flush

    def resume_writing(self) -> None:
        # Not from in here: asyncio shuts down once more when it comes back, and fails
        # loudly where the peer has ended meanwhile.
        asyncio.get_running_loop().call_soon(self._shut_down_if_open)

    def _shut_down_if_open(self) -> None:
        if self._timer is None and not self._transport.is_closing():
            self._shut_down()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._report(exc)

    def _shut_down(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self._report, None)
        try:
            self._transport.write_eof()
        except OSError:
            self._transport.abort()  # the peer is gone
            return
        self._timer = loop.call_later(LINGER_SECONDS, self._look)

    def _report(self, exc: BaseException | None) -> None:
        flushed, self._flushed = self._flushed, None
        if flushed is not None:
            flushed(exc)

    def _look(self) -> None:
        unsent = _unsent(self._transport)
        self._stuck = self._stuck + 1 if unsent == self._unsent else 0
        self._unsent = unsent
        if unsent == 0 or self._stuck >= _MAX_STUCK:
            self._transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LINGER_SECONDS, self._look)


def _unsent(transport: asyncio.Transport) -> int:
    """Bytes in the kernel that the peer has not acknowledged (SIOCOUTQ)."""
    sock = transport.get_extra_info("socket")
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    (unsent,) = struct.unpack("i", answer)
    return int(unsent)
