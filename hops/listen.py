"""Listen on a hop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import stat
from typing import TYPE_CHECKING, cast

from hops.door import Door
from hops.doorkeeper import Doorkeeper
from hops.errors import ConnectError, tls_error_text
from hops.filter import HopProtocol
from hops.hop import format_address
from hops.tls.transport import TlsTransport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hops.hop import Address, Hop
    from hops.hops import Hops

__all__ = ["Listener", "bind_unix", "listen"]

logger = logging.getLogger(__name__)

_BACKLOG = 1024


class Listener:
    """A listening socket. `address` is the actual one, also when port 0 was asked."""

    def __init__(self, door: Door, address: Address) -> None:
        self.address = address
        self._door = door

    @property
    def port(self) -> int:
        """The TCP port."""
        if isinstance(self.address, str):
            raise TypeError(f"{self.address} has no port")
        return self.address[1]

    def close(self) -> None:
        """Accept no more. Connections that are open stay open."""
        self._door.close()

    async def wait_closed(self) -> None:
        """Wait until the socket is closed. Unlike asyncio's: not for connections."""
        await asyncio.sleep(0)


async def listen(
    hops: Hops,
    hop: Hop,
    address: Address,
    protocol_factory: Callable[[], asyncio.BaseProtocol],
    *,
    tls: ssl.SSLContext | None = None,
) -> Listener:
    """Accept connections and give each a protocol.

    A Unix socket that a dead process left is replaced; its mode is 0600. A path that
    begins with a zero byte is a name in Linux' abstract namespace (unix(7)), which
    everybody may connect to: who accepts must look at the peer.

    Raises:
        OSError: the address is in use, or not ours.
    """
    sock = _bind(address)
    loop = asyncio.get_running_loop()

    def accept() -> asyncio.BaseProtocol:
        pipe = hops.pipe_for(hop, "server")

        def greet(transport: asyncio.Transport) -> asyncio.BaseProtocol:
            hops.track(hop, transport)
            protocol = protocol_factory()
            return protocol if pipe is None else HopProtocol(pipe, "server", protocol)

        def begin(transport: asyncio.Transport) -> asyncio.BaseProtocol:
            if tls is None:
                return greet(transport)
            context = tls if pipe is None else pipe.tls_context(tls)
            return TlsTransport(context, greet, server_side=True, failed=_log_failure)

        actions = [] if pipe is None else pipe.connecting(loop.time())
        return Doorkeeper(actions, begin) if actions else _Greeter(begin)

    def serve(bound: socket.socket) -> Awaitable[asyncio.Server]:
        return loop.create_server(accept, sock=bound, backlog=_BACKLOG)

    server = await serve(sock)
    actual = address if isinstance(address, str) else sock.getsockname()[:2]
    door = Door(server, actual, _bind, serve)
    hops.track_door(hop, door)
    return Listener(door, actual)


def _bind(address: Address) -> socket.socket:
    if isinstance(address, str):
        return bind_unix(address)
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as err:
        sock.close()
        reason = os.strerror(err.errno or 0).lower()
        text = f"listen tcp {format_address(address)}: bind: {reason}"
        raise ConnectError(text, err) from err
    except OverflowError:
        sock.close()
        text = f"listen tcp: address {port}: invalid port"  # as Go says it
        raise ConnectError(text) from None
    return sock


def _is_abstract(path: str) -> bool:
    return path.startswith("\0")


def bind_unix(path: str) -> socket.socket:
    """A bound Unix socket of mode 0600, in place of one that a dead process left.

    Raises:
        ConnectError: it is in use, or cannot be made.
    """
    if not _is_abstract(path):
        _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mode must be right from the first moment, so the mask, not chmod.
    mask = os.umask(0o177)
    try:
        sock.bind(path)
    except OSError as err:
        sock.close()
        reason = os.strerror(err.errno).lower() if err.errno else str(err)
        raise ConnectError(f"listen unix {path}: bind: {reason}", err) from err
    finally:
        os.umask(mask)
    return sock


def _remove_stale(path: str) -> None:
    """Remove a socket that nobody listens on; a live one is left to fail the bind."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        except OSError:
            return


def _log_failure(exc: BaseException) -> None:
    text = tls_error_text(exc) if isinstance(exc, ssl.SSLError) else str(exc)
    logger.info("TLS handshake error: %s", text)


class _Greeter(asyncio.Protocol):
    """Makes the real protocol when the transport is there, then steps aside."""

    def __init__(
        self, greet: Callable[[asyncio.Transport], asyncio.BaseProtocol]
    ) -> None:
        self._greet = greet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        protocol = self._greet(stream)
        stream.set_protocol(protocol)
        protocol.connection_made(stream)
