"""Who may see the dashboard: the user who started it, from a browser on this machine.

The token stands in the printed address once and becomes a cookie that no script reads
and no other site sends. The names under which we are reached are checked too, since a
page of another site may have its own name resolve to 127.0.0.1 (DNS rebinding), and a
WebSocket is not bound by the same-origin policy.

Sources: RFC 6265bis 5.8.3 (SameSite), RFC 6455 10.2 (Origin), CSP level 3.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["Guard"]

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """Lets requests through, or answers them.

    Args:
        token: what one has to know; a fresh one by default.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(32)
        self._names: frozenset[str] = frozenset()
        self._cookie = ""

    def listens_on(self, host: str, port: int) -> str:
        """The port is known: answers the address to open, with the token."""
        shown = f"[{host}]" if ":" in host else host
        self._names = frozenset({f"{shown}:{port}", f"localhost:{port}"})
        # cookies do not know ports: several dashboards must not meet in one
        self._cookie = f"mini-kube-dashboard-{port}"
        return f"http://{shown}:{port}/?token={self.token}"

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Check, let through, and put the headers of a page on the answer."""
        response: web.StreamResponse | None = self._refusal(request)
        if response is None:
            response = self._welcome(request)
        if response is None:
            response = await _answer(request, handler)
        if not response.prepared:
            response.headers.update(_HEADERS)
            response.headers["Content-Security-Policy"] = self._policy(request)
        return response

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.getall("Host", []) not in [[name] for name in self._names]:
            return _plain(421, "this dashboard is not reached under that name")
        origin = request.headers.get("Origin")
        if origin not in (None, f"http://{request.host}"):
            return _plain(403, "pages of other origins may not see this")
        if request.method not in ("GET", "HEAD"):
            return _plain(405, "there is nothing to change here")
        given = request.query.get("token") or request.cookies.get(self._cookie, "")
        # a header may hold bytes that are no UTF-8, which come as surrogates
        shown = given.encode(errors="surrogatepass")
        if not hmac.compare_digest(shown, self.token.encode()):
            return _plain(401, "open the address that mini-kube dashboard printed")
        return None

    def _welcome(self, request: web.Request) -> web.Response | None:
        """The token goes from the address into a cookie."""
        if "token" not in request.query:
            return None
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            self._cookie, self.token, httponly=True, samesite="Strict", path="/"
        )
        return response

    def _policy(self, request: web.Request) -> str:
        """Only what this server has; not to be framed."""
        return (
            "default-src 'none'; script-src 'self'; style-src 'self';"
            f" connect-src 'self' ws://{request.host}; base-uri 'none';"
            " form-action 'none'; frame-ancestors 'none'"
            if request.host in self._names
            else "default-src 'none'; frame-ancestors 'none'"
        )

    def may_stream(self, request: web.Request) -> bool:
        """A WebSocket has to say where it comes from: browsers always do."""
        return request.headers.get("Origin") == f"http://{request.host}"


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as err:
        return _plain(err.status, err.reason)


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
