"""/exec, /attach, /portForward and /run.

The order of the checks, and what each says, is that of the real kubelet.
Source: kubernetes/kubernetes pkg/kubelet/server/server.go (getExec, getAttach,
getPortForward, getRun), pkg/kubelet/kubelet_pods.go; kubernetes/cri-streaming
pkg/streaming/{remotecommand,portforward}.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from kubelet import pod as pods
from kubelet import traceparent
from kubelet.cri import CriError
from kubelet.server.answers import write_error
from kubelet.server.host import HOST
from kubelet.server.query import query_of
from kubelet.server.streaming import proxy_upgrade
from rpc import cri_v1_pb2 as cri
from wire.errors import RemoteProtocolError
from wire.portforward import is_tunnel_request, parse_ports
from wire.remotecommand import StreamOptions
from wire.request_target import parse_query
from wire.websocket_handshake import is_websocket_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.types import JsonObject
    from kubelet.server.host import Host

__all__ = ["attach", "exec_", "port_forward", "run"]

_TOKEN_SECONDS = 60


class BadOptionsError(ValueError):
    """400: the query asks for nothing that can be done."""


def _stream_options(form: Mapping[str, str]) -> StreamOptions:
    """Which streams are asked for. A flag counts only if its value is exactly `1`."""
    flags = [form.get(name) == "1" for name in ("input", "output", "error", "tty")]
    stdin, stdout, stderr, tty = flags
    # "unsupported to have both tty and stderr": the latter is dropped silently.
    stderr = stderr and not tty
    if not (stdin or stdout or stderr):
        raise BadOptionsError("you must specify at least 1 of stdin, stdout, stderr")
    return StreamOptions(stdin, stdout, stderr, tty)


@dataclass(frozen=True, slots=True)
class Target:
    """The container that a path names."""

    namespace: str
    pod: str
    uid: str
    container: str

    @classmethod
    def from_request(cls, request: web.Request) -> Target:
        match = request.match_info
        return cls(
            match["namespace"],
            match["pod"],
            match.get("uid", ""),
            match.get("container", ""),
        )

    @property
    def full_name(self) -> str:
        return f"{self.pod}_{self.namespace}"


async def exec_(request: web.Request) -> web.StreamResponse:
    """GET or POST /exec/NAMESPACE/POD[/UID]/CONTAINER."""
    host, target = request.app[HOST], Target.from_request(request)
    try:
        options = _stream_options(await _form(request))
    except BadOptionsError as err:
        return write_error(400, str(err))
    if host.pod_named(target.namespace, target.pod) is None:
        return write_error(404, "pod does not exist")
    with traceparent.serving(request):
        try:
            container_id = await _running(host, target)
            if container_id is None:
                text = f'container not found ("{target.container}")'
                return write_error(500, text)
            new_url = partial(
                host.runtime.exec_url,
                container_id,
                query_of(request).getall("command", []),
                **_streams(options),
            )
            return await proxy_upgrade(request, host, new_url, options)
        except CriError as err:
            return _cri_error(err)


async def attach(request: web.Request) -> web.StreamResponse:
    """GET or POST /attach/NAMESPACE/POD[/UID]/CONTAINER."""
    host, target = request.app[HOST], Target.from_request(request)
    try:
        options = _stream_options(await _form(request))
    except BadOptionsError as err:
        return write_error(400, str(err))
    pod = host.pod_named(target.namespace, target.pod)
    if pod is None:
        return write_error(404, "pod does not exist")
    with traceparent.serving(request):
        try:
            container_id = await _running(host, target)
            spec = pods.container_named(pod, target.container)
            if container_id is None or spec is None:
                text = (
                    f"container {target.container} not found in pod {target.full_name}"
                )
                return write_error(500, text)
            # Whether there is a terminal was decided when the container was made.
            tty = bool(spec.get("tty"))
            stderr = options.stderr and not tty
            options = StreamOptions(options.stdin, options.stdout, stderr, tty)
            new_url = partial(
                host.runtime.attach_url, container_id, **_streams(options)
            )
            return await proxy_upgrade(request, host, new_url, options)
        except CriError as err:
            return _cri_error(err)


async def port_forward(request: web.Request) -> web.StreamResponse:
    """GET or POST /portForward/NAMESPACE/POD[/UID]."""
    host, target = request.app[HOST], Target.from_request(request)
    try:
        ports = _ports(request, host.config.minor)
    except RemoteProtocolError as err:
        return write_error(400, str(err))
    pod = host.pod_named(target.namespace, target.pod)
    if pod is None:
        return write_error(404, "pod does not exist")
    if target.uid and target.uid != pods.uid(pod):
        return write_error(404, "pod not found")
    with traceparent.serving(request):
        try:
            sandbox_id = await _ready_sandbox(host, pod)
            if sandbox_id is None:
                return write_error(500, f'pod not found ("{target.full_name}")')
            new_url = partial(host.runtime.port_forward_url, sandbox_id, ports)
            return await proxy_upgrade(request, host, new_url)
        except CriError as err:
            return _cri_error(err)


async def run(request: web.Request) -> web.StreamResponse:
    """POST /run/NAMESPACE/POD[/UID]/CONTAINER?cmd=…: the output of one command."""
    host, target = request.app[HOST], Target.from_request(request)
    if host.pod_named(target.namespace, target.pod) is None:
        return write_error(404, "pod does not exist")
    # One value, split at single blanks; there is no quoting.
    line = query_of(request).get("cmd", "")
    with traceparent.serving(request):
        try:
            container_id = await _running(host, target)
            if container_id is None:
                text = f'container not found ("{target.container}")'
                return write_error(500, text)
            result = await host.runtime.exec_sync(container_id, line.split(" "))
        except CriError as err:
            return write_error(500, str(err))
    if result.exit_code:
        stderr = result.stderr.decode("utf-8", "replace")
        text = f"command '{line}' exited with {result.exit_code}: {stderr}"
        return write_error(500, text)
    # The header says JSON although the content is raw: clients know.
    return web.Response(
        body=result.stdout + result.stderr,
        headers={"Content-Type": "application/json"},
    )


async def _form(request: web.Request) -> Mapping[str, str]:
    """Query and, as Go's FormValue does, a form in the body, which wins."""
    if request.content_type != "application/x-www-form-urlencoded":
        return query_of(request)
    # As UTF-8, whatever charset is named: Go does not look.
    body = (await request.read()).decode("utf-8", "replace")
    form = dict(reversed(parse_query(body)))
    return {**query_of(request), **form}


