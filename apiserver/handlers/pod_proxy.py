"""`pods/{scheme:name:port}/proxy/PATH`: straight to the pod's address.

Source: kubernetes/kubernetes pkg/registry/core/pod/strategy.go, ResourceLocation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery import status
from apiserver.handlers.node_proxy import slash_redirect, split_name
from apiserver.resources.cells import read
from apiserver.resources.pods import PODS
from apiserver.streaming.reverse_proxy import proxied_path, reverse_proxy
from hops.client import HttpClient
from hops.hop import Hop, format_address

if TYPE_CHECKING:
    from aiohttp import web

    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource

__all__ = ["handle"]

_HTTP_PORT = 80


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    services, info = context.services, context.info
    scheme, name, port = split_name(info.name)
    if scheme == "https":
        raise status.bad_request("pods are reached over http only")
    pod = await services.objects.get(PODS, info.namespace, name)
    address = read(pod, "status.podIP")
    if not address:
        raise status.bad_request("address not allowed")
    target = proxied_path(context)
    if target is None:
        return slash_redirect(context)
    url = f"http://{format_address((address, _port(pod, port)))}"
    client = HttpClient(services.hops, Hop.APISERVER_KUBELET, url)
    try:
        return await reverse_proxy(context, client, target)
    finally:
        await client.close()


def _port(pod: JsonObject, asked: str) -> int:
    """The port that was asked for, else the first that a container declares."""
    if asked.isdigit():
        return int(asked)
    for container in read(pod, "spec.containers") or ():
        for port in container.get("ports") or ():
            if not asked or port.get("name") == asked:
                return int(port["containerPort"])
    if asked:
        raise status.bad_request(f"no such port: {asked}")
    return _HTTP_PORT
