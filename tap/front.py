"""Where clients come in: listens, and has each served by a task of its own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hops.connection import Connection
from hops.hops import Hops
from hops.listen import listen
from hops.tasks import cancel_and_wait, spawn
from tap.unreached import tell_unreached

if TYPE_CHECKING:
    import asyncio
    import ssl

    from hops.errors import ConnectError
    from hops.hop import Address, Hop
    from hops.listen import Listener

__all__ = ["Front"]

logger = logging.getLogger(__name__)


class Front:
    """Listens; `start` it, and `close` it. Who serves clients says how in `serve`."""

    def __init__(
        self, hops: Hops, hop: Hop, address: Address, tls: ssl.SSLContext | None = None
    ) -> None:
        self._hops = hops
        self._hop = hop
        self._address = address
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: Listener | None = None

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._address if self._listener is None else self._listener.address

    async def start(self) -> None:
        """Listen. Raises OSError."""
        # The far side is on the hop: a connection is told of once.
        silent = Hops("tap", armed=False)
        self._listener = await listen(
            silent, self._hop, self._address, lambda: _Client(self), tls=self._tls
        )

    async def close(self) -> None:
        """Listen no more and end the connections."""
        if self._listener is not None:
            self._listener.close()
        await cancel_and_wait(*self._tasks)

    def begin(self, client: Connection) -> None:
        """Called for each client."""
        task = spawn("tap connection", self.serve(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def tell_unreached(
        self,
        client: Connection,
        reason: ConnectError,
        *,
        asked: bytes = b"",
        answered: bytes = b"",
    ) -> None:
        """The server is not there: log it, and put it into the trace."""
        logger.warning("%s", reason)
        tell_unreached(
            self._hops, self._hop, client, reason, asked=asked, answered=answered
        )

    async def serve(self, client: Connection) -> None:
        """See to one client to its end."""
        raise NotImplementedError


class _Client(Connection):
    """A connection that tells when it is there."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._front.begin(self)
