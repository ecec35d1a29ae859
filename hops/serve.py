"""An aiohttp application on a hop, and connections taken over from it.

aiohttp parses ahead and knows no `Upgrade: SPDY/3.1`. So a gate stands between it
and the transport: bytes behind a request that asks for an upgrade wait there until
the handler has either taken the connection over or answered.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from aiohttp import web

from hops.connection import Connection
from hops.listen import Listener, listen
from wire.bad_requests import (
    BAD_HEADER_VALUE,
    BAD_REQUEST,
    HEAD_TOO_LARGE,
    MISSING_HOST,
    UNSUPPORTED_CODING,
    check_request,
    refusal,
)
from wire.request_framing import RequestFramer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

    from aiohttp.abc import AbstractStreamWriter

    from hops.hop import Address, Hop
    from hops.hops import Hops

__all__ = [
    "ServedApplication",
    "TakenConnection",
    "on_disconnect",
    "peer_certificate",
    "serve_application",
    "take_over",
]

logger = logging.getLogger(__name__)

_MAX_HEAD = 1024 * 1024  # net/http DefaultMaxHeaderBytes
_MAX_HELD = 256 * 1024
_KEEP_ALIVE = 90.0  # seconds; kube-apiserver's IdleTimeout
# golang/go net/http server.go rstAvoidanceDelay: what a refused body goes on to send is
# thrown away for this long, so that its sender can read the refusal.
_LINGERING = 0.5


class ServedApplication(Listener):
    """The listener of an application; `wait_closed` ends its connections too."""

    def __init__(self, listener: Listener, runner: web.AppRunner) -> None:
        super().__init__(listener._door, listener.address)  # noqa: SLF001 - the same object, extended
        self._runner = runner

    async def wait_closed(self) -> None:
        """Run the application's clean-up; handlers in flight are cancelled soon."""
        self.close()
        await self._runner.cleanup()


async def serve_application(
    hops: Hops,
    hop: Hop,
    app: web.Application,
    address: Address,
    *,
    tls: ssl.SSLContext | None = None,
    access_log: logging.Logger | None = None,
    shutdown_timeout: float = 1.0,
    head_timeout: float | None = None,
) -> ServedApplication:
    """Serve `app` until the answer is closed.

    Args:
        head_timeout: seconds in which a client must have sent the head of a request,
            the first one counted from the connection on; then it is cut.
        shutdown_timeout: seconds that handlers have to end by themselves.
    """
    app.middlewares.insert(0, _finish_upgrade)
    app.on_response_prepare.append(_leave_server_out)
    runner = web.AppRunner(
        app,
        access_log=access_log,
        shutdown_timeout=shutdown_timeout,
        keepalive_timeout=_KEEP_ALIVE,
        lingering_time=_LINGERING,
        max_line_size=_MAX_HEAD,
        max_field_size=_MAX_HEAD,
        auto_decompress=False,
    )
    await runner.setup()
    server = runner.server
    if server is None:
        raise RuntimeError("aiohttp made no server")
    settings = server._kwargs  # noqa: SLF001 - what its own __call__ hands on
    loop = asyncio.get_running_loop()

    def accept() -> _Gate:
        handler = _RequestHandler(server, loop=loop, **settings)
        return _Gate(handler, head_timeout)

    listener = await listen(hops, hop, address, accept, tls=tls)
    return ServedApplication(listener, runner)


def peer_certificate(request: web.BaseRequest) -> dict[str, Any] | None:
    """The verified client certificate as `ssl.getpeercert` gives it, or None."""
    if request.transport is None:
        return None
    try:
        found: dict[str, Any] | None = request.transport.get_extra_info("peercert")
    except ValueError:
        return None  # the connection has just ended, and the session with it
    return found or None


def on_disconnect(request: web.BaseRequest, callback: Callable[[], None]) -> None:
    """Call `callback` once when the client of `request` has left, or at once if it has.

    aiohttp tells a handler only when it writes; one that waits for events would hold
    on to what it has.
    """
    gate = request.transport.get_protocol() if request.transport is not None else None
    if isinstance(gate, _Gate):
        gate.lost_callbacks.append(callback)
    else:
        callback()


class TakenConnection(Connection):
    """The raw connection below a request.

    Attributes:
        response: what the handler returns at the end; it writes nothing.
    """

    def __init__(self, leftover: bytes, gate: _Gate) -> None:
        super().__init__(leftover, on_lost=gate.connection_lost)
        self.response: web.StreamResponse = _NoResponse()


async def take_over(request: web.BaseRequest) -> TakenConnection:
    """Take the connection away from aiohttp, with what came behind the request.

    From here on the handler writes the answer itself, 101 or whatever else, as raw
    bytes. It stays in the handler until the session is over and then returns
    `connection.response`; the connection is closed after that in any case, also when
    the handler raises.

    Raises:
        ConnectionResetError: the client has left already.
    """
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("Connection lost")
    gate = transport.get_protocol()
    if not isinstance(gate, _Gate):
        raise TypeError("not served by serve_application, or taken over already")
    return gate.hand_over(transport)


