"""The applications: the main port, the read-only port, and the port for health alone.

Source: kubernetes/kubernetes pkg/kubelet/server/server.go (NewServer,
InstallDefaultHandlers, InstallDebuggingHandlers, InstallDebuggingDisabledHandlers).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from kubelet.cri import CriError
from kubelet.server.answers import http_error, write_error
from kubelet.server.container_logs import BARE, container_logs
from kubelet.server.exec import attach, exec_, port_forward, run
from kubelet.server.health import healthz, healthz_check
from kubelet.server.host import HOST
from kubelet.server.metrics import (
    cadvisor_metrics,
    kubelet_metrics,
    probe_metrics,
    resource_metrics,
    slis_metrics,
)
from kubelet.server.pods import configz, pods_list, running_pods
from kubelet.server.stats import summary
from kubelet.server.streaming import MUST_TRANSLATE
from kubelet.server.system_logs import system_logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any

    from kubelet.server.host import Host

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["healthz_application", "main_application", "read_only_application"]

_CONTAINER = "/{namespace}/{pod}/{container}"
_CONTAINER_BY_UID = "/{namespace}/{pod}/{uid}/{container}"

_ANY = ("*",)
_GET = ("GET",)
_STREAM = ("GET", "POST")

# Group R: on the main port and on the read-only one.
_OPEN: tuple[tuple[Sequence[str], str, Handler], ...] = (
    (_ANY, "/healthz", healthz),
    (_ANY, "/healthz/{check}", healthz_check),
    (_GET, "/pods", pods_list),
    (_STREAM, "/stats/summary", summary),
    (_GET, "/metrics", kubelet_metrics),
    (_GET, "/metrics/slis", slis_metrics),
    (_GET, "/metrics/cadvisor", cadvisor_metrics),
    (_GET, "/metrics/resource", resource_metrics),
    (_GET, "/metrics/probes", probe_metrics),
)
# Group A: only on the main port, and only with enableDebuggingHandlers.
_DEBUGGING: tuple[tuple[Sequence[str], str, Handler], ...] = (
    (("POST",), "/run" + _CONTAINER, run),
    (("POST",), "/run" + _CONTAINER_BY_UID, run),
    (_STREAM, "/exec" + _CONTAINER, exec_),
    (_STREAM, "/exec" + _CONTAINER_BY_UID, exec_),
    (_STREAM, "/attach" + _CONTAINER, attach),
    (_STREAM, "/attach" + _CONTAINER_BY_UID, attach),
    (_STREAM, "/portForward/{namespace}/{pod}", port_forward),
    (_STREAM, "/portForward/{namespace}/{pod}/{uid}", port_forward),
    (_GET, "/containerLogs" + _CONTAINER, container_logs),
    (_GET, "/runningpods/", running_pods),
    (_GET, "/configz", configz),
    (_GET, "/logs/{path:.*}", system_logs),
)
_DISABLED = (
    "/run/",
    "/exec/",
    "/attach/",
    "/portForward/",
    "/containerLogs/",
    "/runningpods/",
    "/debug/pprof/",
    "/logs/",
)


def main_application(host: Host, auth: Callable[..., Any]) -> web.Application:
    """Everything, each request authenticated and authorized."""
    app = _application(host, auth)
    _add(app, _OPEN)
    if host.config.enable_debugging_handlers:
        _add(app, _DEBUGGING)
        profiling = _refuse("profiling endpoint is disabled.")
        app.router.add_route("*", "/debug/pprof/{rest:.*}", profiling)
        flags = _refuse("flags endpoint is disabled.")
        app.router.add_route("*", "/debug/flags/v", flags)
    else:
        _add_disabled(app)
    return app


def read_only_application(host: Host) -> web.Application:
    """Group R for whoever can reach the port."""
    app = _application(host)
    _add(app, _OPEN)
    _add_disabled(app)
    return app


def healthz_application(host: Host) -> web.Application:
    """/healthz with the ping check alone."""
    app = _application(host)

    async def ping(request: web.Request) -> web.Response:
        headers = {"X-Content-Type-Options": "nosniff"}
        return write_error(200, "ok", **headers)

    app.router.add_route("*", "/healthz", ping)
    app.router.add_route("*", "/healthz/ping", ping)
    return app


def _application(host: Host, *middlewares: Callable[..., Any]) -> web.Application:
    app = web.Application(middlewares=[*middlewares, _go_restful])
    app[HOST] = host
    app[MUST_TRANSLATE] = set()
    app.on_response_prepare.append(_trim_headers)
    return app


def _add(
    app: web.Application, routes: Sequence[tuple[Sequence[str], str, Handler]]
) -> None:
    for methods, path, handler in routes:
        for method in methods:
            app.router.add_route(method, path, handler)


def _add_disabled(app: web.Application) -> None:
    refuse = _refuse("Debug endpoints are disabled.")
    for path in _DISABLED:
        app.router.add_route("*", path + "{rest:.*}", refuse)


def _refuse(text: str) -> Handler:
    async def refuse(request: web.Request) -> web.Response:
        return http_error(405, text)

    return refuse


@web.middleware
async def _go_restful(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Unknown paths and methods in go-restful's words; the runtime's errors as 500."""
    try:
        return await handler(request)
    except CriError as err:
        return write_error(500, str(err))
    except web.HTTPNotFound:
        return write_error(404, "404: Page Not Found")
    except web.HTTPMethodNotAllowed as err:
        allowed = ", ".join(sorted(err.allowed_methods))
        return write_error(405, "405: Method Not Allowed", Allow=allowed)


async def _trim_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Leave out what Go's server does not send."""
    response.headers.pop("Server", None)
    if response.get(BARE):
        response.headers.pop("Content-Type", None)
