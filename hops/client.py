"""HTTP/1.1 client on a hop: requests, streams and upgrades over kept connections."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hops.clock import answer_timeout
from hops.dial import dial_connection
from hops.errors import ConnectError, read_error
from hops.hop import Address, format_address
from hops.responses import Response, StreamingResponse, Upgraded, UpgradeRefused
from wire.errors import RemoteProtocolError
from wire.http1 import (
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_request_head,
    get_header,
)

if TYPE_CHECKING:
    import ssl

    from hops.connection import Connection
    from hops.hop import Hop
    from hops.hops import Hops

__all__ = [
    "ConnectError",
    "HttpClient",
    "Response",
    "StreamingResponse",
    "UpgradeRefused",
    "Upgraded",
]

logger = logging.getLogger(__name__)

HeaderItems = Iterable[tuple[str, str]]

_MAX_IDLE = 16  # connections kept
_MAX_REFUSAL = 1024 * 1024  # bytes of a refusal's body that are read

# Go's http.Transport repeats only these on a connection that turned out stale.
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class HttpClient:
    """Talks to one base URL; `https://host:port`, `http://host:port` or `unix:/path`.

    Connections are kept and used again. Who makes it calls `close`.
    """

    def __init__(
        self,
        hops: Hops,
        hop: Hop,
        base_url: str,
        *,
        tls: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
        headers: HeaderItems = (),
    ) -> None:
        self._hops = hops
        self._hop = hop
        self.base_url = base_url
        self._address, self.host = _parse_base_url(base_url)
        if base_url.startswith("https:") != (tls is not None):
            raise ValueError(f"{base_url}: TLS settings and scheme do not agree")
        self._tls = tls
        self._server_hostname = server_hostname
        self._headers = list(headers)
        self._idle: list[Connection] = []
        self._closed = False

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: HeaderItems = (),
        body: bytes = b"",
        timeout: float | None = None,  # noqa: ASYNC109 - one number for the whole exchange
    ) -> Response:
        """Send a request and read the whole answer.

        Raises:
            ConnectError: no connection. OSError, RemoteProtocolError: it broke.
            TimeoutError: `timeout` seconds passed.
        """
        async with (
            answer_timeout(timeout),
            self.stream(method, target, headers=headers, body=body) as response,
        ):
            content = await response.read()
        return Response(response.status, response.reason, response.headers, content)

    @contextlib.asynccontextmanager
    async def stream(
        self,
        method: str,
        target: str,
        *,
        headers: HeaderItems = (),
        body: bytes = b"",
    ) -> AsyncIterator[StreamingResponse]:
        """Send a request; its answer is read inside the block.

        The connection is kept when the body was read to its end, else closed.
        """
        head = self._request_head(method, target, headers, body)
        connection, response_head, rest = await self._exchange(head, body)
        try:
            reader = BodyReader.for_response(method, response_head)
            response = StreamingResponse(response_head, connection, reader, rest)
            yield response
        except BaseException:
            connection.abort()
            raise
        if response.reusable:
            self._keep(connection)
        else:
            connection.close()

    async def upgrade(
        self,
        method: str,
        target: str,
        headers: HeaderItems,
        *,
        body: bytes = b"",
    ) -> Upgraded:
        """Ask for another protocol on a connection of its own.

        `headers` must hold Upgrade and Connection themselves.

        Raises:
            UpgradeRefused: any answer but 101, with its body.
            ConnectError: no connection.
            OSError, RemoteProtocolError: it ended before the answer.
        """
        head = self._request_head(method, target, headers, body)
        connection = await self._dial()
        try:
            connection.write(encode_request_head(head) + body)
            response_head, rest = await _read_head(connection)
            if response_head.status == 101:
                return Upgraded(response_head, _unread(connection, rest))
            reader = BodyReader.for_response(method, response_head)
            refusal = StreamingResponse(response_head, connection, reader, rest)
            content = await refusal.read(_MAX_REFUSAL)
        except BaseException as err:
            connection.abort()
            # The connection is new: there is no other to try.
            if isinstance(err, _StaleConnectionError):
                raise err.cause from None
            raise
        connection.close()
        raise UpgradeRefused(response_head, content)

    async def close(self) -> None:
        """Close the connections that are kept."""
        self._closed = True
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    async def __aenter__(self) -> HttpClient:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def _request_head(
        self, method: str, target: str, headers: HeaderItems, body: bytes
    ) -> RequestHead:
        items = [*self._headers, *headers]
        if get_header(items, "host") is None:
            items.insert(0, ("Host", self.host))
        has_body = bool(body) or method in ("POST", "PUT", "PATCH")
        if has_body and get_header(items, "content-length") is None:
            items.append(("Content-Length", str(len(body))))
        return RequestHead(method, target, items)

    async def _exchange(
        self, head: RequestHead, body: bytes
    ) -> tuple[Connection, ResponseHead, bytes]:
        message = encode_request_head(head) + body
        kept = self._take_idle()
        if kept is not None:
            try:
                return kept, *await self._ask(kept, message)
            except _StaleConnectionError as err:
                if head.method not in _REPEATABLE:
                    raise err.cause from err
                logger.debug("stale connection to %s, trying again", self.base_url)
        connection = await self._dial()
        try:
            return connection, *await self._ask(connection, message)
        except _StaleConnectionError as err:
            raise err.cause from err

    async def _ask(
        self, connection: Connection, message: bytes
    ) -> tuple[ResponseHead, bytes]:
        try:
            connection.write(message)
            return await _read_head(connection)
        except BaseException:
            connection.abort()
            raise

    async def _dial(self) -> Connection:
        return await dial_connection(
            self._hops,
            self._hop,
            self._address,
            tls=self._tls,
            server_hostname=self._server_hostname,
        )

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closing and not connection.at_eof:
                return connection
            connection.close()
        return None

    def _keep(self, connection: Connection) -> None:
        if self._closed or len(self._idle) >= _MAX_IDLE or connection.is_closing:
            connection.close()
        else:
            self._idle.append(connection)


class _StaleConnectionError(Exception):
    """The connection ended before any byte of an answer."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _read_head(connection: Connection) -> tuple[ResponseHead, bytes]:
    """The final head of an answer, and what came behind it."""
    rest = b""
    while True:
        reader = HeadReader("response")
        head = reader.receive_data(rest)
        while head is None:
            head = reader.receive_data(await _read_some(connection, reader))
        if not isinstance(head, ResponseHead):
            raise TypeError("a response head was expected")
        rest = reader.leftover
        # RFC 9110 15.2: interim answers come before the final one
        if head.status == 101 or head.status >= 200:
            return head, rest


