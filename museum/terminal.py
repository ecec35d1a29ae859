"""A program in a terminal of a given size, without anybody at it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["in_terminal"]


def in_terminal(
    command: Sequence[str],
    env: Mapping[str, str],
    columns: int,
    lines: int,
    timeout: float,
) -> tuple[int | None, str]:
    """Run it to its end: the exit code, and what it wrote.

    The code is None when it had to be killed, `timeout` seconds after its start.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(
        list(command),
        env=dict(env),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        output, whole = _read(ours, time.monotonic() + timeout)
    finally:
        os.close(ours)
        if not whole:
            process.kill()
        code = process.wait()
    return (code if whole else None), output.decode(errors="replace")


def _read(terminal: int, deadline: float) -> tuple[bytes, bool]:
    """What comes until nobody has the terminal open, and whether it came to that."""
    output = bytearray()
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            break
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: nobody has it open any more
            data = b""
        if not data:
            return bytes(output), True
        output += data
    return bytes(output), False
