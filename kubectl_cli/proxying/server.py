"""`kubectl proxy`: each local client has a thread, and a connection to the API server.

Source: kubernetes/kubectl pkg/proxy/proxy_server.go.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time

from hops.blocking.connection import stream_text
from hops.blocking.dial import DialError
from kubectl_cli.client.verbosity import klog
from kubectl_cli.proxying.answers import plain
from kubectl_cli.proxying.exchange import ClientLeftError, Exchange
from wire.bad_requests import BAD_REQUEST, check_request, refusal
from wire.errors import ProtocolError, RemoteProtocolError
from wire.http1 import (
    BodyReader,
    HeadReader,
    RequestHead,
    get_all,
    get_header,
    is_upgrade,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hops.blocking.connection import BlockingConnection
    from kubectl_cli.client.rest import RestClient
    from kubectl_cli.proxying.routes import Routes
    from wire.http1 import Headers

__all__ = ["ProxyServer"]

_READ = 64 * 1024
_LINGER = 0.5  # seconds without a byte
_MAX_LINGER = 256 * 1024
_BREATH = 0.05  # seconds to wait for a free descriptor


class ProxyServer:
    """Serves whoever connects to `listener`, with the user's credentials."""

    def __init__(
        self, listener: socket.socket, client: RestClient, routes: Routes
    ) -> None:
        self._listener = listener
        self.client = client
        self.routes = routes

    def run(self) -> None:
        """Accept for ever."""
        self._listener.setblocking(True)
        while True:
            try:
                stream, address = self._listener.accept()
            except OSError:
                time.sleep(_BREATH)
                continue
            peer = address[0] if isinstance(address, tuple) else ""
            client = _Client(self, stream, peer)
            threading.Thread(target=client.run, daemon=True).start()


class _Client:
    """One local connection, request by request."""

    def __init__(self, server: ProxyServer, stream: socket.socket, peer: str) -> None:
        self._server = server
        self._stream = stream
        self._peer = peer
        self._upstream: BlockingConnection | None = None
        self._rest = b""
        self._has_body = False

    def run(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self._serve():
                pass
        except (ClientLeftError, OSError):
            pass
        finally:
            self._hang_up()
            self._stream.close()

    def _serve(self) -> bool:
        """Answer one request; whether another may follow."""
        head = self._read_head()
        if head is None:
            return False
        version = (int(head.version[5]), int(head.version[7]))
        hosts = get_all(head.headers, "host")
        if wrong := check_request(head.method, head.target, version, hosts):
            self._stream.sendall(refusal(wrong))
            return False
        route = self._server.routes.find(head)
        if isinstance(route, str):
            return self._exchange(head, route)
        self._stream.sendall(route)
        # A body that nobody has read stands before the next request.
        if self._has_body:
            self._linger()
        return not self._has_body and head.version == "HTTP/1.1"

    def _linger(self) -> None:
        """Take some of what still comes: closing on it would reset the answer away.

        Source: golang/go net/http server.go (closeWriteAndWait, maxPostHandlerReadBytes).
        """
        self._stream.shutdown(socket.SHUT_WR)
        self._stream.settimeout(_LINGER)
        left = _MAX_LINGER
        while left > 0 and (data := self._stream.recv(_READ)):
            left -= len(data)

    def _read_head(self) -> RequestHead | None:
        reader = HeadReader("request")
        data = self._rest
        try:
            while True:
                if data and (head := reader.receive_data(data)):
                    self._rest = reader.leftover
                    if isinstance(head, RequestHead):
                        self._has_body = not BodyReader.for_request(head).complete
                        return head
                data = self._stream.recv(_READ)
                if not data:
                    return None
        except RemoteProtocolError:
            self._stream.sendall(refusal(BAD_REQUEST))
            return None

    def _exchange(self, head: RequestHead, target: str) -> bool:
        exchange = None
        try:
            upstream = self._connect()
            exchange = Exchange(self._stream, upstream, head, self._rest)
            exchange.run(target, self._headers(head))
        except (DialError, ProtocolError, OSError) as error:
            return self._fail(
                head, error, began=exchange is not None and exchange.began
            )
        self._rest = exchange.rest
        self._server.client.http.remember(upstream)
        if not exchange.keeps_upstream:
            self._hang_up()
        return exchange.keeps_local

    def _headers(self, head: RequestHead) -> Headers:
        client = self._server.client
        before = get_header(head.headers, "x-forwarded-for")
        forwarded = f"{before}, {self._peer}" if before else self._peer
        headers = [("Host", client.http.authority), *client.identity()]
        return [*headers, ("X-Forwarded-For", forwarded)] if forwarded else headers

    def _connect(self) -> BlockingConnection:
        """The connection to the server, a fresh one if the last has been closed."""
        if self._upstream is not None and _is_readable(self._upstream):
            self._hang_up()
        if self._upstream is None:
            self._upstream = self._server.client.http.open(None)
        return self._upstream

    def _fail(self, head: RequestHead, error: Exception, *, began: bool) -> bool:
        text = str(error)
        if isinstance(error, OSError) and self._upstream is not None:
            text = stream_text(self._upstream, error)
        if isinstance(error, DialError) and is_upgrade(head.headers):
            text = f"error dialing backend: {text}"
        klog("E", "proxy_server.go:147", f"Error while proxying request: {text}")
        if not began:
            self._stream.sendall(plain(500, text))
        return False

    def _hang_up(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()


def _is_readable(connection: BlockingConnection) -> bool:
    """Nothing is due on an idle connection but its end."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
