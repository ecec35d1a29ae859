"""A small event loop: descriptors, children's deaths, one tick.

asyncio would cost each shim 50 ms and 10 MiB, for selecting on a dozen descriptors.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["HANG_UP", "READ", "WRITE", "Loop"]

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
# Reported whether asked for or not: the other side has closed.
HANG_UP = 0

# A descriptor whose handler fails so often is given up, lest the loop spin.
_MAX_FAILURES = 10

Handler: TypeAlias = Callable[[int], None]


class Loop:
    """Calls handlers as their descriptors become ready, until stopped.

    A handler may unregister any descriptor, its own included; events that were already
    collected for it are dropped.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._ticks: list[Callable[[], float | None]] = []
        self._wakeup: tuple[int, int] | None = None
        self._stopped = False
        self._failures: dict[int, int] = {}

    def register(self, descriptor: int, events: int, handler: Handler) -> None:
        """Call `handler(events)` when the descriptor is ready."""
        self._epoll.register(descriptor, events)
        self._handlers[descriptor] = handler
        self._failures.pop(descriptor, None)

    def modify(self, descriptor: int, events: int) -> None:
        """Wait for other events on a registered descriptor."""
        self._epoll.modify(descriptor, events)

    def unregister(self, descriptor: int) -> None:
        """Forget the descriptor, before it is closed. Idempotent."""
        if self._handlers.pop(descriptor, None):
            self._epoll.unregister(descriptor)

    def on_child(self, handler: Callable[[], None]) -> None:
        """Call `handler` after children have changed state."""
        reader, writer = self._wakeup = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore)

        def drain(_events: int) -> None:
            os.read(reader, 4096)
            handler()

        self.register(reader, READ, drain)

    def on_tick(self, tick: Callable[[], float | None]) -> None:
        """Call `tick` before each wait; it says within how many seconds it wants to be again."""
        self._ticks.append(tick)

    def stop(self) -> None:
        """Leave `run` once the present events are handled."""
        self._stopped = True

    def close(self) -> None:
        """Forget all descriptors and close our own.

        After a fork the kernel's list is still the parent's as well, so it is closed before
        anything could be taken off it.
        """
        self._epoll.close()
        self._handlers.clear()
        if self._wakeup is not None:
            signal.set_wakeup_fd(-1)
            for descriptor in self._wakeup:
                os.close(descriptor)
            self._wakeup = None

    def run(self) -> None:
        """Serve until `stop` is called."""
        while not self._stopped:
            waits = [wait for tick in self._ticks if (wait := tick()) is not None]
            for descriptor, events in self._epoll.poll(min(waits, default=-1)):
                handler = self._handlers.get(descriptor)
                if handler is not None:
                    self._call(handler, descriptor, events)

    def _call(self, handler: Handler, descriptor: int, events: int) -> None:
        """A bug in one place must not take all containers of the pod with it."""
        try:
            handler(events)
        except Exception:  # noqa: BLE001 - the top of the loop
            sys.excepthook(*sys.exc_info())
            self._failures[descriptor] = self._failures.get(descriptor, 0) + 1
            if self._failures[descriptor] >= _MAX_FAILURES:
                self.unregister(descriptor)


def _ignore(_number: int, _frame: object) -> None:
    """A Python-level handler is what makes the wake-up descriptor work."""
