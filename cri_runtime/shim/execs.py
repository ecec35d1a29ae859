"""A command run in a container by exec. Its streams belong to the runtime, not to us.

We hold copies of the runtime's ends without reading them, so that the command outlives a
runtime that goes away: then we read them, and throw away what comes, until it ends.
"""

from __future__ import annotations

import os

from cri_runtime.shim.loop import HANG_UP, READ, Loop
from cri_runtime.shim.streams import read_some
from cri_runtime.shim.waiting import exit_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cri_runtime.shim.connection import Connection

__all__ = ["Exec"]


class Exec:
    """From its start to its end, and to the end of its output; then `on_done` is called."""

    def __init__(
        self,
        loop: Loop,
        connection: Connection,
        identity: tuple[str, str],
        on_done: Callable[[Exec], None],
    ) -> None:
        self.id, self.container = identity
        self.connection = connection
        self._loop = loop
        self._kept: set[int] = set()
        self._ended = False
        self._on_done = on_done

    def keep(self, descriptors: list[int]) -> None:
        """Hold these ends until their writers are gone."""
        self._kept.update(descriptors)
        for descriptor in descriptors:
            self._register(descriptor, HANG_UP, self._close)

    def ended(self, status: int) -> None:
        """Tell the runtime how the command ended."""
        self._ended = True
        code, number = exit_code(status)
        self.connection.send(
            {"event": "exec_exited", "exec": self.id, "code": code, "signal": number}
        )
        self._check()

    def runtime_left(self) -> None:
        """From now on nobody else reads the output."""
        for descriptor in self._kept:
            self._loop.unregister(descriptor)
            os.set_blocking(descriptor, False)
            self._register(descriptor, READ, self._discard)

    def _register(
        self, descriptor: int, events: int, action: Callable[[int], None]
    ) -> None:
        self._loop.register(descriptor, events, lambda _events: action(descriptor))

    def _discard(self, descriptor: int) -> None:
        if read_some(descriptor) == b"":
            self._close(descriptor)

    def _close(self, descriptor: int) -> None:
        self._kept.discard(descriptor)
        self._loop.unregister(descriptor)
        os.close(descriptor)
        self._check()

    def _check(self) -> None:
        if self._ended and not self._kept:
            self._on_done(self)
