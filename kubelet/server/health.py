"""/healthz and its parts.

Source: kubernetes/apiserver pkg/server/healthz/healthz.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelet.server.answers import http_error, write_error
from kubelet.server.host import HOST
from kubelet.server.query import query_of

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["healthz", "healthz_check"]


async def healthz(request: web.Request) -> web.Response:
    """All checks; `?verbose` lists them, `?exclude=NAME` leaves one out."""
    excluded = set(query_of(request).getall("exclude", []))
    lines, failed = [], False
    checks = request.app[HOST].health_checks()
    for name, complaint in checks.items():
        if name in excluded:
            excluded.discard(name)
            lines.append(f"[+]{name} excluded: ok\n")
        elif complaint:
            failed = True
            lines.append(f"[-]{name} failed: reason withheld\n")
        else:
            lines.append(f"[+]{name} ok\n")
    if excluded:
        names = ", ".join(f'"{name}"' for name in sorted(excluded))
        lines.append(
            f"warn: some health checks cannot be excluded: no matches for {names}\n"
        )
    listing = "".join(lines)
    if failed:
        return http_error(500, f"{listing}healthz check failed")
    if "verbose" not in query_of(request):
        return _ok("ok")
    return _ok(f"{listing}healthz check passed\n")


async def healthz_check(request: web.Request) -> web.Response:
    """One check by its name."""
    complaint = request.app[HOST].health_checks().get(request.match_info["check"])
    if complaint is None:
        return write_error(404, "404: Page Not Found")
    if complaint:
        return http_error(500, f"internal server error: {complaint}")
    return _ok("ok")


def _ok(text: str) -> web.Response:
    return write_error(200, text, **{"X-Content-Type-Options": "nosniff"})
