"""The time of a service, which can be moved ahead: four idle hours in a millisecond.

Everything a service does by time asks here (`wall` for what people and other processes
read, `monotonic` for durations) or its event loop, whose timers follow. Moving the clock
lets all timers that are due by the new time fire in the loop's next turn, as after a
machine's long sleep. What is not moved: the kernel's timers, TLS' idea of today, and the
times of trace events.

A service that is started again takes the time it had from the file beside its control
socket; `mini-kube down` removes it.
"""

from __future__ import annotations

import contextlib
import math
import time
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    #: Told of a move: by how many seconds, and whether all services are moved.
    Listener = Callable[[float, bool], Awaitable[None]]

__all__ = [
    "LONGEST",
    "AnswerTimer",
    "advance",
    "ahead",
    "ahead_ns",
    "answer_timeout",
    "monotonic",
    "on_advance",
    "restore",
    "wall",
    "wall_ns",
]

#: Seconds by which a clock may be moved in all: ten years, so that dates stay dates.
LONGEST = 10 * 366 * 86400.0

_NS = 1_000_000_000

_ahead = 0.0
_listeners: list[weakref.WeakMethod[Listener]] = []
_answers: weakref.WeakSet[asyncio.Timeout] = weakref.WeakSet()
_timers: weakref.WeakSet[AnswerTimer] = weakref.WeakSet()


def wall() -> float:
    """Unix time in seconds."""
    return time.time() + _ahead


def wall_ns() -> int:
    """Unix time in nanoseconds."""
    return time.time_ns() + ahead_ns()


def monotonic() -> float:
    """Seconds since some moment; the same as the event loop's time."""
    return time.monotonic() + _ahead


def ahead() -> float:
    """By how many seconds the clock is ahead of the real one."""
    return _ahead


def ahead_ns() -> int:
    """The same in nanoseconds."""
    return round(_ahead * _NS)


def on_advance(listener: Listener) -> None:
    """Have a part of the service told of each move, after it, as long as there is one.

    Args:
        listener: a bound method; what it is bound to is not kept alive.
    """
    _listeners.append(weakref.WeakMethod(listener, _listeners.remove))


def answer_timeout(seconds: float | None) -> asyncio.Timeout:
    """`asyncio.timeout` for waiting for an answer: it goes by the real time.

    Who was asked just before the clock is moved answers as fast as ever; to him no time
    has passed.
    """
    import asyncio  # whoever waits here has loaded it; mini-kubectl has not

    limit = asyncio.timeout(seconds)
    _answers.add(limit)
    return limit


class AnswerTimer:
    """`loop.call_later` for the same; keep it, and `cancel` it when the answer is there."""

    def __init__(self, seconds: float, callback: Callable[[], None]) -> None:
        import asyncio

        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_later(seconds, callback)
        _timers.add(self)

    def cancel(self) -> None:
        """Do not call. Idempotent."""
        self._handle.cancel()
        _timers.discard(self)

    def postpone(self, seconds: float) -> None:
        """Call that much later."""
        when = self._handle.when() + seconds
        self._handle.cancel()
        self._handle = self._loop.call_at(when, self._callback)


async def advance(seconds: float, *, everywhere: bool, keep: Path | None) -> float:
    """Move the clock; answers how far it is ahead now.

    Args:
        everywhere: whether all services of the cluster are moved by as much. Then what
            others do from time to time counts as done meanwhile: no node is late.
        keep: the file from which `restore` takes it.

    Raises:
        ValueError: time goes forwards only, and not by more than ten years.
    """
    if not (math.isfinite(seconds) and seconds >= 0 and _ahead + seconds <= LONGEST):
        raise ValueError(f"advance: {seconds}: expected 0 to {LONGEST - _ahead:.0f}")
    _move(_ahead + seconds)
    if keep is not None:
        _write(keep)
    for reference in tuple(_listeners):
        listener = reference()
        if listener is not None:
            await listener(seconds, everywhere)
    return _ahead


def restore(kept: Path) -> None:
    """Take the time that the service had when it ended, if it was moved."""
    with contextlib.suppress(OSError, ValueError):
        seconds = float(kept.read_text())
        if math.isfinite(seconds) and 0 < seconds <= LONGEST:
            _move(seconds)


def _write(kept: Path) -> None:
    kept.write_text(f"{_ahead}\n")


def _move(seconds: float) -> None:
    import asyncio

    global _ahead
    moved_by, _ahead = seconds - _ahead, seconds
    # asyncio asks the loop's own method for the time of everything; one of the instance
    # costs nothing to those whose clock is never moved.
    asyncio.get_running_loop().time = monotonic  # type: ignore[method-assign]
    for limit in list(_answers):
        when = limit.when()
        if when is not None and not limit.expired():
            _postpone(limit, when + moved_by)
    for timer in list(_timers):
        timer.postpone(moved_by)


def _postpone(limit: asyncio.Timeout, when: float) -> None:
    # One whose block is left already cannot be, and need not be.
    with contextlib.suppress(RuntimeError):
        limit.reschedule(when)