def _told(connection: Connection, error: OSError) -> OSError:
    """The error as Go's net tells it, since clients are shown it."""
    if not isinstance(error, ConnectionResetError):
        return error
    local, remote = (
        connection.get_extra_info(name) for name in ("sockname", "peername")
    )
    return read_error(local, remote, error)


async def _read_some(connection: Connection, reader: HeadReader) -> bytes:
    try:
        data = await connection.read()
    except OSError as err:
        told = _told(connection, err)
        if reader.empty:
            raise _StaleConnectionError(told) from err
        raise told from err
    if data:
        return data
    raise _eof_error(reader)


def _eof_error(reader: HeadReader) -> Exception:
    # net/http says EOF before the first byte, "unexpected EOF" after it
    if reader.empty:
        return _StaleConnectionError(RemoteProtocolError("EOF"))
    return RemoteProtocolError("unexpected EOF")


def _unread(connection: Connection, data: bytes) -> Connection:
    connection.unread(data)
    return connection


def _parse_base_url(url: str) -> tuple[Address, str]:
    """(address, value of the Host header)."""
    if url.startswith("unix:"):
        return "/" + url.removeprefix("unix:").lstrip("/"), "localhost"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not a base URL: {url}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = (parts.hostname, port)
    return address, format_address(address)
