"""An exec or attach session over SPDY: begins when the client has opened its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cri_runtime.streaming.session import Session

if TYPE_CHECKING:
    import asyncio

    from hops.narrator import Narrator
    from wire.carrier import Buffer
    from wire.remotecommand import ServerEvent
    from wire.remotecommand_spdy import SpdyRemoteCommandServer

__all__ = ["SpdySession"]


class SpdySession(Session):
    """The idle timeout is the core's here: any frame counts, a PING too.

    Source: moby/spdystream connection.go (SetIdleTimeout).
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        server: SpdyRemoteCommandServer,
        *,
        drains: bool,
        narrator: Narrator | None = None,
    ) -> None:
        self._spdy = server
        super().__init__(
            transport, server, drains=drains, idle_timeout=0.0, narrator=narrator
        )

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        super().data_received(data)
        self._timer.update()

    @property
    def _may_begin(self) -> bool:
        return self._spdy.ready

    def _receive(self, data: bytes) -> list[ServerEvent]:
        return self._spdy.receive_data(data, self._loop.time())

    def _take(self) -> list[Buffer]:
        return self._spdy.data_to_send(self._loop.time())

    def _deadline(self) -> float | None:
        return self._spdy.deadline()

    def _expire(self, now: float) -> None:
        self.tell("", "idle timeout" if self._spdy.ready else "streams missing")
        for event in self._spdy.expire(now):
            self._handle(event)
        self._flush()
