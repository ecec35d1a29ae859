"""The time of what a shim notes: that of the runtime, which may be ahead of the real one.

`hops.clock` is the same for the services; shims load the standard library only.
"""

from __future__ import annotations

import time

__all__ = ["set_ahead", "wall_ns"]

_ahead_ns = 0


def wall_ns() -> int:
    """Unix time in nanoseconds, as the runtime has it."""
    return time.time_ns() + _ahead_ns


def set_ahead(nanoseconds: int) -> None:
    """By how much the runtime's clock is ahead of the real one from now on."""
    global _ahead_ns
    _ahead_ns = nanoseconds
