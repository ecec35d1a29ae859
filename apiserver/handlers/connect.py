"""exec, attach and port-forward: the connection goes on to the kubelet.

Source: kubernetes/kubernetes pkg/registry/core/pod/rest/{subresources,authorize}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.options import PodExecOptions, PortForwardOptions
from apiserver.admission.chain import AdmissionRequest
from apiserver.filters.authorization import attributes_of
from apiserver.resources.nodes import NODES
from apiserver.resources.pods import PODS
from apiserver.streaming import location
from apiserver.streaming.lookup import look_up
from apiserver.streaming.proxy import is_upgrade, pass_through
from apiserver.streaming.translate import needs_translation, translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from apimachinery.options import Query
    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource
    from apiserver.streaming.location import KubeletAddress

__all__ = ["handle"]


@dataclass(frozen=True, slots=True)
class _Target:
    """How one of the subresources names its place at the kubelet."""

    kind: str
    locate: Callable[[JsonObject, Query], str]


_TARGETS = {
    "exec": _Target(
        "PodExecOptions",
        lambda pod, query: location.exec_target(pod, PodExecOptions.from_query(query)),
    ),
    "attach": _Target(
        "PodAttachOptions",
        lambda pod, query: location.attach_target(
            pod, PodExecOptions.from_query(query)
        ),
    ),
    "portforward": _Target(
        "PodPortForwardOptions",
        lambda pod, query: location.port_forward_target(
            pod, PortForwardOptions.from_query(query)
        ),
    ),
}


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    info, services = context.info, context.services
    wanted = _TARGETS[info.subresource]
    if context.query.has("dryRun"):
        raise status.bad_request("dryRun is not supported")
    await _admit(context, resource)
    _authorize_websocket(context)
    address, target = await _locate(context, wanted)
    if not is_upgrade(context.request):
        raise status.bad_request("Upgrade request required")
    client = services.kubelets.client(address)
    translated = needs_translation(context, info.subresource, address.takes_websockets)
    _count(context, translated)
    serve = translate if translated else pass_through
    services.long_running += 1
    try:
        return await serve(context, client, target)
    finally:
        services.long_running -= 1


async def _locate(
    context: RequestContext, wanted: _Target
) -> tuple[KubeletAddress, str]:
    """The kubelet of the pod, and the request target there.

    Pod and node are let go of: the session may last for days.
    """
    info, services = context.info, context.services
    pod = await look_up(services, PODS, info.namespace, info.name)
    target = wanted.locate(pod, context.query)
    node = await look_up(services, NODES, "", location.require_node(pod))
    types = services.config.kubelet_preferred_address_types
    return location.kubelet_address(node, types), target


async def _admit(context: RequestContext, resource: Resource) -> None:
    info = context.info
    request = AdmissionRequest(
        "CONNECT",
        resource,
        info.subresource,
        info.namespace,
        info.name,
        context.user,
        context,
    )
    await context.services.admission.mutate(request, {})
    context.services.admission.validate(request, {}, None)


def _authorize_websocket(context: RequestContext) -> None:
    """Since 1.35 a GET needs the right to `create`, too, like the POST of SPDY.

    Gate AuthorizePodWebsocketUpgradeCreatePermission.
    """
    config, info = context.services.config, context.info
    if info.verb == "create" or not config.emulate_version.websocket_get_needs_create:
        return
    decision = context.services.authorizer.authorize(attributes_of(context, "create"))
    if not decision.allowed:
        raise status.forbidden(PODS.group_resource, info.name, decision.reason)


def _count(context: RequestContext, translated: bool) -> None:
    if context.request.headers.get("Upgrade", "").lower() != "websocket":
        return
    handling = "translated_at_apiserver" if translated else "proxied_to_kubelet"
    context.services.metrics.streams[context.info.subresource, handling] += 1
