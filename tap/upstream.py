"""The real component behind a tap: where it is, and how it is to be dialled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hops.dial import dial_connection
from hops.hop import Address, format_address

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from hops.connection import Connection
    from hops.hop import Hop
    from hops.hops import Hops

__all__ = ["ServerUrl", "Upstream", "parse_server", "target_address"]

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """Where a server is.

    Attributes:
        path: what its URL has behind the authority, without a slash at the end.
    """

    address: Address
    secure: bool
    path: str = ""

    @property
    def authority(self) -> str:
        """The value of the Host header: a scheme's own port is left out."""
        if isinstance(self.address, str):
            return "localhost"
        host, port = self.address
        if port == _PORTS["https" if self.secure else "http"]:
            return f"[{host}]" if ":" in host else host
        return format_address(self.address)


def parse_server(url: str, *, default_port: int | None = None) -> ServerUrl:
    """`https://host:port/path`, `http://…`, `host:port` (TLS), or `unix:///path`.

    Raises:
        ValueError: it is none of these.
    """
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme == "unix" and parts.path:
        return ServerUrl(parts.path, secure=False)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not the URL of a server")
    port = parts.port or default_port or _PORTS[parts.scheme]
    secure = parts.scheme == "https"
    return ServerUrl((parts.hostname, port), secure, parts.path.rstrip("/"))


def target_address(text: str) -> Address:
    """Where to listen: `host:port`, `:port`, `unix:///path` or `/path`.

    Raises:
        ValueError: it is none of these.
    """
    path = text.removeprefix("unix://")
    if path.startswith("/"):
        return path
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(
            f"{text!r} is not an address: host:port, or the path of a socket"
        )
    return host.strip("[]") or "127.0.0.1", int(port)


class Upstream:
    """Dials the real component, on its hop.

    Args:
        tls: answers the settings for the next connection, or None for plain text.
        server_name: what its certificate must be valid for; by default its host.
    """

    def __init__(
        self,
        hops: Hops,
        hop: Hop,
        server: ServerUrl,
        *,
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
        server_name: str = "",
    ) -> None:
        self.server = server
        self._hops = hops
        self._hop = hop
        self._tls = tls
        self._server_name = server_name

    async def dial(self, tls: ssl.SSLContext | None = None) -> Connection:
        """A new connection; `tls` in place of the usual settings.

        Raises:
            ConnectError: with Go's text.
        """
        return await dial_connection(
            self._hops,
            self._hop,
            self.server.address,
            tls=tls or self._tls(),
            server_hostname=self._server_name or None,
        )

    async def check(self) -> None:
        """Whether it is there, and is who it should be. Raises ConnectError."""
        connection = await self.dial()
        connection.close()
        await connection.wait_closed()
