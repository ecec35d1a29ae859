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
        self._ping_period = ping_period
        self._idle_timeout = idle_timeout
        self._last_frame = now
        self._next_ping = now + (ping_period or 0)
        self._has_undated_frames = False

    def frame_passed(self, now: float | None) -> None:
        """Note that a frame was read or written.

        Without a time it counts as passed when somebody next asks what is due.
        """
        if now is None:
            self._has_undated_frames = True
        else:
            self._last_frame = now

    def deadline(self) -> float | None:
        """Return when something may be due, None: never."""
        times = [self._next_ping] if self._ping_period else []
        if self._idle_timeout:
            times.append(self._last_frame + self._idle_timeout)
        return min(times, default=None)

    def due(self, now: float) -> list[Timer]:
        """Return what is due, and set the ping clock for its next round."""
        if self._has_undated_frames:
            self._has_undated_frames = False
            self._last_frame = now
        due = []
        if self._ping_period and self._next_ping <= now:
            self._next_ping = now + self._ping_period
            due.append(Timer.PING)
        if self._idle_timeout and self._last_frame + self._idle_timeout <= now:
            due.append(Timer.IDLE)
        return due