class _RequestHandler(web.RequestHandler):
    """aiohttp's, which answers what is no HTTP as Go's server does, and logs nothing.

    Source: golang/go net/http server.go (serve: badRequestError, statusError).
    """

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Called where a request cannot be read, or its handler failed."""
        transport = request.transport
        if status >= 500 or request.writer.output_size or transport is None:
            return super().handle_error(request, status, exc, message)
        logger.debug("bad request from %s: %s", request.remote, message)
        said = message or ""
        told = (text for words, text in _BAD_REQUESTS.items() if said.startswith(words))
        transport.write(refusal(next(told, BAD_REQUEST)))
        return _NoResponse()


#: What aiohttp's parser says, and what net/http does.
_BAD_REQUESTS = {
    "Missing 'Host' header in request.": MISSING_HOST,
    "Invalid header value char": BAD_HEADER_VALUE,
    "Request has invalid `Transfer-Encoding`": UNSUPPORTED_CODING,
    "Got more than": HEAD_TOO_LARGE,
}


def _problem(request: web.BaseRequest) -> str | None:
    """What aiohttp lets through and net/http does not."""
    version = (request.version.major, request.version.minor)
    hosts = request.headers.getall("Host", [])
    return check_request(request.method, request.raw_path, version, hosts)


class _Gate(asyncio.Protocol):
    """Between the transport and aiohttp's handler of one connection."""

    def __init__(
        self, handler: web.RequestHandler, head_timeout: float | None = None
    ) -> None:
        self._handler = handler
        self._head_timeout = head_timeout
        self._head_timer: asyncio.TimerHandle | None = None
        self._framer = RequestFramer()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._begun = False
        self.taken: TakenConnection | None = None
        self.lost_callbacks: list[Callable[[], None]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream transport
        self._handler.connection_made(transport)
        asyncio.get_running_loop().call_soon(self._note_begin)
        self._time_head(True)

    def _note_begin(self) -> None:
        self._begun = True

    def _time_head(self, in_head: bool) -> None:
        """net/http ReadHeaderTimeout: who sends a head byte by byte is not waited for."""
        timer = self._head_timer
        if in_head == (timer is not None) or self._head_timeout is None:
            return
        if timer is not None:
            timer.cancel()
            self._head_timer = None
        elif self._transport is not None:
            loop = asyncio.get_running_loop()
            close = self._transport.close
            self._head_timer = loop.call_later(self._head_timeout, close)

    def data_received(self, data: bytes) -> None:
        passed = self._framer.feed(data)
        self._time_head(self._framer.in_head)
        if passed:
            self._handler.data_received(passed)
        if len(self._framer.held) > _MAX_HELD and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self._handler.eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._time_head(False)
        if self._begun:
            self._handler.connection_lost(exc)
        else:
            # Its task has not run yet, and would not expect to find everything gone.
            loop = asyncio.get_running_loop()
            loop.call_soon(self._handler.connection_lost, exc)
        callbacks, self.lost_callbacks = self.lost_callbacks, []
        for callback in callbacks:
            callback()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def hand_over(self, transport: asyncio.Transport) -> TakenConnection:
        """Put a Connection in our place."""
        self._time_head(False)
        connection = TakenConnection(self._framer.release(), self)
        connection.connection_made(transport)
        transport.set_protocol(connection)
        self.taken = connection
        self._resume()
        return connection

    def answered(self) -> None:
        """The upgrade was not taken up: what was held is the next request."""
        if self._framer.upgrading and self.taken is None:
            self.data_received(self._framer.release())
            self._resume()

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()


async def _leave_server_out(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """Go's server does not say what it is."""
    response.headers.pop("Server", None)


@web.middleware
async def _finish_upgrade(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """Outermost of all: nothing is written on a connection that was taken over.

    Nor behind an answer that broke off: it is left unfinished, as net/http does for
    ErrAbortHandler, so that its reader cannot take an error for a part of it.
    """
    gate = request.transport.get_protocol() if request.transport is not None else None
    if not isinstance(gate, _Gate):
        return await handler(request)
    if request.transport is not None and (problem := _problem(request)):
        request.transport.write(refusal(problem))
        return _NoResponse()
    try:
        response = await handler(request)
    except Exception as err:
        if gate.taken is None and _has_left(request, err):
            return _NoResponse()
        if gate.taken is None:
            gate.answered()
            raise
        logger.exception("session failed: %s %s", request.method, request.path)
        gate.taken.abort()
        return gate.taken.response
    finally:
        gate.lost_callbacks.clear()
        if gate.taken is not None:
            gate.taken.close()
    if gate.taken is not None:
        return gate.taken.response
    if request.writer.output_size and not response.prepared:
        logger.warning("answer broke off: %s %s", request.method, request.path)
        return _NoResponse()
    gate.answered()
    return response


def _has_left(request: web.Request, error: Exception) -> bool:
    """The client went away while the handler was on its way to `take_over`."""
    if not isinstance(error, ConnectionResetError):
        return False
    return request.transport is None or request.transport.is_closing()


class _NoResponse(web.StreamResponse):
    """The answer was written by who took the connection over."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    @property
    def prepared(self) -> bool:
        return True

    @property
    def body_length(self) -> int:
        return 0

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None
