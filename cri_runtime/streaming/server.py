"""The streaming server: where the URLs of Exec, Attach and PortForward lead.

Source: kubernetes/cri-streaming pkg/streaming/server.go; containerd/containerd
internal/cri/server/streaming.go.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from cri_runtime.streaming.attach import serve_attach
from cri_runtime.streaming.exec import serve_exec
from cri_runtime.streaming.http import Answer, HttpConnection, Upgrade, plain
from cri_runtime.streaming.refusals import refuse_spdy
from cri_runtime.streaming.requests import PendingRequest, RequestCache
from cri_runtime.streaming.session import Session
from hops.hop import Hop, format_address
from hops.listen import Listener, listen
from hops.session import TraceParent, bind
from hops.tasks import cancel_and_wait, spawn
from wire.channels import EXEC_SUBPROTOCOLS
from wire.exit_status import ExitResult, internal_error
from wire.remotecommand import RemoteCommandServer
from wire.websocket_handshake import HandshakeRefused, is_websocket_request, negotiate

if TYPE_CHECKING:
    from cri_runtime.containers import Containers
    from cri_runtime.execs import Execs
    from cri_runtime.sandboxes import Sandboxes
    from hops.hops import Hops
    from wire.http1 import RequestHead

__all__ = ["StreamingServer"]

logger = logging.getLogger(__name__)

_NOT_FOUND = "404 page not found\n"
# The protocol whose status a client gets from a translator, when the runtime is real.
_V5 = "v5.channel.k8s.io"


class StreamingServer:
    """Hands out URLs and serves them."""

    def __init__(
        self,
        hops: Hops,
        sandboxes: Sandboxes,
        containers: Containers,
        execs: Execs,
        *,
        idle_timeout: float,
    ) -> None:
        self._hops = hops
        self._sandboxes = sandboxes
        self._containers = containers
        self._execs = execs
        self._idle_timeout = idle_timeout
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

    def url(self, request: PendingRequest) -> str:
        """A URL at which the request is served, once. Raises CriError: too many."""
        token = self._requests.insert(request, asyncio.get_running_loop().time())
        return f"{self.base_url}/{request.kind}/{token}"

    async def close(self) -> None:
        """Listen no more and end all sessions; the processes run on."""
        if self._listener is not None:
            self._listener.close()
        await cancel_and_wait(*self._tasks)

    def _serve(self, head: RequestHead) -> Answer | Upgrade:
        kind, _, token = head.target.partition("?")[0].lstrip("/").partition("/")
        if kind not in ("exec", "attach", "portforward") or not token or "/" in token:
            # go-restful's words for a path that it does not route
            return plain(404, "404: Page Not Found")
        if head.method not in ("GET", "POST"):
            allow = ("Allow", "GET, POST")
            return plain(405, "405: Method Not Allowed", allow)
        request = self._requests.consume(token, asyncio.get_running_loop().time())
        if request is None or request.kind != kind:
            return plain(404, _NOT_FOUND)
        if is_websocket_request(head.headers) and kind != "portforward":
            return self._upgrade_to_websocket(head, request)
        return refuse_spdy(head)

    def _upgrade_to_websocket(
        self, head: RequestHead, request: PendingRequest
    ) -> Answer | Upgrade:
        try:
            negotiated = negotiate(head, EXEC_SUBPROTOCOLS)
        except HandshakeRefused as refusal:
            return refusal.response, True

        def take_over(transport: asyncio.Transport, leftover: bytes) -> None:
            if parent := TraceParent.parse(request.traceparent):
                bind(transport, parent)
            transport.write(negotiated.response)
            server = RemoteCommandServer(negotiated.subprotocol, request.options)
            session = Session(
                transport,
                server,
                drains=request.kind == "exec",
                idle_timeout=self._idle_timeout,
            )
            session.start(leftover)
            self._spawn(session, request, negotiated.subprotocol)

        return take_over

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
            result = await self._outcome(session, request)
        except Exception:
            logger.exception("session failed", extra={"kind": request.kind})
            result = internal_error("the session failed")
        finally:
            translated = subprotocol == _V5
            if translated:
                result = _as_translated(result)
            session.finish(result, translated=translated)

    async def _outcome(self, session: Session, request: PendingRequest) -> ExitResult:
        container = self._containers.get(request.target)
        if container is None:
            text = f'container "{request.target}" not found'
            return internal_error(f"error executing command in container: {text}")
        if request.kind == "exec":
            return await serve_exec(session, self._execs, container, request)
        return await serve_attach(
            session, self._sandboxes, self._containers, container, request
        )


def _as_translated(result: ExitResult) -> ExitResult:
    """What a v5 client reads when a translator stands between it and a runtime.

    A real runtime does not speak v5: kubelet or API server translate it to SPDY and put the
    outcome in words of their own (kubernetes/apiserver pkg/util/proxy/streamtranslator.go).
    Clients know these, so we, who speak v5 ourselves, answer with them.
    """
    if result.success:
        return result
    if result.is_exit_code:
        text = f"command terminated with exit code {result.code}"
        message = f"command terminated with non-zero exit code: {text}"
        return ExitResult(result.code, message, reason=result.reason)
    return internal_error(result.message)
