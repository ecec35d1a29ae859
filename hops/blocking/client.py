"""The synchronous host of the protocol cores, for programs without an event loop.

The command line client loads no asyncio: that import alone takes longer than one
request. A `BlockingClient` keeps its connections and uses them again, also for an
upgrade, so that a whole `exec` costs one TLS handshake.

Source of the error texts: golang/go src/net/http, through kubernetes/client-go.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from hops.blocking.dial import DialError, dial, proxy_authorization, proxy_for
from hops.blocking.tls import TlsSettings, explain, make_context
from wire.errors import ProtocolError, RemoteProtocolError
from wire.http1 import (
    BodyReader,
    Headers,
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_request_head,
    get_header,
    has_token,
)
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Self

    from hops.pipe import Pipe

__all__ = [
    "BlockingClient",
    "BlockingConnection",
    "RequestError",
    "Response",
    "StreamingResponse",
    "TlsSettings",
    "Upgraded",
]

_READ = 256 * 1024
_PORTS = {"http": 80, "https": 443}


class RequestError(Exception):
    """No answer came: `host` is whom we asked, `text` why, in Go's words."""

    def __init__(self, text: str, *, host: str, method: str, url: str) -> None:
        super().__init__(f'{method.capitalize()} "{url}": {text}')
        self.text = text
        self.host = host


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    reason: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A 101: the connection is the caller's, and `leftover` came after the head."""

    head: ResponseHead
    connection: BlockingConnection
    leftover: bytes


class BlockingConnection:
    """One connected stream; TLS or not makes no difference. It has a Pipe if asked."""

    def __init__(self, stream: socket.socket, pipe: Pipe | None = None) -> None:
        self.stream = stream
        self.pipe = pipe
        self.used = False
        self._ended = False
        self.ends = _ends(stream)  # a stream that was reset does not know them any more

    def fileno(self) -> int:
        return self.stream.fileno()

    @property
    def pending(self) -> int:
        """Bytes TLS has decrypted and not handed out; `select` does not see them."""
        return self.stream.pending() if isinstance(self.stream, ssl.SSLSocket) else 0

    def set_timeout(self, seconds: float | None) -> None:
        """None waits for ever, 0 never."""
        self.stream.settimeout(seconds)

    def send_all(self, data: bytes) -> None:
        """Write all of it."""
        if self.pipe is not None:
            data = self._pass("up", data)
        self.stream.sendall(data)

    def receive(self, size: int = _READ) -> bytes:
        """What there is, b"" at the end. BlockingIOError when nothing is there yet."""
        try:
            data = self.stream.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except ssl.SSLEOFError:
            data = b""
        except BlockingIOError:
            raise
        except OSError as error:
            self._tell_end(str(error))
            raise
        if self.pipe is not None and data:
            data = self._pass("down", data)
        elif not data:
            self._tell_end("")
        return data

    def _tell_end(self, reason: str) -> None:
        """The server has ended its direction, or, with a reason, the connection."""
        if self.pipe is None:
            return
        from hops.pipe import Direction

        if reason:
            self.pipe.lost(reason, time.monotonic())
            self.pipe = None
        elif not self._ended:
            self._ended = True
            self.pipe.eof(Direction.DOWN, time.monotonic())

    def look(self, data: bytes) -> bytes:
        """Let the pipe have data that will be written with `send`, piece by piece."""
        return data if self.pipe is None else self._pass("up", data)

    def send(self, data: memoryview) -> int:
        """Write what fits without waiting; BlockingIOError when nothing does."""
        try:
            return self.stream.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def _pass(self, way: str, data: bytes) -> bytes:
        """What the pipe lets through of `data`; it may wait, or cut the connection."""
        from hops.pipe import Delay, Deliver, Direction, HalfClose, Reset

        assert self.pipe is not None  # noqa: S101 - the callers have looked
        delivered = b""
        for action in self.pipe.feed(Direction(way), data, time.monotonic()):
            match action:
                case Deliver(piece):
                    delivered += piece
                case Delay(seconds):
                    time.sleep(seconds)
                case HalfClose():
                    self.stream.shutdown(socket.SHUT_WR)
                case Reset():
                    raise ConnectionResetError(104, "connection reset by peer")
        return delivered

    def close(self) -> None:
        if self.pipe is not None:
            self.pipe.lost("", time.monotonic())
            self.pipe = None
        with contextlib.suppress(OSError):
            self.stream.close()


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
            timeout=_left(deadline),
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


