"""Process attributes that the standard library cannot set.

Source: prctl(2), unshare(2).
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket

__all__ = ["become_subreaper", "die_with_parent", "own_hostname", "set_name"]

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWUTS = 0x04000000

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def become_subreaper() -> None:
    """Orphaned descendants come to this process instead of to process 1.

    Kept by exec, not handed to children.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Be killed when the parent ends, however it ends. Kept by exec, not handed to children."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def set_name(name: str) -> None:
    """The name that `ps -o comm` shows; cut to 15 bytes by the kernel."""
    with open("/proc/self/comm", "w") as comm:
        comm.write(name)


def own_hostname(name: str) -> bool:
    """Give this process and its future children a host name of their own, if we may."""
    if _libc.unshare(_CLONE_NEWUTS) != 0:
        return False  # it takes root
    try:
        socket.sethostname(name)
    except OSError:
        return False  # longer than the kernel's 64 bytes
    return True
