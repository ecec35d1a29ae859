"""`nodes/{scheme:name:port}/proxy/PATH`: a node's kubelet.

Source: kubernetes/kubernetes pkg/registry/core/node/rest/proxy.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery import status
from apiserver.resources.nodes import NODES
from apiserver.streaming.location import kubelet_address
from apiserver.streaming.reverse_proxy import proxied_path, reverse_proxy

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle"]


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    services = context.services
    _, name, port = split_name(context.info.name)
    node = await services.objects.get(NODES, "", name)
    address = kubelet_address(node, services.config.kubelet_preferred_address_types)
    if port not in ("", str(address.port)):
        raise status.bad_request(
            f"only the kubelet of node {name} can be reached, at port {address.port}"
        )
    target = proxied_path(context)
    if target is None:
        return slash_redirect(context)
    return await reverse_proxy(context, services.kubelets.client(address), target)


def split_name(text: str) -> tuple[str, str, str]:
    """`scheme:name:port`, `name:port` or `name`.

    Raises:
        StatusError: 400.
    """
    match text.split(":"):
        case [name]:
            return "", name, ""
        case [name, port]:
            return "", name, port
        case [scheme, name, port] if scheme in ("http", "https", ""):
            return scheme, name, port
        case _:
            raise status.bad_request(f"invalid proxy request {text!r}")


def slash_redirect(context: RequestContext) -> web.StreamResponse:
    """An empty path is redirected to `/`, so that relative links are right."""
    target, _, query = context.request.raw_path.partition("?")
    location = f"{target}/{'?' + query if query else ''}"
    return web.Response(status=301, headers={"Location": location})
