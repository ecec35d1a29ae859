"""Stand between two ends that are not ours, or in front of a library's own socket.

grpcio opens its sockets itself; the runtime listens publicly through a Relay, so
that its hop is counted and can be traced like any other.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hops.connection import Connection
from hops.dial import ConnectError, dial_connection
from hops.listen import Listener, listen
from hops.splice import splice
from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    import asyncio
    import ssl

    from hops.hop import Address, Hop
    from hops.hops import Hops

__all__ = ["Relay"]

logger = logging.getLogger(__name__)


class Relay:
    """Accepts on one address and joins each connection to one dialled to another.

    Usage: `relay = await Relay(hops, hop, listen_address, dial_address).start()`.
    """

    def __init__(
        self,
        hops: Hops,
        hop: Hop,
        listen_address: Address,
        dial_address: Address,
        *,
        listen_tls: ssl.SSLContext | None = None,
        dial_tls: ssl.SSLContext | None = None,
    ) -> None:
        self._hops = hops
        self._hop = hop
        self._listen_address = listen_address
        self._dial_address = dial_address
        self._listen_tls = listen_tls
        self._dial_tls = dial_tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: Listener | None = None

    @property
    def address(self) -> Address:
        """Where it listens."""
        if self._listener is None:
            return self._listen_address
        return self._listener.address

    async def start(self) -> Relay:
        """Listen. Answers itself."""
        self._listener = await listen(
            self._hops,
            self._hop,
            self._listen_address,
            self._accept,
            tls=self._listen_tls,
        )
        return self

    def close(self) -> None:
        """Accept no more; connections that are joined stay until `wait_closed`."""
        if self._listener is not None:
            self._listener.close()

    async def wait_closed(self) -> None:
        """End the joined connections and wait until they are gone."""
        self.close()
        await cancel_and_wait(*self._tasks)

    def _accept(self) -> Connection:
        return _Accepted(self)

    def begin(self, accepted: Connection) -> None:
        """Called for each accepted connection."""
        task = spawn(f"relay {self._hop}", self._join(accepted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, accepted: Connection) -> None:
        try:
            # What we dial is not another hop: only the accepted side is counted.
            dialled = await dial_connection(
                self._hops.silent(), self._hop, self._dial_address, tls=self._dial_tls
            )
        except ConnectError as err:
            logger.warning("relay could not connect: %s", err)
            accepted.abort()
            return
        await splice(accepted, dialled)


class _Accepted(Connection):
    """A connection that tells its relay when it is there."""

    def __init__(self, relay: Relay) -> None:
        super().__init__()
        self._relay = relay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._relay.begin(self)
