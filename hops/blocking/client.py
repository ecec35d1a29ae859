"""The synchronous host of the protocol cores, for programs without an event loop.

The command line client loads no asyncio: that import alone takes longer than one
request. A `BlockingClient` keeps its connections and uses them again, also for an
upgrade, so that a whole `exec` costs one TLS handshake.

Source of the error texts: golang/go src/net/http, through kubernetes/client-go.
"""

from __future__ import annotations

import ssl
import time

from hops.blocking.connection import BlockingConnection, seconds_left, stream_text
from hops.blocking.dial import DialError, dial, proxy_authorization, proxy_for
from hops.blocking.responses import RequestError, Response, StreamingResponse, Upgraded
from hops.blocking.tls import TlsSettings, make_context
from wire.errors import ProtocolError, RemoteProtocolError
from wire.http1 import (
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_request_head,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from hops.pipe import Pipe

__all__ = ["BlockingClient"]

_PORTS = {"http": 80, "https": 443}


class BlockingClient:
    """Requests to one server. Not for several threads at once, except `stream`."""

    def __init__(
        self,
        base_url: str,
        *,
        tls: TlsSettings | None = None,
        proxy_url: str = "",
        timeout: float = 0,
        new_pipe: Callable[[], Pipe] | None = None,
    ) -> None:
        """`timeout` is for each whole request, in seconds; 0 is none."""
        self.base_url = base_url
        self._scheme, self.authority = _split_url(base_url)
        self._host, self._port = _split_authority(
            self.authority, _PORTS.get(self._scheme, 0)
        )
        self._tls = tls or TlsSettings()
        self._context: ssl.SSLContext | None = None
        #: What can be resumed, and the context it belongs to.
        self._resumable: tuple[ssl.SSLContext, ssl.SSLSession] | None = None
        self._proxy = proxy_for(self._scheme, self._host, self._port, proxy_url)
        self._timeout = timeout
        self.new_pipe = new_pipe
        #: Called once, when the next request is on its way: time to load a module.
        self.meanwhile: Callable[[], None] | None = None
        self._idle: list[BlockingConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop().close()

    def request(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        """Ask and read the whole answer.

        Raises:
            RequestError: no answer, or not all of it.
        """
        with self.stream(method, target, headers, body) as answer:
            return Response(
                answer.status, answer.reason, answer.headers, b"".join(answer.chunks())
            )

    def stream(
        self,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        timeout: float | None = None,
    ) -> StreamingResponse:
        """Ask and read the head; the body follows as it comes. Close the answer.

        `timeout` is for head and body together, instead of the client's own.
        """
        return _Exchange(self, method, target, headers, body, timeout).run()

    def upgrade(
        self, method: str, target: str, headers: Sequence[tuple[str, str]]
    ) -> Upgraded | StreamingResponse:
        """Ask for another protocol: the connection, or the answer that refuses it."""
        answer = self.stream(method, target, headers)
        if answer.status != 101:
            return answer
        connection, leftover = answer.detach()
        connection.set_timeout(None)
        return Upgraded(answer.head, connection, leftover)

    def url(self, target: str) -> str:
        """The whole URL of a target, for messages."""
        return f"{self._scheme}://{self.authority}{target}"

    def open(self, deadline: float | None) -> BlockingConnection:
        """A fresh connection."""
        if self._scheme not in _PORTS:
            raise DialError(f'unsupported protocol scheme "{self._scheme}"')
        if self._scheme == "https" and self._context is None:
            self._context = make_context(self._tls)
        context, resumable = self._context, self._resumable
        stream = dial(
            self._host,
            self._port,
            context=context,
            tls=self._tls,
            proxy=self._proxy,
            timeout=seconds_left(deadline),
            session=resumable[1] if resumable and resumable[0] is context else None,
        )
        return BlockingConnection(stream, self.new_pipe() if self.new_pipe else None)

    def remember(self, connection: BlockingConnection) -> None:
        """Keep the TLS session: with it the next handshake costs half (RFC 8446 2.2)."""
        stream = connection.stream
        if isinstance(stream, ssl.SSLSocket) and not stream.session_reused:
            session = stream.session
            self._resumable = None
            if session is not None and session.has_ticket:
                self._resumable = (stream.context, session)

    def take(self, deadline: float | None) -> BlockingConnection:
        """An idle connection, or a fresh one."""
        return self._idle.pop() if self._idle else self.open(deadline)

    def give_back(self, connection: BlockingConnection) -> None:
        """The answer was read whole and the server keeps the connection."""
        connection.used = True
        self._idle.append(connection)

    def head(
        self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> RequestHead:
        """The request with the headers that every request has."""
        if self._proxy is not None and self._scheme == "http":
            # RFC 9112 3.2.2: a proxy gets the absolute form
            target = f"http://{self.authority}{target}"
            if credentials := proxy_authorization(self._proxy):
                headers = [*headers, ("Proxy-Authorization", credentials)]
        whole = [("Host", self.authority), *headers]
        if body or method in ("POST", "PUT", "PATCH"):
            whole.append(("Content-Length", str(len(body))))
        return RequestHead(method, target, whole)

    def deadline(self, timeout: float | None = None) -> float | None:
        """When a request that starts now has to be over."""
        seconds = self._timeout if timeout is None else timeout
        return time.monotonic() + seconds if seconds else None


def _split_url(url: str) -> tuple[str, str]:
    """Scheme and authority. (urllib.parse costs 3 ms to import.)"""
    scheme, _, rest = url.partition("://")
    return scheme.lower(), rest.partition("/")[0].rpartition("@")[2]


def _split_authority(authority: str, default: int) -> tuple[str, int]:
    """Host without brackets, and port."""
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdigit():
        host, port = authority.removesuffix(":"), str(default)
    return host.strip("[]"), int(port)


class _Exchange:
    """One request and its answer's head, with one more try on a stale connection."""

    def __init__(
        self,
        client: BlockingClient,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        timeout: float | None = None,
    ) -> None:
        self.client = client
        self.method = method
        self.target = target
        self.bytes = (
            encode_request_head(client.head(method, target, headers, body)) + body
        )
        self.deadline = client.deadline(timeout)

    def run(self) -> StreamingResponse:
        try:
            return self._run()
        except TimeoutError:
            raise self.error(
                "net/http: request canceled"
                " (Client.Timeout exceeded while awaiting headers)"
            ) from None
        except (DialError, ProtocolError, ValueError) as error:
            raise self.error(str(error)) from None

    def _run(self) -> StreamingResponse:
        connection = self.client.take(self.deadline)
        try:
            return self._ask(connection)
        except _StaleError:
            # net/http: an idle connection that the server closed meanwhile is not
            # the request's fault; it has not been looked at.
            return self._ask(self.client.open(self.deadline))

    def _ask(self, connection: BlockingConnection) -> StreamingResponse:
        reader = HeadReader("response")
        stale_allowed = connection.used
        try:
            connection.set_timeout(seconds_left(self.deadline))
            connection.send_all(self.bytes)
            meanwhile, self.client.meanwhile = self.client.meanwhile, None
            if meanwhile is not None:
                meanwhile()
            head = self._read_head(connection, reader)
            self.client.remember(connection)
        except (TimeoutError, ProtocolError):
            connection.close()
            raise
        except (OSError, EOFError) as error:
            text = stream_text(connection, error)
            connection.close()
            if stale_allowed and reader.empty:
                raise _StaleError from None
            raise DialError(text) from None
        body = BodyReader.for_response(self.method, head)
        return StreamingResponse(self, connection, head, body, reader.leftover)

    def _read_head(
        self, connection: BlockingConnection, reader: HeadReader
    ) -> ResponseHead:
        while True:
            data = connection.receive()
            if not data:
                raise EOFError
            try:
                head = reader.receive_data(data)
            except RemoteProtocolError as error:
                raise RemoteProtocolError(
                    f"net/http: HTTP/1.x transport connection broken: {error}"
                ) from None
            if isinstance(head, ResponseHead):
                if head.status != 100:
                    return head
                rest = reader.leftover
                reader = HeadReader("response")
                if rest:
                    reader.receive_data(rest)

    def error(self, text: str) -> RequestError:
        """This request's failure."""
        client = self.client
        url = client.url(self.target)
        return RequestError(text, host=client.authority, method=self.method, url=url)

    def give_back(self, connection: BlockingConnection) -> None:
        """The answer is whole: its connection may carry another."""
        self.client.give_back(connection)


class _StaleError(Exception):
    """The connection was closed while it was idle."""
