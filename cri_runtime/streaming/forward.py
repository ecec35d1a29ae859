"""One forward: a TCP connection into a pod, and what waits for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from hops.linger import abort
from hops.session import bind

if TYPE_CHECKING:
    from collections.abc import Hashable

    from hops.session import TraceParent

__all__ = ["Forward", "ForwardOwner"]

# Bytes that may wait for a slow process before the whole session waits for it: SPDY as
# Kubernetes uses it has no windows, so one forward cannot be held back alone.
_HIGH_WATER = 1024 * 1024
_LOW_WATER = 256 * 1024
# The same for what comes before the connection is there.
_EARLY = 256 * 1024


class ForwardOwner(Protocol):
    """The session, as its forwards see it."""

    def from_pod(self, forward: Forward, data: bytes) -> None:
        """The pod has sent something."""

    def pod_finished(self, forward: Forward) -> None:
        """The pod sends no more; it may still read."""

    def pod_gone(self, forward: Forward) -> None:
        """The connection is closed, or was reset."""

    def hold(self, who: Hashable) -> None:
        """Read nothing from the client before `release`."""

    def release(self, who: Hashable) -> None:
        """There is room again."""


class Forward(asyncio.Protocol):
    """The pod's end. `number` names it in the session.

    States: waiting (no transport yet), joined, gone.

    Attributes:
        from_client: how many bytes the client has sent.
    """

    def __init__(
        self,
        owner: ForwardOwner,
        number: int,
        port: int,
        session: TraceParent | None = None,
    ) -> None:
        self.number = number
        self.port = port
        self.client_finished = False
        self.pod_finished = False
        self.from_client = 0
        self._owner = owner
        self._session = session
        self._transport: asyncio.Transport | None = None
        self._early: list[bytes] = []
        self._early_size = 0
        self._paused = False
        self._gone = False

    # from the client

    def write(self, data: bytes) -> None:
        """Send to the pod, or keep until it is connected."""
        if self._gone or self.client_finished:
            return
        self.from_client += len(data)
        if self._transport is not None:
            self._transport.write(data)
            return
        self._early.append(data)
        self._early_size += len(data)
        if self._early_size > _EARLY:
            self._owner.hold(self)

    def finish(self) -> None:
        """The client sends no more."""
        self.client_finished = True
        if self._transport is not None and not self._gone:
            _write_eof(self._transport)

    def close(self) -> None:
        """Let go: what was written is sent, what comes is not read."""
        self._leave()
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """The client wants nothing more. What it sent arrives if it had ended there."""
        self._leave()
        if self._transport is None:
            return
        if self.client_finished:
            self._transport.close()
        else:
            abort(self._transport)

    def pause(self) -> None:
        """The client is slow: read nothing from the pod."""
        self._paused = True
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the transport: send what has come meanwhile."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport
        assert self._transport is not None  # noqa: S101 - just set
        if self._session is not None:
            bind(transport, self._session)
        if self._gone:
            abort(self._transport)
            return
        self._transport.set_write_buffer_limits(_HIGH_WATER, _LOW_WATER)
        if self._paused:
            self._transport.pause_reading()
        early, self._early = self._early, []
        self._transport.writelines(early)
        if self._transport.get_write_buffer_size() <= _HIGH_WATER:
            self._owner.release(self)
        if self.client_finished:
            _write_eof(self._transport)

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        if not self._gone:
            self._owner.from_pod(self, data)

    def eof_received(self) -> bool:
        """Called by the transport. True: the pod may still read."""
        self.pod_finished = True
        if not self._gone:
            self._owner.pod_finished(self)
        return not self._gone

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the transport, once."""
        if not self._gone:
            self._leave()
            self._owner.pod_gone(self)

    def pause_writing(self) -> None:
        """Called by the transport: the pod is slow."""
        if not self._gone:
            self._owner.hold(self)

    def resume_writing(self) -> None:
        """Called by the transport."""
        self._owner.release(self)

    def _leave(self) -> None:
        self._gone = True
        self._early.clear()
        self._owner.release(self)


def _write_eof(transport: asyncio.Transport) -> None:
    if transport.can_write_eof() and not transport.is_closing():
        transport.write_eof()
