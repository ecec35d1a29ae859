"""The HTTP side of the streaming server: one request, then an upgrade or a refusal.

No framework: the process would grow by 20 MiB and start 0.2 s later, for three paths.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeAlias

from hops.linger import close_in_stages
from wire.bad_requests import (
    BAD_HEADER_VALUE,
    HEAD_TOO_LARGE,
    UNSUPPORTED_CODING,
    check_request,
    has_bad_value,
    refusal,
)
from wire.errors import RemoteProtocolError
from wire.http1 import (
    BodyReader,
    HeadReader,
    HeadTooLarge,
    RequestHead,
    UnsupportedCoding,
    get_all,
    has_token,
)

__all__ = ["NOSNIFF", "Answer", "HttpConnection", "Upgrade", "plain"]

_DATE = "%a, %d %b %Y %H:%M:%S GMT"  # RFC 9110 5.6.7

_PLAIN_TEXT = ("Content-Type", "text/plain; charset=utf-8")
#: What http.Error adds, and go-restful does not.
NOSNIFF = ("X-Content-Type-Options", "nosniff")

_REASONS = {
    404: "Not Found",
    405: "Method Not Allowed",
}

#: Called with the transport and what came behind the request; takes the transport over.
Upgrade: TypeAlias = Callable[[asyncio.Transport, bytes], None]

#: An answer's bytes, and whether the connection is closed after it.
Answer: TypeAlias = tuple[bytes, bool]


def plain(status: int, text: str, *headers: tuple[str, str]) -> Answer:
    """A text answer; net/http writes the headers of a handler sorted."""
    body = text.encode()
    lines = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        *(f"{name}: {value}" for name, value in sorted((*headers, _PLAIN_TEXT))),
        f"Date: {time.strftime(_DATE, time.gmtime())}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body, False


class HttpConnection(asyncio.Protocol):
    """Serves plain requests one after another until one of them upgrades."""

    def __init__(self, serve: Callable[[RequestHead], Answer | Upgrade]) -> None:
        self._serve = serve
        self._transport: asyncio.Transport | None = None
        self._reader = HeadReader("request")
        self._body: BodyReader | None = None
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the transport."""
        self._transport = transport  # type: ignore[assignment]  # a stream transport

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        try:
            while data and not self._ended:
                data = self._skip_body(data) if self._body else self._read_head(data)
        except HeadTooLarge:
            self._answer((refusal(HEAD_TOO_LARGE), True))
        except UnsupportedCoding:
            self._answer((refusal(UNSUPPORTED_CODING), True))
        except RemoteProtocolError:
            self._answer((refusal(), True))

    def eof_received(self) -> bool:
        """Called by the transport: the client has nothing more to ask."""
        return False

    def _read_head(self, data: bytes) -> bytes:
        head = self._reader.receive_data(data)
        if head is None:
            return b""
        assert isinstance(head, RequestHead)  # noqa: S101 - what a request reader gives
        leftover, self._reader = self._reader.leftover, HeadReader("request")
        body = BodyReader.for_request(head)  # one that is bad uses no token up
        if problem := _problem(head):
            self._answer((refusal(problem), True))
            return b""
        answer = self._serve(head)
        if callable(answer):
            self._ended = True
            assert self._transport is not None  # noqa: S101 - we are called by it
            answer(self._transport, leftover)
            return b""
        self._answer(_without_body(answer) if head.method == "HEAD" else answer)
        if not _keeps_alive(head):
            self._close()
        self._body = None if body.complete else body
        return leftover

    def _skip_body(self, data: bytes) -> bytes:
        assert self._body is not None  # noqa: S101 - the caller has looked
        self._body.receive_data(data)
        if not self._body.complete:
            return b""
        leftover = self._body.leftover
        self._body = None
        return leftover

    def _answer(self, answer: Answer) -> None:
        payload, close = answer
        if self._transport is not None and not self._ended:
            self._transport.write(payload)
            if close:
                self._close()

    def _close(self) -> None:
        if self._transport is not None and not self._ended:
            self._ended = True
            close_in_stages(self._transport, lambda _error: None, peer_ended=False)


def _problem(head: RequestHead) -> str | None:
    """Why net/http would not let a handler see this request."""
    major, minor = map(int, head.version.removeprefix("HTTP/").split("."))
    hosts = get_all(head.headers, "host")
    problem = check_request(head.method, head.target, (major, minor), hosts)
    if problem is None and has_bad_value(head.headers):
        return BAD_HEADER_VALUE
    return problem


def _without_body(answer: Answer) -> Answer:
    payload, close = answer
    return payload[: payload.index(b"\r\n\r\n") + 4], close


def _keeps_alive(head: RequestHead) -> bool:
    if head.version == "HTTP/1.0":
        return has_token(head.headers, "connection", "keep-alive")
    return not has_token(head.headers, "connection", "close")
