"""`/`: the paths that are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiserver.response import document_response

if TYPE_CHECKING:
    from aiohttp import web

    from apiserver.context import RequestContext

__all__ = ["handle"]

_FIXED = (
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
)


async def handle(context: RequestContext) -> web.StreamResponse:
    registry = context.services.registry
    paths = {"/api", "/apis", *_FIXED}
    for group in registry.groups():
        root = f"/apis/{group}" if group else "/api"
        paths.add(root)
        paths.update(f"{root}/{version}" for version in registry.versions(group))
    for endpoint in ("healthz", "livez", "readyz"):
        paths.update(f"/{endpoint}/{n}" for n in context.services.health.of(endpoint))
    return document_response(context, {"paths": sorted(paths)})
