"""The two clocks of a connection: when to send PING, and when it has been idle.

Times are seconds on any clock that only goes forward, such as the event loop's.
"""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["Timer", "Timers"]


class Timer(Enum):
    """What is due."""

    PING = auto()
    IDLE = auto()


class Timers:
    """Knows what is due when; does nothing about it.

    Args:
        now: the time of creation.
        ping_period: 5 in client-go's dialer for exec and port-forward, 10 in its
            port-forward tunnel; servers never ping.
        idle_timeout: 4 h in the kubelet and in containerd, none in clients. Any frame
            counts, a PING too.
    """

    def __init__(
        self, now: float, ping_period: float | None, idle_timeout: float | None
    ) -> None:
        self.now = now
        self._ping_period = ping_period
        self._idle_timeout = idle_timeout
        self._last_frame = now
        self._next_ping = now + (ping_period or 0)

    def advance(self, now: float | None) -> None:
        """Note the time; None: as before."""
        if now is not None:
            self.now = now

    def frame_passed(self) -> None:
        """Note that a frame was read or written."""
        self._last_frame = self.now

    def deadline(self) -> float | None:
        """Return when something will be due, None: never."""
        times = [self._next_ping] if self._ping_period else []
        if self._idle_timeout:
            times.append(self._last_frame + self._idle_timeout)
        return min(times, default=None)

    def due(self) -> list[Timer]:
        """Return what is due, and set the ping clock for its next round."""
        due = []
        if self._ping_period and self._next_ping <= self.now:
            self._next_ping = self.now + self._ping_period
            due.append(Timer.PING)
        if self._idle_timeout and self._last_frame + self._idle_timeout <= self.now:
            due.append(Timer.IDLE)
        return due
