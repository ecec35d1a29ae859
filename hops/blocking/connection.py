"""One connected stream of a program without an event loop, with its Pipe."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from hops.blocking.tls import explain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hops.pipe import Pipe

__all__ = ["BlockingConnection", "seconds_left", "stream_text"]

# malloc(3): 128 KiB or more come from the kernel and go back to it, each page cleared
# anew. That took longer than to decrypt the 16 KiB at most that TLS gives at a time.
_READ = 64 * 1024


class BlockingConnection:
    """One connected stream; TLS or not makes no difference. It has a Pipe if asked."""

    def __init__(self, stream: socket.socket, pipe: Pipe | None = None) -> None:
        self.stream = stream
        self.pipe = pipe
        self.used = False
        self._ended = False
        self.ends = _ends(stream)  # a stream that was reset does not know them any more

    def fileno(self) -> int:
        return self.stream.fileno()

    @property
    def pending(self) -> int:
        """Bytes TLS has decrypted and not handed out; `select` does not see them."""
        return self.stream.pending() if isinstance(self.stream, ssl.SSLSocket) else 0

    def set_timeout(self, seconds: float | None) -> None:
        """None waits for ever, 0 never."""
        self.stream.settimeout(seconds)

    def send_all(self, data: bytes) -> None:
        """Write all of it."""
        if self.pipe is not None:
            data = self._pass("up", data)
        self.stream.sendall(data)

    def receive(self) -> bytes:
        """What there is, b"" at the end. BlockingIOError when nothing is there yet."""
        try:
            data = self.stream.recv(_READ)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except ssl.SSLEOFError:
            data = b""
        except BlockingIOError:
            raise
        except OSError as error:
            self._tell_end(str(error))
            raise
        if self.pipe is not None and data:
            data = self._pass("down", data)
        elif not data:
            self._tell_end("")
        return data

    def _tell_end(self, reason: str) -> None:
        """The server has ended its direction, or, with a reason, the connection."""
        if self.pipe is None:
            return
        from hops.pipe import Direction

        if reason:
            self.pipe.lost(reason, time.monotonic())
            self.pipe = None
        elif not self._ended:
            self._ended = True
            self.pipe.eof(Direction.DOWN, time.monotonic())

    def look(self, data: bytes) -> bytes:
        """Let the pipe have data that will be written with `send`, piece by piece."""
        return data if self.pipe is None else self._pass("up", data)

    def send(self, data: memoryview) -> int:
        """Write what fits without waiting; BlockingIOError when nothing does."""
        try:
            return self.stream.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def _pass(self, way: str, data: bytes) -> bytes:
        """What the pipe lets through of `data`; it may wait, or cut the connection."""
        from hops.pipe import Delay, Deliver, Direction, HalfClose, Reset

        assert self.pipe is not None  # noqa: S101 - the callers have looked
        delivered = b""
        for action in self.pipe.feed(Direction(way), data, time.monotonic()):
            match action:
                case Deliver(piece):
                    delivered += piece
                case Delay(seconds):
                    time.sleep(seconds)
                case HalfClose():
                    self.stream.shutdown(socket.SHUT_WR)
                case Reset():
                    raise ConnectionResetError(104, "connection reset by peer")
        return delivered

    def close(self) -> None:
        if self.pipe is not None:
            self.pipe.lost("", time.monotonic())
            self.pipe = None
        with contextlib.suppress(OSError):
            self.stream.close()


def stream_text(connection: BlockingConnection, error: Exception) -> str:
    if isinstance(error, EOFError):
        return "EOF"
    if isinstance(error, ssl.SSLError):
        return explain(error, "", {})
    assert isinstance(error, OSError)  # noqa: S101
    operation = "write" if isinstance(error, BrokenPipeError) else "read"
    problem = (error.strerror or "").lower()
    return f"{operation} tcp {connection.ends}: {operation}: {problem}"


def _ends(stream: socket.socket) -> str:
    """`127.0.0.1:40000->127.0.0.1:6443`"""
    try:
        here, there = stream.getsockname(), stream.getpeername()
    except OSError:
        return ""
    return f"{here[0]}:{here[1]}->{there[0]}:{there[1]}"


def seconds_left(deadline: float | None) -> float | None:
    """Seconds to the deadline, as a socket timeout."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
