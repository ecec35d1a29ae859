"""What waitpid has to say, in the numbers that containers report."""

from __future__ import annotations

import os

__all__ = ["exit_code", "next_dead"]


def next_dead() -> tuple[int, int] | None:
    """A child that has ended, with its wait status; None when there is none just now."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def exit_code(status: int) -> tuple[int, int]:
    """Exit code and signal of a wait status. After signal n the code is 128 + n, as in runc."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return 128 + number, number
    return os.WEXITSTATUS(status), 0
