"""A listening socket that can be shut for a while: then connections are refused.

Who listens keeps its address meanwhile: a TCP socket that is bound and does not listen
makes the kernel refuse (tcp(7)), and nobody else gets the port.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Awaitable, Callable

    from hops.hop import Address

__all__ = ["Door"]


class Door:
    """The server of one address.

    Args:
        server: it accepts now.
        address: the actual one.
        bind: makes a socket that is bound to it.
        serve: makes a server of such a socket.
    """

    def __init__(
        self,
        server: asyncio.Server,
        address: Address,
        bind: Callable[[Address], socket.socket],
        serve: Callable[[socket.socket], Awaitable[asyncio.Server]],
    ) -> None:
        self._server: asyncio.Server | None = server
        self._address = address
        self._bind = bind
        self._serve = serve
        self._held: socket.socket | None = None
        self._closed = False

    @property
    def is_shut(self) -> bool:
        """Whether connections are refused for now."""
        return self._server is None

    def shut(self) -> None:
        """Refuse connections. Those that are open stay open."""
        if self._server is None or self._closed:
            return
        self._server.close()
        self._server = None
        if isinstance(self._address, str):
            self._unlink()
        else:
            self._held = self._bind(self._address)

    async def open(self) -> None:
        """Accept again.

        Raises:
            OSError: somebody else has taken a Unix socket's place.
        """
        if self._server is not None or self._closed:
            return
        held, self._held = self._held, None
        self._server = await self._serve(held or self._bind(self._address))

    def close(self) -> None:
        """Accept no more, for good."""
        self._closed = True
        self._unlink()
        if self._server is not None:
            self._server.close()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _unlink(self) -> None:
        """A name in the abstract namespace goes with its socket (unix(7))."""
        if isinstance(self._address, str) and not self._address.startswith("\0"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._address)
