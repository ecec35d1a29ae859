"""Every process that a test starts, however far it has wandered from us.

As a child subreaper (prctl(2)) the test runner becomes the parent of each descendant
whose own parent ends, also of one that called setsid. So nothing can be left behind
unseen.
"""

from __future__ import annotations

import ctypes
import os

import psutil

__all__ = ["adopt_orphans", "descendants", "reap"]

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on orphaned descendants become our children."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def reap(*, keep: set[int] = frozenset()) -> None:
    """Collect the adopted children that have ended, except those of these pids."""
    for child in psutil.Process().children():
        if child.pid not in keep and _is_zombie(child):
            try:
                os.waitpid(child.pid, os.WNOHANG)
            except ChildProcessError:
                continue


def descendants() -> dict[int, str]:
    """The living ones: pid and command line."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline()) or process.name()
        except psutil.NoSuchProcess:
            continue
    return found


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
