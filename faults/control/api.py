"""toxiproxy's HTTP API over our hops and over proxies that clients make.

Source: Shopify/toxiproxy api.go and README "HTTP API", version 2.12.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from faults.control.errors import (
    PROXY_EXISTS,
    PROXY_NOT_FOUND,
    TOXIC_NOT_FOUND,
    ApiError,
)
from faults.control.proxies import TcpProxy, parse_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from faults.control.proxies import Proxy

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["VERSION", "ControlApi"]

#: The release of toxiproxy whose API this is.
VERSION = "2.12.0"
_MAX_BODY = 4 * 1024 * 1024
_OF_BROWSERS = ("Origin", "Sec-Fetch-Site")


class ControlApi:
    """The proxies, and the application that shows them."""

    def __init__(self, proxies: Iterable[Proxy] = ()) -> None:
        self._proxies: dict[str, Proxy] = {proxy.name: proxy for proxy in proxies}

    def application(self) -> web.Application:
        """What serves the API."""
        app = web.Application(middlewares=[_answer_errors], client_max_size=_MAX_BODY)
        route = app.router.add_route
        route("POST", "/reset", self._reset)
        route("GET", "/version", self._version)
        route("GET", "/proxies", self._list)
        route("POST", "/proxies", self._create)
        route("POST", "/populate", self._populate)
        proxy, toxic = "/proxies/{proxy}", "/proxies/{proxy}/toxics/{toxic}"
        route("GET", proxy, self._show)
        route("GET", f"{proxy}/toxics", self._toxics)
        route("POST", f"{proxy}/toxics", self._add)
        route("DELETE", proxy, self._delete)
        route("GET", toxic, self._show_toxic)
        route("DELETE", toxic, self._remove)
        for method in ("POST", "PATCH"):
            route(method, proxy, self._update)
            route(method, toxic, self._update_toxic)
        return app

    async def close(self) -> None:
        """End the proxies that clients made."""
        for proxy in self._proxies.values():
            await proxy.close()

    async def _list(self, request: web.Request) -> web.Response:
        return _json({n: await p.facts() for n, p in self._proxies.items()})

    async def _show(self, request: web.Request) -> web.Response:
        return _json(await self._proxy(request).facts())

    async def _create(self, request: web.Request) -> web.Response:
        body = await _body(request)
        proxy, enabled = _new_proxy(body, "")
        if proxy.name in self._proxies:
            raise ApiError(*PROXY_EXISTS)
        await proxy.enable(enabled)
        self._proxies[proxy.name] = proxy
        return _json(await proxy.facts(), 201)

    async def _populate(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if not isinstance(body, list):
            raise ApiError.bad_body("a list is expected")
        wanted = [_new_proxy(item, f" at proxy {n}") for n, item in enumerate(body, 1)]
        made: list[Proxy] = []
        failure: dict[str, Any] = {}
        try:
            for proxy, enabled in wanted:
                made.append(await self._replace(proxy, enabled))
        except ApiError as err:
            failure = _refusal(err)
        proxies = [await proxy.facts() for proxy in made]
        return _json({**failure, "proxies": proxies}, failure.get("status", 201))

    async def _replace(self, wanted: TcpProxy, enabled: bool) -> Proxy:
        """api.go AddOrReplace: one that is the same stays, with its toxics."""
        known = self._proxies.get(wanted.name)
        if known is not None:
            have, want = await known.facts(), await wanted.facts()
            if known.fixed or all(have[k] == want[k] for k in ("listen", "upstream")):
                await known.enable(enabled)
                return known
            await known.close()
        await wanted.enable(enabled)
        self._proxies[wanted.name] = wanted
        return wanted

    async def _update(self, request: web.Request) -> web.Response:
        proxy, body = self._proxy(request), await _body(request)
        if not isinstance(body, dict):
            raise ApiError.bad_body("an object is expected")
        facts = await proxy.facts()
        listen = body.get("listen") or facts["listen"]
        upstream = body.get("upstream") or facts["upstream"]
        if (listen, upstream) != (facts["listen"], facts["upstream"]):
            await proxy.move(str(listen), str(upstream))
        enabled = body.get("enabled", facts["enabled"])
        if not isinstance(enabled, bool):
            raise ApiError.bad_body("enabled: true or false is expected")
        await proxy.enable(enabled)
        return _json(await proxy.facts())

    async def _delete(self, request: web.Request) -> web.Response:
        proxy = self._proxy(request)
        if proxy.fixed:
            raise ApiError.bad_body(f"{proxy.name} is a hop of the cluster: it stays")
        del self._proxies[proxy.name]
        await proxy.close()
        return web.Response(status=204)

    async def _toxics(self, request: web.Request) -> web.Response:
        return _json(await self._proxy(request).toxics())

    async def _add(self, request: web.Request) -> web.Response:
        return _json(await self._proxy(request).add(await _body(request)))

    async def _show_toxic(self, request: web.Request) -> web.Response:
        for toxic in await self._proxy(request).toxics():
            if toxic["name"] == request.match_info["toxic"]:
                return _json(toxic)
        raise ApiError(*TOXIC_NOT_FOUND)

    async def _update_toxic(self, request: web.Request) -> web.Response:
        name = request.match_info["toxic"]
        return _json(await self._proxy(request).update(name, await _body(request)))

    async def _remove(self, request: web.Request) -> web.Response:
        await self._proxy(request).remove(request.match_info["toxic"])
        return web.Response(status=204)

    async def _reset(self, request: web.Request) -> web.Response:
        for proxy in self._proxies.values():
            await proxy.reset()
            await proxy.enable(True)
        return web.Response(status=204)

    async def _version(self, request: web.Request) -> web.Response:
        return _json({"version": VERSION})

    def _proxy(self, request: web.Request) -> Proxy:
        try:
            return self._proxies[request.match_info["proxy"]]
        except KeyError:
            raise ApiError(*PROXY_NOT_FOUND) from None


def _new_proxy(body: Any, where: str) -> tuple[TcpProxy, bool]:
    """The proxy that a body asks for, and whether it is enabled. Raises ApiError."""
    if not isinstance(body, dict):
        raise ApiError.bad_body("an object is expected")
    for field in ("name", "upstream"):
        if not body.get(field) or not isinstance(body[field], str):
            raise ApiError.missing(f"{field}{where}")
    listen, enabled = body.get("listen") or "127.0.0.1:0", body.get("enabled", True)
    if not isinstance(listen, str) or not isinstance(enabled, bool):
        raise ApiError.bad_body("listen is a text, enabled is true or false")
    if enabled:
        parse_address(listen), parse_address(body["upstream"])
    return TcpProxy(body["name"], listen, body["upstream"]), enabled


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError) as err:
        raise ApiError.bad_body(err) from None


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(value).encode(), status=status, content_type="application/json"
    )


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    # api.go stopBrowsersMiddleware: no page that a browser shows may drive this.
    # Unlike toxiproxy: pages may choose their User-Agent; these headers they may not.
    agent = request.headers.get("User-Agent", "")
    if agent.startswith("Mozilla/") or any(h in request.headers for h in _OF_BROWSERS):
        return web.Response(status=403, text="User agent not allowed\n")
    try:
        return await handler(request)
    except ApiError as err:
        return _json(_refusal(err), err.status)


def _refusal(err: ApiError) -> dict[str, Any]:
    return {"error": str(err), "status": err.status}
