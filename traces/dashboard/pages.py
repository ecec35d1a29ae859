"""The page and its scripts: the list is ours, the picture that of `--format html`."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aiohttp import web

from traces.formats.html import asset

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    _Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

__all__ = ["add_pages"]

_SHARED: Final = ("terminal.js", "sequence.js", "page.js", "page.css")
_OWN: Final = ("dashboard.js", "dashboard.css")
_TYPES: Final = {".js": "text/javascript", ".css": "text/css"}
_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>mini-kube</title>
<link rel="stylesheet" href="/page.css">
<link rel="stylesheet" href="/dashboard.css">
</head>
<body class="dashboard">
<nav id="sessions-list"><noscript>This page needs its script.</noscript></nav>
<div id="session"><ul id="reasons"></ul><main id="page"></main></div>
<script src="/terminal.js"></script>
<script src="/sequence.js"></script>
<script src="/page.js"></script>
<script src="/dashboard.js"></script>
</body>
</html>
"""


def add_pages(app: web.Application) -> None:
    """Serve them; they are read once."""
    app.router.add_get("/", _page)
    for name in _SHARED:
        app.router.add_get(f"/{name}", _serving(asset(name), name))
    for name in _OWN:
        text = files("traces").joinpath("data", "web", name).read_text("utf-8")
        app.router.add_get(f"/{name}", _serving(text, name))


async def _page(request: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


def _serving(text: str, name: str) -> _Handler:
    kind = _TYPES[name[name.rindex(".") :]]

    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=kind)

    return serve
