"""Who keeps an output open after its command has ended: asked only while somebody looks.

The end of an exec's output is the end of the last process that holds it. A command that
leaves a process in the background so keeps its client waiting (kubernetes/kubernetes
issue 34256 and others), which no frame on any hop shows.

Source: proc(5): /proc/PID/fd, /proc/PID/fdinfo, /proc/PID/cmdline.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from typing import Final

__all__ = ["Holder", "holders"]

_ACCESS_MODE: Final = 0o3
_LONGEST_COMMAND: Final = 200

# asm-generic/ioctls.h; `termios` has it since Python 3.13 only
_TIOCGPTN: Final = 0x80045430


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that can still write."""

    pid: int
    command: str


def holders(descriptors: list[int]) -> list[Holder]:
    """The processes that can write into what we read from `descriptors`.

    They are our ends of pipes, or masters of terminals. What we may not look into is
    left out; without /proc there is none.
    """
    targets = {target for target in map(_other_end, descriptors) if target}
    try:
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdecimal())
    except OSError:
        return []
    return [
        Holder(pid, _command(pid))
        for pid in pids
        if pid != os.getpid() and _holds(pid, targets)
    ]


def _other_end(descriptor: int) -> str:
    """How /proc calls the writing end."""
    try:
        link = os.readlink(f"/proc/self/fd/{descriptor}")
        if link.startswith("pipe:"):
            return link
        # ioctl_tty(2), TIOCGPTN: the number of the slave
        number = fcntl.ioctl(descriptor, _TIOCGPTN, struct.pack("I", 0))
    except OSError:
        return ""
    return f"/dev/pts/{struct.unpack('I', number)[0]}"


def _holds(pid: int, targets: set[str]) -> bool:
    folder = f"/proc/{pid}"
    try:
        numbers = os.listdir(f"{folder}/fd")
    except OSError:
        return False
    for number in numbers:
        try:
            if os.readlink(f"{folder}/fd/{number}") in targets and _writes(
                folder, number
            ):
                return True
        except OSError:
            continue  # closed meanwhile
    return False


def _writes(folder: str, number: str) -> bool:
    """The shim keeps a reading end of each pipe; that holds nobody up."""
    with open(f"{folder}/fdinfo/{number}", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("flags:"):
                return int(line.split()[1], 8) & _ACCESS_MODE != os.O_RDONLY
    return False


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
    except OSError:
        return ""
    return b" ".join(words).decode(errors="replace")[:_LONGEST_COMMAND]
