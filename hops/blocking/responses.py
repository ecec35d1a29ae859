"""Answers to a program without an event loop: whole, as they come, or another protocol."""

from __future__ import annotations

import contextlib
import socket

from hops.blocking.connection import seconds_left, stream_text
from wire.errors import RemoteProtocolError
from wire.http1 import BodyReader, Headers, ResponseHead, get_header, has_token
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol, Self

    from hops.blocking.connection import BlockingConnection

    class Exchange(Protocol):
        """The request that is answered.

        Attributes:
            deadline: monotonic time at which the whole answer must be there, or None.
        """

        deadline: float | None

        def error(self, text: str) -> RequestError:
            """This request's failure."""

        def give_back(self, connection: BlockingConnection) -> None:
            """The answer is whole: its connection may carry another."""


__all__ = ["RequestError", "Response", "StreamingResponse", "Upgraded"]


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


class StreamingResponse:
    """An answer whose body is still coming."""

    def __init__(
        self,
        exchange: Exchange,
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
            self._connection.set_timeout(seconds_left(self._exchange.deadline))
            return self._connection.receive()
        except TimeoutError:
            raise self._exchange.error(
                "context deadline exceeded"
                " (Client.Timeout or context cancellation while reading body)"
            ) from None
        except OSError as error:
            text = stream_text(self._connection, error)
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
            self._exchange.give_back(connection)
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
