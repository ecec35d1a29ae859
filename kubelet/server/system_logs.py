"""/logs/: the files below /var/log, as Go's file server shows them.

Source: golang/go net/http fs.go (dirList, serveFile).
"""

from __future__ import annotations

import asyncio
import html
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import web

from kubelet.server.answers import PLAIN, http_error, ok_text
from kubelet.server.host import HOST

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["system_logs"]

_BLOCK = 256 * 1024


async def system_logs(request: web.Request) -> web.StreamResponse:
    """GET /logs/ and /logs/PATH."""
    config = request.app[HOST].config
    if not config.enable_system_log_handler:
        return http_error(405, "logs endpoint is disabled.")
    found = await asyncio.to_thread(
        _find, config.system_log_dir, request.match_info.get("path", "")
    )
    if found is None:
        return http_error(404, "404 page not found")
    if found.names is None:
        return await _send(request, found.path)
    if not request.path.endswith("/"):
        return web.Response(status=301, headers={"Location": request.path + "/"})
    return ok_text(_listing(found.names), "text/html; charset=utf-8")


async def _send(request: web.Request, path: str) -> web.StreamResponse:
    """The file as it is now. Unlike web.FileResponse without sendfile: TLS has none."""
    response = web.StreamResponse(headers={"Content-Type": PLAIN})
    with await asyncio.to_thread(open, path, "rb") as file:
        response.content_length = os.fstat(file.fileno()).st_size
        await response.prepare(request)
        remaining = response.content_length
        while remaining and (data := await asyncio.to_thread(file.read, _BLOCK)):
            await response.write(data[:remaining])
            remaining -= len(data[:remaining])
    return response


@dataclass(frozen=True, slots=True)
class _Found:
    """A file, or a directory with the names in it."""

    path: str
    names: list[str] | None


def _find(root: str, wanted: str) -> _Found | None:
    """What lies at a path below the root; links that lead out of it are not there."""
    root = os.path.realpath(root)
    path = os.path.realpath(os.path.join(root, wanted))
    if path != root and not path.startswith(root + os.sep):
        return None
    if os.path.isdir(path):
        with os.scandir(path) as entries:
            return _Found(path, sorted(e.name + "/" * e.is_dir() for e in entries))
    return _Found(path, None) if os.path.isfile(path) else None


def _listing(names: Iterable[str]) -> str:
    links = (f'<a href="{quote(name)}">{html.escape(name)}</a>\n' for name in names)
    return (
        "<!doctype html>\n"
        '<meta name="viewport" content="width=device-width">\n'
        f"<pre>\n{''.join(links)}</pre>\n"
    )