async def _running(host: Host, target: Target) -> str | None:
    found = await host.runtime.running_containers(
        target.namespace, target.pod, target.container, target.uid
    )
    return found[0].id if found else None


async def _ready_sandbox(host: Host, pod: JsonObject) -> str | None:
    sandboxes = await host.runtime.list_sandboxes(pods.uid(pod))
    ready = [s for s in sandboxes if s.state == cri.SANDBOX_READY]
    ready.sort(key=lambda sandbox: sandbox.created_at)
    return ready[-1].id if ready else None


def _streams(options: StreamOptions) -> dict[str, bool]:
    return {
        "stdin": options.stdin,
        "stdout": options.stdout,
        "stderr": options.stderr,
        "tty": options.tty,
    }


def _ports(request: web.Request, minor: int) -> list[int]:
    """Ports of a WebSocket client; one that speaks SPDY names them in its streams.

    Raises:
        RemoteProtocolError: the text of the 400.
    """
    headers = list(request.headers.items())
    if not is_websocket_request(headers):
        return []
    # ExtendWebSocketsToKubelet: there is SPDY inside
    if minor >= 36 and is_tunnel_request(headers):
        return []
    return parse_ports(query_of(request).getall("port", []))


def _cri_error(err: CriError) -> web.Response:
    """kubernetes/cri-streaming pkg/streaming/errors.go (WriteError)."""
    if err.is_not_found:
        return write_error(404, str(err))
    if err.code == "RESOURCE_EXHAUSTED":
        return write_error(429, str(err), **{"Retry-After": str(_TOKEN_SECONDS)})
    return write_error(500, str(err))
