"""RuntimeService: ExecSync, and the URLs of exec, attach and port-forward.

Source: containerd/containerd internal/cri/server/container_{exec,execsync,attach}.go;
kubernetes/cri-streaming pkg/streaming/server.go (checks before a URL is made).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cri_runtime import exec_sync
from cri_runtime.errors import CriError, invalid
from cri_runtime.execs import check_running
from cri_runtime.services.containers import find_container
from cri_runtime.services.registry import traceparent
from cri_runtime.streaming.requests import PendingRequest
from rpc import cri_v1_pb2 as cri
from wire.remotecommand import StreamOptions

if TYPE_CHECKING:
    from cri_runtime.containers import Containers
    from cri_runtime.execs import Execs
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.services.registry import Context
    from cri_runtime.streaming.server import StreamingServer

__all__ = ["StreamService"]


class StreamService:
    """Ways into a container."""

    def __init__(
        self,
        sandboxes: Sandboxes,
        containers: Containers,
        execs: Execs,
        server: StreamingServer,
    ) -> None:
        self._sandboxes = sandboxes
        self._containers = containers
        self._execs = execs
        self._server = server

    async def exec_sync(
        self, request: cri.ExecSyncRequest, _context: Context
    ) -> cri.ExecSyncResponse:
        container = find_container(self._containers, request.container_id)
        command = list(request.cmd)
        result = await exec_sync.run(self._execs, container, command, request.timeout)
        return cri.ExecSyncResponse(
            stdout=result.stdout, stderr=result.stderr, exit_code=result.exit_code
        )

    async def exec(
        self, request: cri.ExecRequest, context: Context
    ) -> cri.ExecResponse:
        options = _options(request, "one of stdin, stdout, or stderr must be set")
        container = find_container(self._containers, request.container_id)
        check_running(container)
        pending = PendingRequest(
            "exec",
            container.id,
            options,
            command=tuple(request.cmd),
            traceparent=traceparent(context),
        )
        return cri.ExecResponse(url=self._server.url(pending))

    async def attach(
        self, request: cri.AttachRequest, context: Context
    ) -> cri.AttachResponse:
        options = _options(request, "one of stdin, stdout, and stderr must be set")
        container = find_container(self._containers, request.container_id)
        check_running(container)
        pending = PendingRequest(
            "attach", container.id, options, traceparent=traceparent(context)
        )
        return cri.AttachResponse(url=self._server.url(pending))

    async def port_forward(
        self, request: cri.PortForwardRequest, context: Context
    ) -> cri.PortForwardResponse:
        wanted = request.pod_sandbox_id
        if not wanted:
            raise invalid("missing required pod_sandbox_id")
        try:
            sandbox = self._sandboxes.find(wanted)
        except CriError as error:
            raise error.within(f'failed to find sandbox "{wanted}"') from None
        if not sandbox.ready:
            raise CriError("sandbox container is not running")
        pending = PendingRequest(
            "portforward",
            sandbox.id,
            ports=tuple(request.port),
            traceparent=traceparent(context),
        )
        return cri.PortForwardResponse(url=self._server.url(pending))


def _options(request: cri.ExecRequest | cri.AttachRequest, none: str) -> StreamOptions:
    """The streams asked for. Raises CriError: InvalidArgument."""
    if not request.container_id:
        raise invalid("missing required container_id")
    if request.tty and request.stderr:
        raise invalid("tty and stderr cannot both be true")
    if not (request.stdin or request.stdout or request.stderr):
        raise invalid(none)
    return StreamOptions(request.stdin, request.stdout, request.stderr, request.tty)
