"""The streaming server: where the URLs of Exec, Attach and PortForward lead.

Source: kubernetes/cri-streaming pkg/streaming/server.go; containerd/containerd
internal/cri/server/streaming.go.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from cri_runtime.streaming.attach import serve_attach
from cri_runtime.streaming.exec import serve_exec
from cri_runtime.streaming.forwardings import Forwardings
from cri_runtime.streaming.http import (
    NOSNIFF,
    Answer,
    HttpConnection,
    Upgrade,
    plain,
)
from cri_runtime.streaming.requests import PendingRequest, RequestCache
from cri_runtime.streaming.session import Session
from cri_runtime.streaming.spdy_session import SpdySession
from hops.hop import Hop, format_address
from hops.listen import Listener, listen
from hops.session import TraceParent, bind, from_token
from hops.tasks import cancel_and_wait, spawn
from wire.exit_status import ExitResult, internal_error, translated
from wire.remotecommand import RemoteCommandServer
from wire.remotecommand_spdy import SPDY_PROTOCOLS, SpdyRemoteCommandServer
from wire.request_target import parse_target
from wire.spdy_negotiation import negotiate_spdy
from wire.websocket_handshake import HandshakeRefused, is_websocket_request, negotiate

if TYPE_CHECKING:
    from cri_runtime.containers import Containers
    from cri_runtime.execs import Execs
    from cri_runtime.pod_ports import PodPorts
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.streaming.dialect import Dialect
    from hops.hops import Hops
    from hops.narrator import Narrator
    from wire.http1 import RequestHead

__all__ = ["StreamingServer"]

logger = logging.getLogger(__name__)

_NOT_FOUND = "404 page not found\n"
# Its status comes from a translator when the runtime is real.
_V5 = "v5.channel.k8s.io"


class StreamingServer:
    """Hands out URLs and serves them."""

    def __init__(
        self,
        hops: Hops,
        sandboxes: Sandboxes,
        containers: Containers,
        execs: Execs,
        pod_ports: PodPorts,
        *,
        dialect: Dialect,
        idle_timeout: float,
    ) -> None:
        self._hops = hops
        self._sandboxes = sandboxes
        self._containers = containers
        self._execs = execs
        self._dialect = dialect
        self._idle_timeout = idle_timeout
        self._forwardings = Forwardings(pod_ports, dialect, idle_timeout)
        sandboxes.on_gone.append(self._forwardings.end_of)
        self._requests = RequestCache()
        self._listener: Listener | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 means any.

        Raises:
            OSError: the address cannot be had.
        """
        self._listener = await listen(
            self._hops,
            Hop.KUBELET_CRI_STREAMING,
            (host, port),
            lambda: HttpConnection(self._serve),
        )

    @property
    def base_url(self) -> str:
        """Where it serves, e.g. `http://127.0.0.1:39871`."""
        if self._listener is None:
            raise RuntimeError("not started")
        return f"http://{format_address(self._listener.address)}"

    @property
    def pending(self) -> int:
        """How many URLs wait for somebody to come."""
        return len(self._requests)

    @property
    def forwardings(self) -> int:
        """How many port-forward sessions there are."""
        return len(self._forwardings)

    def url(self, request: PendingRequest) -> str:
        """A URL at which the request is served, once. Raises CriError: too many."""
        token = self._requests.insert(request, asyncio.get_running_loop().time())
        return f"{self.base_url}/{request.kind}/{token}"

    async def close(self) -> None:
        """Listen no more and end all sessions; the processes run on."""
        if self._listener is not None:
            self._listener.close()
        self._forwardings.close()
        await cancel_and_wait(*self._tasks)

    def _serve(self, head: RequestHead) -> Answer | Upgrade:
        path, _ = parse_target(head.target)
        kind, _, token = path.lstrip("/").partition("/")
        if kind not in ("exec", "attach", "portforward") or not token or "/" in token:
            # go-restful's words for a path that it does not route
            return plain(404, "404: Page Not Found")
        if head.method not in ("GET", "POST"):
            allow = ("Allow", "GET, POST")
            return plain(405, "405: Method Not Allowed", allow)
        request = self._requests.consume(token, asyncio.get_running_loop().time())
        if request is None or request.kind != kind:
            return plain(404, _NOT_FOUND, NOSNIFF)
        if not request.traceparent:  # who asked knows of no sessions
            request = replace(request, traceparent=str(from_token(token)))
        try:
            if kind == "portforward":
                return self._forwardings.upgrade(head, request)
            return self._upgrade(head, request)
        except HandshakeRefused as refusal:
            return refusal.response, True

    def _upgrade(self, head: RequestHead, request: PendingRequest) -> Upgrade:
        """Raises HandshakeRefused."""
        is_websocket = is_websocket_request(head.headers)
        negotiated = (
            negotiate(head, self._dialect.exec_subprotocols)
            if is_websocket
            else negotiate_spdy(
                head,
                SPDY_PROTOCOLS,
                missing_is_error=self._dialect.missing_version_is_error,
            )
        )
        make = self._websocket_session if is_websocket else self._spdy_session

        def take_over(transport: asyncio.Transport, leftover: bytes) -> None:
            if parent := TraceParent.parse(request.traceparent):
                bind(transport, parent)
            transport.write(negotiated.response)
            session = make(transport, negotiated.subprotocol, request)
            session.start(leftover)
            self._spawn(session, request, negotiated.subprotocol)

        return take_over

    def _websocket_session(
        self, transport: asyncio.Transport, subprotocol: str, request: PendingRequest
    ) -> Session:
        return Session(
            transport,
            RemoteCommandServer(subprotocol, request.options),
            drains=request.kind == "exec",
            idle_timeout=self._idle_timeout,
            narrator=self._narrator(request),
        )

    def _spdy_session(
        self, transport: asyncio.Transport, protocol: str, request: PendingRequest
    ) -> Session:
        server = SpdyRemoteCommandServer(
            protocol,
            request.options,
            now=asyncio.get_running_loop().time(),
            idle_timeout=self._idle_timeout,
            creation_timeout=self._dialect.creation_timeout,
        )
        return SpdySession(
            transport,
            server,
            drains=request.kind == "exec",
            narrator=self._narrator(request),
        )

    def _narrator(self, request: PendingRequest) -> Narrator | None:
        return self._hops.narrator(Hop.CRI_SHIM, TraceParent.parse(request.traceparent))

    def _spawn(
        self, session: Session, request: PendingRequest, subprotocol: str
    ) -> None:
        name = f"{request.kind} {request.target[:12]}"
        logger.debug(
            "session started",
            extra={"session": name, "traceparent": request.traceparent},
        )
        task = spawn(name, self._run(session, request, subprotocol))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(
        self, session: Session, request: PendingRequest, subprotocol: str
    ) -> None:
        result = internal_error("the runtime is shutting down")
        try:
            # Over SPDY a client may leave before it has opened all streams.
            if await session.is_opened():
                result = await self._outcome(session, request)
        except Exception:
            logger.exception("session failed", extra={"kind": request.kind})
            result = internal_error("the session failed")
        finally:
            self._finish(session, result, subprotocol)

    def _finish(self, session: Session, result: ExitResult, subprotocol: str) -> None:
        """Tell the outcome; a client that cannot be told is at least not left waiting."""
        try:
            # A real runtime does not speak v5: kubelet or API server translate it to SPDY
            # and put the outcome in words of their own. Clients know these, so we, who
            # speak v5 ourselves, answer with them.
            if subprotocol == _V5:
                session.finish(translated(result), "metav1")
            else:
                session.finish(result, self._dialect.status_shape)
        except BaseException:
            session.abort()
            raise

    async def _outcome(self, session: Session, request: PendingRequest) -> ExitResult:
        container = self._containers.get(request.target)
        if container is None:
            text = f'container "{request.target}" not found'
            return internal_error(f"error executing command in container: {text}")
        if request.kind == "exec":
            return await serve_exec(session, self._execs, container, request)
        return await serve_attach(
            session, self._execs, self._sandboxes, self._containers, container, request
        )
