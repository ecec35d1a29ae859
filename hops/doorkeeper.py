"""Faults on a connection that was accepted, before it says anything."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from hops.linger import reset
from hops.pipe import Action, Delay, Stall

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Doorkeeper"]


class Doorkeeper(asyncio.Protocol):
    """Acts, then makes the real protocol and steps aside; or cuts; or stalls for ever.

    Nothing is read meanwhile: to the peer it looks as if nobody called accept(2).
    """

    def __init__(
        self,
        actions: Sequence[Action],
        begin: Callable[[asyncio.Transport], asyncio.BaseProtocol],
    ) -> None:
        self._actions = deque(actions)
        self._begin = begin
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the first action."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.pause_reading()
        self._go_on()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over before it began."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        transport = self._transport
        if transport is None:
            return
        while self._actions:
            match self._actions.popleft():
                case Delay(seconds):
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(seconds, self._go_on)
                    return
                case Stall():
                    return
                case _:
                    reset(transport)
                    return
        protocol = self._begin(transport)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()
