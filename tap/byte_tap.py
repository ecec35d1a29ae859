"""Stands in front of a server whose protocol needs no understanding to be passed on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from hops.connection import Connection
from hops.dial import ConnectError
from hops.hops import Hops
from hops.listen import Listener, listen
from hops.splice import splice
from hops.tasks import cancel_and_wait, spawn
from tap.pumping import join

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable

    from hops.hop import Address, Hop
    from tap.upstream import Upstream

__all__ = ["ByteTap", "Changer"]

logger = logging.getLogger(__name__)


class Changer(Protocol):
    """Changes what goes by on one connection."""

    def upward(self, data: bytes) -> bytes:
        """What the server gets for what the client sent."""

    def downward(self, data: bytes) -> bytes:
        """What the client gets for what the server sent."""


class ByteTap:
    """Listens; a connection here is one there. `start` it, and `close` it.

    Args:
        tls: what it listens with.
        onward_tls: by the protocol that the client chose (ALPN), what it dials with.
        changer: makes who changes a connection's bytes; without it they are spliced.
    """

    def __init__(
        self,
        hop: Hop,
        upstream: Upstream,
        address: Address,
        *,
        tls: ssl.SSLContext | None = None,
        onward_tls: Callable[[str | None], ssl.SSLContext | None] = lambda chosen: None,
        changer: Callable[[], Changer] | None = None,
    ) -> None:
        self._hop = hop
        self._upstream = upstream
        self._address = address
        self._tls = tls
        self._onward_tls = onward_tls
        self._changer = changer
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
        task = spawn("tap connection", self._serve(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: Connection) -> None:
        secured = client.get_extra_info("ssl_object")
        chosen = secured.selected_alpn_protocol() if secured is not None else None
        try:
            server = await self._upstream.dial(self._onward_tls(chosen))
        except ConnectError as err:
            logger.warning("%s", err)
            client.abort()
            return
        try:
            if self._changer is None:
                await splice(client, server, half_close=True)
            else:
                changer = self._changer()
                await join(client, server, changer.upward, changer.downward)
        except OSError as err:
            logger.debug("a connection broke: %s", err)
        finally:
            client.abort()
            server.abort()


class _Client(Connection):
    """A connection that tells when it is there."""

    def __init__(self, tap: ByteTap) -> None:
        super().__init__()
        self._tap = tap

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._tap.begin(self)