def _left(deadline: float | None) -> float | None:
    """Seconds to the deadline, as a socket timeout."""
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


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
            connection.set_timeout(_left(self.deadline))
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
            text = _stream_text(connection, error)
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


class _StaleError(Exception):
    """The connection was closed while it was idle."""


def _stream_text(connection: BlockingConnection, error: Exception) -> str:
    if isinstance(error, EOFError):
        return "EOF"
    if isinstance(error, ssl.SSLError):
        return explain(error, "", {})
    assert isinstance(error, OSError)  # noqa: S101
    operation = "write" if isinstance(error, BrokenPipeError) else "read"
    problem = (error.strerror or "").lower()
    return f"{operation} tcp {connection.ends}: {operation}: {problem}"


def _ends(stream: socket.socket) -> str:
    """`127.0.0.1:40000->127.0.0.1:6443`"""
    try:
        here, there = stream.getsockname(), stream.getpeername()
    except OSError:
        return ""
    return f"{here[0]}:{here[1]}->{there[0]}:{there[1]}"


class StreamingResponse:
    """An answer whose body is still coming."""

    def __init__(
        self,
        exchange: _Exchange,
        connection: BlockingConnection,
        head: ResponseHead,
        body: BodyReader,
        leftover: bytes,
    ) -> None:
        self.head = head
        self._exchange = exchange
        self._connection: BlockingConnection | None = connection
        self._body = body
        self._leftover = leftover

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def reason(self) -> str:
        return self.head.reason

    @property
    def headers(self) -> Headers:
        return self.head.headers

    def header(self, name: str) -> str:
        """The value of a header, "" when it is absent."""
        return get_header(self.head.headers, name) or ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes, decompressed.

        Raises:
            RequestError: it broke off.
        """
        if self.header("content-encoding").lower() == "gzip":
            return self._unzip(self._raw())
        return self._raw()

    def _unzip(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        import zlib

        engine = zlib.decompressobj(16 + zlib.MAX_WBITS)
        for piece in pieces:
            if plain := engine.decompress(piece):
                yield plain
        if rest := engine.flush():
            yield rest

    def _raw(self) -> Iterator[bytes]:
        body, data = self._body, self._leftover
        while True:
            try:
                pieces = body.receive_data(data) if data else []
            except RemoteProtocolError as error:
                raise self._exchange.error(str(error)) from None
            yield from pieces
            if body.complete:
                self._finish()
                return
            data = self._read()
            if not data:
                self._end()
                return

    def _read(self) -> bytes:
        if self._connection is None:
            return b""
        try:
            self._connection.set_timeout(_left(self._exchange.deadline))
            return self._connection.receive()
        except TimeoutError:
            raise self._exchange.error(
                "context deadline exceeded"
                " (Client.Timeout or context cancellation while reading body)"
            ) from None
        except OSError as error:
            text = _stream_text(self._connection, error)
            raise self._exchange.error(text) from None

    def _end(self) -> None:
        try:
            self._body.receive_eof()
        except RemoteProtocolError as error:
            raise self._exchange.error(str(error)) from None
        finally:
            self.close()

    def _finish(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        keeps = self.head.version == "HTTP/1.1" and not self._body.leftover
        if keeps and not has_token(self.head.headers, "connection", "close"):
            self._exchange.client.give_back(connection)
        else:
            connection.close()

    def detach(self) -> tuple[BlockingConnection, bytes]:
        """Hand the connection over, with what came after the head."""
        connection, self._connection = self._connection, None
        assert connection is not None  # noqa: S101 - only once
        return connection, self._leftover

    def interrupt(self) -> None:
        """End the body from another thread: the reader sees the end of the stream."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up, unless the body was read to its end."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
