"""Stands in front of an HTTP/1.1 server: a connection here is one there.

Connections are paired one to one, so keep-alive, pipelining, watches and who closes
first are as without the tap. When the server cannot be reached the client is told so
with 502, as proxies do; a server that breaks off breaks off here too.
"""

from __future__ import annotations

import asyncio
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from hops.dial import ConnectError
from hops.splice import splice
from hops.tasks import cancel_and_wait, spawn
from tap.front import Front
from tap.http_core import HttpCore
from wire.errors import RemoteProtocolError
from wire.http1 import ResponseHead, encode_response_head

if TYPE_CHECKING:
    import ssl

    from hops.connection import Connection
    from hops.hop import Address, Hop
    from hops.hops import Hops
    from wire.http1 import RequestHead

__all__ = ["HttpTap", "Route", "RouteRefusedError", "Router"]

logger = logging.getLogger(__name__)


class RouteRefusedError(Exception):
    """The tap answers itself, with a plain text: there is no such thing behind it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Route(Protocol):
    """What one connection of a client needs."""

    async def prepare(self) -> None:
        """Get what `rewrite` needs; called before each read. Raises ConnectError."""

    async def dial(self) -> Connection:
        """The server, once the first request is rewritten.

        Raises:
            ConnectError, RouteRefusedError
        """

    def rewrite(self, head: RequestHead) -> RequestHead:
        """What the server is to get."""

    def answered(self, status: int) -> None:
        """The status of a final answer."""


class Router(Protocol):
    """Makes a Route for each connection."""

    def __call__(self, client: Connection) -> Route: ...


class HttpTap(Front):
    """Listens; `start` it, and `close` it."""

    def __init__(
        self,
        hops: Hops,
        hop: Hop,
        router: Router,
        address: Address,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(hops, hop, address, tls)
        self._router = router

    async def serve(self, client: Connection) -> None:
        pair = _Pair(client, self._router(client), self)
        try:
            await pair.run()
        except OSError as err:
            logger.debug("a connection broke: %s", err)
        finally:
            pair.abort()


class _Pair:
    """A client's connection and that to the server."""

    def __init__(self, client: Connection, route: Route, front: Front) -> None:
        self._client = client
        self._route = route
        self._front = front
        self._server: Connection | None = None
        self._core = HttpCore(route.rewrite, route.answered)
        self._decided = asyncio.Event()

    async def run(self) -> None:
        """Until both directions have ended. Raises OSError when one breaks."""
        request = b""
        try:
            request = await self._first_request()
            if not self._core.begun:
                self._client.close()  # without having asked for anything
                await self._client.wait_closed()
                return
            self._server = await self._route.dial()
        except RemoteProtocolError as err:
            await self._refuse(_status_of(err), f"mini-kube tap: {err}")
            return
        except RouteRefusedError as err:
            await self._answer(_plain(err.status, str(err)))
            return
        except ConnectError as err:
            answer = _refusal(502, f"mini-kube tap: {err}")
            self._front.tell_unreached(
                self._client, err, asked=request, answered=answer
            )
            await self._answer(answer)
            return
        await self._join(self._server, request)

    async def _first_request(self) -> bytes:
        """What the server is to get first; the whole head at least."""
        request = b""
        while not self._core.begun:
            data = await self._client.read()
            if not data:
                break
            await self._route.prepare()
            request += self._core.from_client(data)
        return request

    def abort(self) -> None:
        """Close what is still open, at once."""
        self._client.abort()
        if self._server is not None:
            self._server.abort()

    async def _join(self, server: Connection, request: bytes) -> None:
        server.write(request)
        upward = spawn("tap requests", self._send_requests(server))
        try:
            await self._pass_answers(server)
        finally:
            await cancel_and_wait(upward)
        if self._core.switched:
            await splice(self._client, server, half_close=True)
            return
        # The server has ended: so do we, when all has been delivered.
        self._client.close()
        server.close()
        await asyncio.gather(self._client.wait_closed(), server.wait_closed())

    async def _send_requests(self, server: Connection) -> None:
        """Until HTTP is over, or the client ends."""
        try:
            while True:
                while self._core.holding:
                    self._decided.clear()
                    await self._decided.wait()
                if self._core.switched:
                    return
                await server.drain()
                await self._route.prepare()
                data = await self._client.read()
                if not data:
                    break
                server.write(self._core.from_client(data))
        except RemoteProtocolError as err:
            if self._core.untouched:
                await self._refuse(_status_of(err), f"mini-kube tap: {err}")
            server.abort()
        except OSError:
            server.abort()
        else:
            if self._client.get_extra_info("truncated"):
                server.abort()
            else:
                server.write_eof()

    async def _pass_answers(self, server: Connection) -> None:
        """Until HTTP is over, or the server ends. Raises OSError when it breaks."""
        while not self._core.switched:
            data = await server.read()
            if not data:
                if server.is_closing or server.get_extra_info("truncated"):
                    raise ConnectionResetError("the server broke off")
                return
            released = self._core.from_server(data)
            self._client.write(data)
            if released:
                server.write(released)
            if not self._core.holding:
                self._decided.set()
            await self._client.drain()

    async def _refuse(self, status: int, text: str) -> None:
        """Answer in the server's place, in the form that Kubernetes' clients print."""
        await self._answer(_refusal(status, text))

    async def _answer(self, message: bytes) -> None:
        self._client.write(message)
        self._client.close()
        await self._client.wait_closed()


def _status_of(error: RemoteProtocolError) -> int:
    # net/http server.go: errTooLarge
    return 431 if str(error) == "head too large" else 400


def _refusal(status: int, text: str) -> bytes:
    document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": text,
        "code": status,
    }
    body = json.dumps(document).encode() + b"\n"
    return _message(status, "application/json", body)


def _plain(status: int, text: str) -> bytes:
    return _message(status, "text/plain; charset=utf-8", f"{text}\n".encode())


def _message(status: int, content_type: str, body: bytes) -> bytes:
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    head = ResponseHead(status, HTTPStatus(status).phrase, headers)
    return encode_response_head(head) + body
