"""Stands in front of a server whose protocol needs no understanding to be passed on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from hops.dial import ConnectError
from hops.splice import splice
from tap.front import Front
from tap.pumping import join

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from hops.connection import Connection
    from hops.hop import Address, Hop
    from hops.hops import Hops
    from tap.upstream import Upstream

__all__ = ["ByteTap", "Changer"]

logger = logging.getLogger(__name__)


class Changer(Protocol):
    """Changes what goes by on one connection."""

    def upward(self, data: bytes) -> bytes:
        """What the server gets for what the client sent."""

    def downward(self, data: bytes) -> bytes:
        """What the client gets for what the server sent."""


class ByteTap(Front):
    """Listens; a connection here is one there. `start` it, and `close` it.

    Args:
        tls: what it listens with.
        onward_tls: by the protocol that the client chose (ALPN), what it dials with.
        changer: makes who changes a connection's bytes; without it they are spliced.
    """

    def __init__(
        self,
        hops: Hops,
        hop: Hop,
        upstream: Upstream,
        address: Address,
        *,
        tls: ssl.SSLContext | None = None,
        onward_tls: Callable[[str | None], ssl.SSLContext | None] = lambda chosen: None,
        changer: Callable[[], Changer] | None = None,
    ) -> None:
        super().__init__(hops, hop, address, tls)
        self._upstream = upstream
        self._onward_tls = onward_tls
        self._changer = changer

    async def serve(self, client: Connection) -> None:
        secured = client.get_extra_info("ssl_object")
        chosen = secured.selected_alpn_protocol() if secured is not None else None
        try:
            server = await self._upstream.dial(self._onward_tls(chosen))
        except ConnectError as err:
            self.tell_unreached(client, err)
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
