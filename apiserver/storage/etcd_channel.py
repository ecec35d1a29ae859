"""A gRPC channel to etcd whose bytes go over a hop.

grpcio opens its sockets itself, so it is given a Unix socket of ours, and each of its
connections is joined to one that `hops` dials: counted, traced and broken like every
other, with TLS of our own. Who reaches that socket has the credentials of this process,
so only this process is let in. On Linux it has no file that a crash could leave behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import platform
import shutil
import socket
import struct
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import grpc.aio

from hops.connection import Connection
from hops.dial import ConnectError, dial_connection
from hops.hop import Hop, format_address
from hops.hops import Hops
from hops.listen import Listener, listen
from hops.splice import splice
from hops.tasks import cancel_and_wait, spawn
from hops.tls.contexts import client_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from pathlib import Path

    from hops.hop import Address

__all__ = ["EtcdChannel", "EtcdEndpoint", "EtcdFiles", "parse_endpoint"]

logger = logging.getLogger(__name__)

_PORT = 2379
_ABSTRACT = platform.system() == "Linux"

# As kube-apiserver: keepalive 30 s, answer within 10 s, no limit on what is received.
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.enable_http_proxy", 0),
    # A fixed window, instead of pings after each answer that measure the best one.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1024 * 1024),
]


@dataclass(frozen=True, slots=True)
class EtcdFiles:
    """PEM files: who may be etcd, and who we are. None: the system's; nobody."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class EtcdEndpoint:
    """One server of the cluster."""

    address: Address
    secure: bool


def parse_endpoint(url: str) -> EtcdEndpoint:
    """`http://host:port`, `https://host:port`, `unix:///path`, or `host:port`.

    Raises:
        ValueError: it is none of these.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme in ("unix", "unixs") and parts.path:
        return EtcdEndpoint(parts.path, parts.scheme == "unixs")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"--etcd-servers: {url!r} is not a URL of etcd")
    return EtcdEndpoint((parts.hostname, parts.port or _PORT), parts.scheme == "https")


class EtcdChannel:
    """Make it with `open`; `stub` is a grpc.aio channel.

    Attributes:
        trouble: why no server could be reached the last time, in Go's words, or "".
    """

    def __init__(
        self, hops: Hops, endpoints: Sequence[EtcdEndpoint], tls: ssl.SSLContext | None
    ) -> None:
        self.trouble = ""
        self.stub: grpc.aio.Channel
        self._hops = hops
        self._endpoints = list(endpoints)
        self._tls = tls
        self._folder = ""
        self._listener: Listener | None = None
        self._joined: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, hops: Hops, servers: Sequence[str], files: EtcdFiles) -> Self:
        """Make the channel; nothing is dialled yet.

        Raises:
            ValueError: a URL or a set of files that cannot be.
            OSError: a file cannot be read.
        """
        endpoints = [parse_endpoint(url) for url in servers]
        if not endpoints:
            raise ValueError("--etcd-servers must be specified")
        tls = _tls(files) if any(each.secure for each in endpoints) else None
        channel = cls(hops, endpoints, tls)
        await channel._start()
        return channel

    async def _start(self) -> None:
        path = self._socket_name()
        # What grpcio dials is no hop: it ends in this same process.
        silent = Hops(self._hops.process, armed=False)
        self._listener = await listen(
            silent, Hop.APISERVER_ETCD, path, lambda: _Accepted(self)
        )
        authority = format_address(self._endpoints[0].address)
        options = [*_OPTIONS, ("grpc.default_authority", authority)]
        scheme = "unix-abstract" if path.startswith("\0") else "unix"
        name = path.removeprefix("\0")
        self.stub = grpc.aio.insecure_channel(f"{scheme}:{name}", options)

    def _socket_name(self) -> str:
        if _ABSTRACT:
            return f"\0mini-kube-etcd-{os.getpid()}-{os.urandom(8).hex()}"
        self._folder = tempfile.mkdtemp(prefix="mini-kube-etcd-")  # mode 0700
        return os.path.join(self._folder, "grpc.sock")

    def begin(self, accepted: Connection) -> None:
        """Called for each connection that grpcio opens."""
        task = spawn("etcd connection", self._join(accepted))
        self._joined.add(task)
        task.add_done_callback(self._joined.discard)

    async def _join(self, accepted: Connection) -> None:
        try:
            dialled = await self._dial()
        except ConnectError as err:
            self.trouble = str(err)
            accepted.abort()
            return
        self.trouble = ""
        try:
            await splice(accepted, dialled)
        except OSError as err:
            logger.debug("etcd connection broke: %s", err)
        finally:
            accepted.abort()
            dialled.abort()
            # Also when this is cancelled, and cancelled again.
            gone = asyncio.gather(accepted.wait_closed(), dialled.wait_closed())
            await asyncio.shield(gone)

    async def _dial(self) -> Connection:
        """The first server that answers; who does not goes to the end of the list."""
        for remaining in reversed(range(len(self._endpoints))):
            endpoint = self._endpoints[0]
            try:
                return await dial_connection(
                    self._hops,
                    Hop.APISERVER_ETCD,
                    endpoint.address,
                    tls=self._tls if endpoint.secure else None,
                )
            except ConnectError:
                self._endpoints.append(self._endpoints.pop(0))
                if not remaining:
                    raise
        raise AssertionError("there is at least one endpoint")

    async def close(self) -> None:
        """End the connections and remove the socket."""
        await self.stub.close(None)
        if self._listener is not None:
            self._listener.close()
        await cancel_and_wait(*self._joined)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


class _Accepted(Connection):
    """A connection of grpcio's that tells when it is there."""

    def __init__(self, channel: EtcdChannel) -> None:
        super().__init__()
        self._channel = channel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if _is_this_process(transport.get_extra_info("socket")):
            self._channel.begin(self)
        else:
            logger.warning("another process knocked at the socket of the etcd client")
            self.abort()


def _is_this_process(sock: socket.socket) -> bool:
    """Whether the peer of a Unix socket is this process (unix(7), SO_PEERCRED)."""
    if not _ABSTRACT:
        return True  # the folder is locked
    size = struct.calcsize("3i")
    answer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    pid, _, _ = struct.unpack("3i", answer)
    return bool(pid == os.getpid())


def _tls(files: EtcdFiles) -> ssl.SSLContext:
    if (files.cert is None) != (files.key is None):
        raise ValueError("--etcd-certfile and --etcd-keyfile go together")
    context = client_context(files.ca, cert=files.cert, key=files.key)
    # gRPC refuses a connection on which HTTP/2 was not agreed.
    context.set_alpn_protocols(["h2"])
    return context
