"""`/healthz`, `/livez`, `/readyz` and their single checks.

Source: kubernetes/apiserver pkg/server/healthz/healthz.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apimachinery.go_text import quote
from apiserver.handlers.dispatch import NOT_FOUND
from apiserver.response import plain_text

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import RequestContext

__all__ = ["HealthChecks", "handle"]

HealthCheck = Callable[[], Awaitable[bool]]


async def _always() -> bool:
    return True


@dataclass(slots=True)
class HealthChecks:
    """Named checks; `ready_only` ones do not make the server unhealthy."""

    checks: dict[str, HealthCheck] = field(
        default_factory=lambda: {"ping": _always, "log": _always}
    )
    ready_only: dict[str, HealthCheck] = field(default_factory=dict)

    def of(self, endpoint: str) -> dict[str, HealthCheck]:
        if endpoint == "readyz":
            return {**self.checks, **self.ready_only}
        return self.checks


async def handle(context: RequestContext) -> web.StreamResponse:
    endpoint, _, name = context.info.path.strip("/").partition("/")
    checks = context.services.health.of(endpoint)
    if name:
        if name not in checks:
            return plain_text(404, NOT_FOUND)
        return await _one(name, checks[name])
    return await _all(context, endpoint, checks)


async def _one(name: str, check: HealthCheck) -> web.Response:
    if await check():
        return plain_text(200, "ok")
    return plain_text(500, f"internal server error: {name} failed\n")


async def _all(
    context: RequestContext, endpoint: str, checks: dict[str, HealthCheck]
) -> web.Response:
    excluded = set(context.query.all("exclude"))
    lines, healthy = [], True
    for name, check in checks.items():
        if name in excluded:
            excluded.discard(name)
            lines.append(f"[+]{name} excluded: ok\n")
        elif await check():
            lines.append(f"[+]{name} ok\n")
        else:
            healthy = False
            lines.append(f"[-]{name} failed: reason withheld\n")
    if excluded:
        names = ", ".join(quote(name) for name in sorted(excluded))
        lines.append(
            f"warn: some health checks cannot be excluded: no matches for {names}\n"
        )
    detail = "".join(lines)
    if not healthy:
        return plain_text(500, f"{detail}{endpoint} check failed\n")
    if not context.query.has("verbose"):
        return plain_text(200, "ok")
    return plain_text(200, f"{detail}{endpoint} check passed\n")
