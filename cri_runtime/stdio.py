"""The runtime's ends of a process's streams, on the event loop.

Plain callbacks on non-blocking descriptors: a transport for each would cost more than the
copying. `fcntl(2)` F_SETPIPE_SZ: a pipe grows to 1 MiB once it has been seen full, since the
kernel counts the size of all pipes of a user, and most sessions are idle.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import struct
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OutputPipe", "StdinPipe", "set_size"]

# What an unprivileged user may ask for (/proc/sys/fs/pipe-max-size).
PIPE_SIZE = 1024 * 1024
_DEFAULT_PIPE_SIZE = 64 * 1024
_READ_SIZE = 128 * 1024  # more, malloc(3) may take from the kernel for every read

# c_cc of termios(3) when the terminal's own cannot be had: Ctrl-D
_DEFAULT_EOF = b"\x04"


def set_size(terminal: int, width: int, height: int) -> None:
    """Set the size of a terminal; its foreground processes get SIGWINCH."""
    size = struct.pack("HHHH", height, width, 0, 0)
    with contextlib.suppress(OSError):
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


class OutputPipe:
    """Reads a stream to its end and hands on what comes. Owns the descriptor."""

    def __init__(
        self,
        descriptor: int,
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self.on_data = on_data
        self._on_end = on_end
        self.descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._reading = False
        self._grown = False
        self.ended = False
        os.set_blocking(descriptor, False)
        self.resume()

    def pause(self) -> None:
        """Stop reading; the writer will wait once the pipe is full."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self.descriptor)

    def resume(self) -> None:
        """Read on."""
        if not self._reading and not self.ended:
            self._reading = True
            self._loop.add_reader(self.descriptor, self._read)

    def close(self) -> None:
        """Read no more; the writer gets SIGPIPE. `on_end` is not called."""
        if not self.ended:
            self.pause()
            self.ended = True
            os.close(self.descriptor)

    def _read(self) -> None:
        try:
            data = os.read(self.descriptor, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            # a terminal's master says so that all its slaves are closed
            if error.errno != errno.EIO:
                raise
            data = b""
        if data:
            self._grow(len(data))
            self.on_data(data)
        else:
            self.close()
            self._on_end()

    def _grow(self, size: int) -> None:
        if size >= _DEFAULT_PIPE_SIZE and not self._grown:
            self._grown = True
            with contextlib.suppress(OSError):  # the user's share of pipes is used up
                fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, PIPE_SIZE)


class StdinPipe:
    """Writes to a process without ever blocking. Owns the descriptor.

    `on_full(True)` says that what came has to wait, `on_full(False)` that there is room
    again; the caller should not read its peer in between.
    """

    def __init__(self, descriptor: int, on_full: Callable[[bool], None]) -> None:
        self._descriptor = descriptor
        self._on_full = on_full
        self._loop = asyncio.get_running_loop()
        self._waiting = bytearray()
        self._ending: bytes | None = None
        self.closed = False
        os.set_blocking(descriptor, False)

    @property
    def full(self) -> bool:
        """Whether something waits for room."""
        return bool(self._waiting)

    def write(self, data: bytes) -> None:
        """Write, or keep until there is room; dropped when nobody reads any more."""
        if self.closed or self._ending is not None:
            return
        if self._waiting:
            self._waiting += data
            return
        rest = data[self._try_write(data) :]
        if rest and not self.closed:
            self._waiting += rest
            self._loop.add_writer(self._descriptor, self._flush)
            self._on_full(True)

    def end(self) -> None:
        """End-of-file for the process, after what is waiting."""
        if self._ending is None:
            self._ending = b""
            self._finish()

    def end_of_terminal(self) -> None:
        """The character that means end-of-file on this terminal. It stays open.

        Unlike containerd, which closes the output side here and leaves the process alone:
        this way the command sees its end, and the client what it still has to say.
        """
        if self._ending is None and not self.closed:
            self.write(_eof_character(self._descriptor))

    def close(self) -> None:
        """Let go at once; what is waiting is lost. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._waiting:
            self._waiting.clear()
            self._loop.remove_writer(self._descriptor)
            self._on_full(False)
        os.close(self._descriptor)

    def _try_write(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0
        except OSError:
            # EPIPE, EIO: the process has ended or has closed its stdin
            self.close()
            return 0

    def _flush(self) -> None:
        del self._waiting[: self._try_write(self._waiting)]
        if self.closed or self._waiting:
            return
        self._loop.remove_writer(self._descriptor)
        self._on_full(False)
        self._finish()

    def _finish(self) -> None:
        if self._ending is not None and not self._waiting:
            self.close()


def _eof_character(terminal: int) -> bytes:
    try:
        characters = termios.tcgetattr(terminal)[6]
    except termios.error:
        return _DEFAULT_EOF
    character = characters[termios.VEOF]
    return character if isinstance(character, bytes) else _DEFAULT_EOF
