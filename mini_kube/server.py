"""Clusters for test suites in other languages, over HTTP with JSON.

docs/testing.md has the table of requests; `GET /v1/openapi.json` describes them for
machines. Whoever has the token may do all that this user may: it is asked for in an
Authorization header, which no web page can send here.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import logging
import math
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from apimachinery.go_duration import InvalidDurationError, parse_duration
from faults.client import FaultError
from faults.clock_control import ClockError
from faults.parameters import RuleError
from mini_kube.cluster import Cluster
from mini_kube.errors import ApiError, ClusterError, WaitError
from mini_kube.server_api import ROUTES, describe
from mini_kube.server_body import BodyError, read_body
from traces.formats import FORMATS, Options
from traces.formats.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from traces.sessions import Session

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["ClusterServer"]

logger = logging.getLogger(__name__)

_MAX_BODY: Final = 16 * 1024 * 1024
_SETTINGS: Final = {
    "nodes": "nodes",
    "emulateVersion": "emulate_version",
    "imagePolicy": "image_policy",
    "imageCatalogue": "image_catalogue",
    "kwokConfig": "kwok_config",
    "trace": "trace",
    "name": "name",
    "timeout": "timeout",
}
_FIELDS: Final = {route.handler: route.body for route in ROUTES}
_SESSION: Final = [
    "id",
    "verb",
    "namespace",
    "pod",
    "container",
    "command",
    "client",
    "subprotocol",
    "transport",
    "status",
    "exit_code",
    "is_open",
    "started",
    "duration",
    "hops",
    "faults",
]
_FILTERS: Final = ("verb", "namespace", "pod", "container", "status", "transport")


class _Refusal(Exception):  # noqa: N818 - an answer
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class ClusterServer:
    """The clusters that clients asked for, and the application that serves them."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._clusters: dict[str, Cluster] = {}
        self._numbers = itertools.count(1)

    def application(self) -> web.Application:
        """What serves the requests."""
        app = web.Application(
            middlewares=[_answer_errors, self._check_token], client_max_size=_MAX_BODY
        )
        for route in ROUTES:
            handler = getattr(self, f"_{route.handler}")
            app.router.add_route(route.method, route.path, handler)
        return app

    async def close(self) -> None:
        """End all clusters."""
        clusters = list(self._clusters.values())
        self._clusters.clear()
        await asyncio.gather(*(asyncio.to_thread(each.stop) for each in clusters))

    @web.middleware
    async def _check_token(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        # Headers are bytes; aiohttp keeps those that are no UTF-8 as surrogates.
        given = request.headers.get("Authorization", "").encode(
            "utf-8", "surrogateescape"
        )
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            raise _Refusal(401, "Authorization: Bearer TOKEN is expected")
        return await handler(request)

    # ---- clusters

    async def _openapi(self, request: web.Request) -> web.Response:
        return web.json_response(describe())

    async def _list_clusters(self, request: web.Request) -> web.Response:
        found = [_facts(name, each) for name, each in self._clusters.items()]
        return web.json_response({"items": found})

    async def _create_cluster(self, request: web.Request) -> web.Response:
        body = await _body(request, "create_cluster")
        settings = {_SETTINGS[key]: value for key, value in body.items()}
        try:
            cluster = Cluster(**settings)
        except ValueError as err:
            raise _Refusal(400, str(err)) from None
        await asyncio.to_thread(cluster.start)
        name = f"c{next(self._numbers)}"
        self._clusters[name] = cluster
        return web.json_response(_facts(name, cluster), status=201)

    async def _get_cluster(self, request: web.Request) -> web.Response:
        return web.json_response(
            _facts(request.match_info["id"], self._cluster(request))
        )

    async def _delete_cluster(self, request: web.Request) -> web.Response:
        cluster = self._cluster(request)
        del self._clusters[request.match_info["id"]]
        await asyncio.to_thread(cluster.stop)
        return web.Response(status=204)

    async def _get_kubeconfig(self, request: web.Request) -> web.Response:
        text = self._cluster(request).kubeconfig.read_text()
        return web.Response(text=text, content_type="application/yaml")

    async def _reset(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._cluster(request).reset)
        return web.Response(status=204)

    async def _create_pod(self, request: web.Request) -> web.Response:
        body = await _body(request, "create_pod")
        name, spec = body.pop("name", ""), body.pop("spec", {})
        if not name:
            raise _Refusal(400, "name: a text is expected")
        if twice := sorted(set(body) & set(spec)):
            raise _Refusal(400, f"spec: {', '.join(twice)} stands beside it already")
        cluster = self._cluster(request)
        pod = await asyncio.to_thread(lambda: cluster.run_pod(name, **body, **spec))
        return web.json_response(pod, status=201)

    async def _advance_clock(self, request: web.Request) -> web.Response:
        body = await _body(request, "advance_clock")
        advance, services = body.get("advance"), body.get("services", [])
        if advance is None:
            raise _Refusal(400, "advance: a duration is expected, as 90s or 4h")
        if isinstance(advance, str):
            advance = parse_duration(advance)
        clock = self._cluster(request).clock
        ahead = await asyncio.to_thread(clock.advance, advance, services=services)
        return web.json_response({"ahead": ahead})

    # ---- faults

    async def _list_faults(self, request: web.Request) -> web.Response:
        rules = await asyncio.to_thread(self._cluster(request).faults.list)
        return web.json_response({"items": [dict(rule) for rule in rules]})

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await _body(request, "add_fault")
        kind, attributes = body.pop("type", ""), body.pop("attributes", {})
        if twice := sorted(set(body) & set(attributes)):
            raise _Refusal(400, f"attributes: there is no {', '.join(twice)}")
        faults = self._cluster(request).faults
        added = await asyncio.to_thread(lambda: faults.add(kind, **body, **attributes))
        return web.json_response(dict(added.rule), status=201)

    async def _remove_fault(self, request: web.Request) -> web.Response:
        faults, name = self._cluster(request).faults, request.match_info["name"]
        if not await asyncio.to_thread(faults.remove, name):
            raise _Refusal(404, f"no fault {name}")
        return web.Response(status=204)

    async def _reset_faults(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._cluster(request).faults.reset)
        return web.Response(status=204)

    # ---- traces

    async def _list_sessions(self, request: web.Request) -> web.Response:
        _check_query(request, "list_sessions")
        trace = self._cluster(request).trace
        wanted: dict[str, Any] = {
            name: request.query[name] for name in _FILTERS if name in request.query
        }
        count = _number(request, "count", 0)
        timeout = _number(request, "timeout", 5)
        if count:
            wanted["is_open"] = False
        found = await asyncio.to_thread(
            lambda: trace.expect(int(count), timeout=timeout, **wanted)
        )
        return web.json_response({"items": [_session(each) for each in found]})

    async def _get_session(self, request: web.Request) -> web.Response:
        _check_query(request, "get_session")
        name = request.query.get("format", "text")
        if name not in FORMATS:
            raise _Refusal(400, f"format: one of {', '.join(FORMATS)} is expected")
        trace, wanted = self._cluster(request).trace, request.match_info["session"]
        found = await asyncio.to_thread(lambda: trace.sessions(id=wanted))
        if not found:
            raise _Refusal(404, f"no session {wanted}")
        form = FORMATS[name]
        body = await asyncio.to_thread(form.render, found, Options())
        kind = "text/plain" if form.is_text else "application/octet-stream"
        return web.Response(body=body, content_type=kind)

    async def _forget_sessions(self, request: web.Request) -> web.Response:
        await asyncio.to_thread(self._cluster(request).trace.clear)
        return web.Response(status=204)

    def _cluster(self, request: web.Request) -> Cluster:
        name = request.match_info["id"]
        try:
            return self._clusters[name]
        except KeyError:
            raise _Refusal(404, f"no cluster {name}") from None


def _facts(name: str, cluster: Cluster) -> dict[str, Any]:
    return {
        "id": name,
        "server": cluster.server,
        "nodes": list(cluster.nodes),
        "kubeconfig": str(cluster.kubeconfig),
        "services": sorted(cluster.services),
    }


def _session(session: Session) -> dict[str, Any]:
    return {name: getattr(session, name) for name in _SESSION}


def _check_query(request: web.Request, handler: str) -> None:
    """Refuse parameters that the request does not have, rather than pass them over."""
    known = next(route.query for route in ROUTES if route.handler == handler)
    if unknown := sorted(set(request.query) - set(known)):
        raise _Refusal(400, f"unknown: {', '.join(unknown)}")


def _number(request: web.Request, name: str, default: float) -> float:
    text = request.query.get(name, default)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise _Refusal(400, f"{name}: {text!r} is no number")
    return number


async def _body(request: web.Request, handler: str) -> dict[str, Any]:
    try:
        return read_body(await request.read(), _FIELDS[handler])
    except BodyError as err:
        raise _Refusal(400, str(err)) from None


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _Refusal as refusal:
        return _error(refusal.code, refusal.text)
    except web.HTTPException as err:
        return _error(err.status, err.reason)
    except WaitError as err:
        return _error(504, str(err))
    except ApiError as err:
        return _error(err.code or 502, str(err))
    except (
        ClockError,
        FaultError,
        RuleError,
        InvalidDurationError,
        RenderError,
    ) as err:
        return _error(400, str(err))
    except ClusterError as err:
        return _error(500, str(err))
    except Exception as err:
        logger.exception("request failed", extra={"path": request.path})
        return _error(500, f"{type(err).__name__}: {err}")


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)
