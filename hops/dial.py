"""Connect to a peer on a hop."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING, TypeVar

from hops.connection import Connection
from hops.errors import ConnectError, dial_error
from hops.filter import HopProtocol
from hops.pipe import Delay, Stall
from hops.tls.sessions import known_session, remember_session
from hops.tls.transport import TlsTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.hop import Address, Hop
    from hops.hops import Hops
    from hops.pipe import Pipe

__all__ = ["ConnectError", "dial", "dial_connection"]

_P = TypeVar("_P", bound=asyncio.BaseProtocol)


async def dial(
    hops: Hops,
    hop: Hop,
    address: Address,
    protocol_factory: Callable[[], _P],
    *,
    tls: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
) -> tuple[asyncio.Transport, _P]:
    """Connect, with TLS when a context is given, and put a protocol on it.

    The certificate is checked against `server_hostname`, by default the host of the
    address. No timeout of its own: use `asyncio.timeout` around it.

    Raises:
        ConnectError: with Go's text.
    """
    protocol = protocol_factory()
    pipe = hops.pipe_for(hop, "client")
    bottom = protocol if pipe is None else HopProtocol(pipe, "client", protocol)
    if tls is not None and server_hostname is None and isinstance(address, tuple):
        server_hostname = address[0]
    try:
        if pipe is not None:
            await _before(pipe)
            tls = tls and pipe.tls_context(tls)
        below = await _connect(address, bottom, tls, server_hostname)
    except (OSError, ssl.SSLError) as err:
        raise dial_error(address, err) from err
    hops.track(hop, below)
    transport = bottom.view if isinstance(bottom, HopProtocol) else below
    return transport, protocol


async def _before(pipe: Pipe) -> None:
    """What faults do before the connection stands."""
    loop = asyncio.get_running_loop()
    for action in pipe.connecting(loop.time()):
        match action:
            case Delay(seconds):
                await asyncio.sleep(seconds)
            case Stall():
                await loop.create_future()  # until the caller has enough of it
            case _:
                raise ConnectionRefusedError(
                    errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)
                )


async def _connect(
    address: Address,
    protocol: asyncio.BaseProtocol,
    tls: ssl.SSLContext | None,
    server_hostname: str | None,
) -> asyncio.Transport:
    if tls is None:
        return await _connect_socket(address, protocol)
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ready.add_done_callback(lambda done: done.cancelled() or done.exception())

    def succeed(transport: TlsTransport) -> asyncio.BaseProtocol:
        if not ready.done():
            ready.set_result(None)
        return protocol

    def fail(exc: BaseException) -> None:
        if not ready.done():
            ready.set_exception(exc)

    def remember(session: ssl.SSLSession | None) -> None:
        remember_session(tls, address, server_hostname, session)

    transport = TlsTransport(
        tls,
        succeed,
        server_side=False,
        server_hostname=server_hostname,
        failed=fail,
        session=known_session(tls, address, server_hostname),
        remember=remember,
    )
    below = await _connect_socket(address, transport)
    try:
        await ready
    except BaseException:
        below.abort()
        raise
    return transport


async def _connect_socket(
    address: Address, protocol: asyncio.BaseProtocol
) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    if isinstance(address, str):
        transport, _ = await loop.create_unix_connection(lambda: protocol, address)
        return transport
    host, port = address
    connected, _ = await loop.create_connection(lambda: protocol, host, port)
    sock = connected.get_extra_info("socket")
    # Go's net.Dialer keeps connections alive by default.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connected


async def dial_connection(
    hops: Hops,
    hop: Hop,
    address: Address,
    *,
    tls: ssl.SSLContext | None = None,
    server_hostname: str | None = None,
) -> Connection:
    """Connect and answer a byte stream. Raises ConnectError."""
    _, connection = await dial(
        hops, hop, address, Connection, tls=tls, server_hostname=server_hostname
    )
    return connection
