"""One request to the API server and its answer, carried in both directions.

One thread waits for both sides at once: a body may still be on its way when the answer
begins, and a client that leaves ends its watch.

Source: golang/go net/http/httputil reverseproxy.go (which headers pass),
kubernetes/apimachinery pkg/util/proxy/upgradeaware.go (upgrades).
"""

from __future__ import annotations

import select

from wire.errors import RemoteProtocolError
from wire.http1 import (
    HOP_BY_HOP,
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_request_head,
    encode_response_head,
    get_all,
    get_header,
    has_token,
    is_upgrade,
)
from wire.http1_body import LAST_CHUNK, encode_chunk

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from hops.blocking.connection import BlockingConnection
    from wire.http1 import Headers

__all__ = ["ClientLeftError", "Exchange"]

_READ = 64 * 1024
#: They are about one connection; the last one is no standard, but was sent.
_NOT_PASSED_ON = HOP_BY_HOP | {"proxy-connection"}


class ClientLeftError(Exception):
    """Nobody is there any more to answer."""


class Exchange:
    """Runs once. Afterwards `rest` is what the client sent behind its request."""

    def __init__(
        self,
        local: socket.socket,
        upstream: BlockingConnection,
        request: RequestHead,
        rest: bytes,
    ) -> None:
        self._local = local
        self._upstream = upstream
        self._request = request
        self._body = BodyReader.for_request(request)
        coding = get_header(request.headers, "transfer-encoding")
        self._body_is_chunked = coding is not None
        self._answer: BodyReader | None = None
        self._answer_is_chunked = False
        self._head = HeadReader("response")
        self._tunnels = False
        self.rest = rest
        #: Whether either connection can carry another request.
        self.keeps_local = request.version == "HTTP/1.1" and not has_token(
            request.headers, "connection", "close"
        )
        self.keeps_upstream = True
        #: Whether the client has been told anything.
        self.began = False

    def run(self, target: str, extra: Headers) -> None:
        """Ask for `target`, with these headers besides the client's own.

        Raises:
            ClientLeftError: the client has closed its connection.
            OSError, RemoteProtocolError: the server has not answered, or not wholly.
        """
        self._send_up(encode_request_head(self._request_head(target, extra)))
        if has_token(self._request.headers, "expect", "100-continue"):
            self._send_down(b"HTTP/1.1 100 Continue\r\n\r\n")
        data, self.rest = self.rest, b""
        self._from_client(data)
        while not self._is_over():
            self._wait()

    def _is_over(self) -> bool:
        if self._tunnels:
            return False
        return self._answer is not None and self._answer.complete

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._upstream, select.POLLIN)
        if not self.rest:  # else the next request is waiting: it is not gone
            poll.register(self._local, select.POLLIN)
        ready = {} if self._upstream.pending else dict(poll.poll())
        if self._local.fileno() in ready:
            self._from_client(self._read_local())
        if self._upstream.pending or self._upstream.fileno() in ready:
            self._read_upstream()

    # To the server

    def _read_local(self) -> bytes:
        try:
            data = self._local.recv(_READ)
        except OSError:
            raise ClientLeftError from None
        if not data:
            raise ClientLeftError
        return data

    def _request_head(self, target: str, extra: Headers) -> RequestHead:
        own = self._request.headers
        headers = [
            (name, value)
            for name, value in _end_to_end(own)
            if name.lower() not in ("expect", "host")
        ]
        given = {name.lower() for name, _ in headers}
        headers += [(n, v) for n, v in extra if n.lower() not in given]
        if is_upgrade(own):
            headers.append(("Connection", "Upgrade"))
            headers += [("Upgrade", value) for value in get_all(own, "upgrade")]
        if self._body_is_chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        return RequestHead(self._request.method, target, headers)

    def _from_client(self, data: bytes) -> None:
        if self._tunnels:
            self._send_up(data)
            return
        body, was_complete = self._body, self._body.complete
        pieces = b"".join(body.receive_data(data))
        # What is behind the body is the next request, or the upgraded protocol.
        self.rest += body.leftover
        body.leftover = b""
        if self._body_is_chunked:
            pieces = _chunk(pieces, ends=body.complete and not was_complete)
        self._send_up(pieces)

    def _send_up(self, data: bytes) -> None:
        if data:
            self._upstream.set_timeout(None)
            self._upstream.send_all(data)
            self._upstream.set_timeout(0)

    # To the client

    def _read_upstream(self) -> None:
        try:
            data = self._upstream.receive()
        except BlockingIOError:
            return
        if self._tunnels and not data:
            raise ClientLeftError  # the server has: nobody is left to serve either
        if self._tunnels:
            self._send_down(data)
        elif self._answer is not None:
            self._from_server(data)
        elif not data:
            raise RemoteProtocolError("EOF")
        else:
            self._read_head(data)

    def _read_head(self, data: bytes) -> None:
        head = self._head.receive_data(data)
        if not isinstance(head, ResponseHead):
            return
        rest = self._head.leftover
        if head.status == 101:
            self._tunnels = True
            self._send_down(head.raw + rest)
            held, self.rest = self.rest, b""
            self._send_up(held)
        elif head.status < 200:
            self._head = HeadReader("response")
            if rest:
                self._read_head(rest)
        else:
            self._begin_answer(head)
            self._from_server(rest, begins=True)

    def _begin_answer(self, head: ResponseHead) -> None:
        body = BodyReader.for_response(self._request.method, head)
        ends_with_connection = has_token(head.headers, "connection", "close")
        self.keeps_upstream = not (ends_with_connection or body.until_close)
        self._answer = body
        headers = _end_to_end(head.headers)
        if body.remaining is None and self._request.version == "HTTP/1.1":
            self._answer_is_chunked = True
            headers.append(("Transfer-Encoding", "chunked"))
        if not self._body.complete or (
            body.remaining is None and not self._answer_is_chunked
        ):
            self.keeps_local = False
        if not self.keeps_local:
            headers.append(("Connection", "close"))
        self._send_down(
            encode_response_head(ResponseHead(head.status, head.reason, headers))
        )

    def _from_server(self, data: bytes, *, begins: bool = False) -> None:
        body = self._answer
        assert body is not None  # noqa: S101 - the callers have looked
        if not data and not begins:
            body.receive_eof()
        pieces = b"".join(body.receive_data(data))
        if self._answer_is_chunked:
            pieces = _chunk(pieces, ends=body.complete)
        self._send_down(pieces)

    def _send_down(self, data: bytes) -> None:
        if not data:
            return
        self.began = True
        try:
            self._local.sendall(data)
        except OSError:
            raise ClientLeftError from None


def _chunk(data: bytes, *, ends: bool) -> bytes:
    return encode_chunk(data) + (LAST_CHUNK if ends else b"")


def _end_to_end(headers: Headers) -> Headers:
    """Without what is about one connection only."""
    named = (get_header(headers, "connection") or "").lower().split(",")
    dropped = _NOT_PASSED_ON.union(name.strip() for name in named)
    return [(name, value) for name, value in headers if name.lower() not in dropped]
