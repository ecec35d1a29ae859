"""Answers of HTTP/1.1: whole, as a stream, or another protocol."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wire.http1 import has_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hops.connection import Connection
    from wire.http1 import BodyReader, Headers, ResponseHead

__all__ = ["Response", "StreamingResponse", "UpgradeRefused", "Upgraded"]


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer."""

    status: int
    reason: str
    headers: Headers
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The peer switched protocols; the connection is ours, leftovers included."""

    head: ResponseHead
    connection: Connection


class UpgradeRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The peer answered an upgrade with something other than 101."""

    def __init__(self, head: ResponseHead, body: bytes) -> None:
        super().__init__(f"{head.status} {head.reason}")
        self.head = head
        self.body = body


class StreamingResponse:
    """An answer whose body is read as it comes: `async for chunk in response`."""

    def __init__(
        self, head: ResponseHead, connection: Connection, body: BodyReader, first: bytes
    ) -> None:
        self.head = head
        self._connection = connection
        self._body = body
        self._pieces = body.receive_data(first) if not body.complete else []
        if body.complete and not self._pieces and first and not body.leftover:
            body.leftover = first

    @property
    def status(self) -> int:
        """The status code."""
        return self.head.status

    @property
    def reason(self) -> str:
        """The reason phrase."""
        return self.head.reason

    @property
    def headers(self) -> Headers:
        """The headers, in order."""
        return self.head.headers

    @property
    def complete(self) -> bool:
        """Whether the whole body has been read."""
        return self._body.complete and not self._pieces

    @property
    def reusable(self) -> bool:
        """Whether the connection can carry another request now."""
        return (
            self.complete
            and not self._body.leftover
            and not self._body.until_close
            and not self._connection.at_eof
            and _keeps_alive(self.head)
        )

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._iterate()

    async def _iterate(self) -> AsyncIterator[bytes]:
        while True:
            while self._pieces:
                yield self._pieces.pop(0)
            if self._body.complete:
                return
            data = await self._connection.read()
            if data:
                self._pieces = self._body.receive_data(data)
            else:
                self._body.receive_eof()

    async def read(self, limit: int | None = None) -> bytes:
        """The rest of the body, or its first `limit` bytes."""
        pieces: list[bytes] = []
        size = 0
        async with contextlib.aclosing(self._iterate()) as iterator:  # type: ignore[type-var]  # a generator
            async for piece in iterator:
                pieces.append(piece)
                size += len(piece)
                if limit is not None and size >= limit:
                    break
        return b"".join(pieces)[:limit]


def _keeps_alive(head: ResponseHead) -> bool:
    if head.version == "HTTP/1.0":
        return has_token(head.headers, "connection", "keep-alive")
    return not has_token(head.headers, "connection", "close")
