"""`pods/log`: a container's log, streamed from the kubelet.

Source: kubernetes/kubernetes pkg/registry/core/pod/rest/log.go; kubernetes/apiserver
pkg/registry/generic/rest/{streamer,response_checker}.go and
pkg/endpoints/handlers/responsewriters/writers.go (StreamObject).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery import status
from apimachinery.gvk import GroupResource
from apimachinery.options import PodLogOptions, check
from apiserver.resources.nodes import NODES
from apiserver.resources.pods import PODS
from apiserver.streaming import location
from hops.client import ConnectError
from hops.session import HEADER, from_headers
from wire.errors import ProtocolError

if TYPE_CHECKING:
    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource
    from hops.client import HttpClient, StreamingResponse

__all__ = ["handle"]

_MAX_ERROR = 50_000  # bytes of an error's text that are read
_LOG = GroupResource("", "pods/log")


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    options = PodLogOptions.from_query(context.query)
    check("PodLogOptions", options.validate(), group="")
    info, services = context.info, context.services
    pod = await services.objects.get(PODS, info.namespace, info.name)
    try:
        target = location.log_target(pod, options)
    except location.NoHostError:
        return web.Response(status=204)
    node = await services.objects.get(NODES, "", location.require_node(pod))
    address = location.kubelet_address(
        node, services.config.kubelet_preferred_address_types
    )
    verify = not options.insecure_skip_tls_verify_backend
    client = services.kubelets.client(address, verify=verify)
    services.long_running += 1
    try:
        return await _copy(context, client, target)
    except (ConnectError, ProtocolError) as error:
        url = f"{client.base_url}{target.partition('?')[0]}"
        text = f'Get "{url}": {error}'
        raise status.StatusError(status.failure_status(500, "", text)) from None
    finally:
        services.long_running -= 1


async def _copy(
    context: RequestContext, client: HttpClient, target: str
) -> web.StreamResponse:
    headers = [(HEADER, str(from_headers(context.request.headers.items())))]
    async with client.stream("GET", target, headers=headers) as upstream:
        if upstream.status != 200:
            raise await _refusal(context, upstream)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(context.request)  # 200 comes before the first line
        await _pump(context, upstream, response)
        return response


async def _pump(
    context: RequestContext, upstream: StreamingResponse, response: web.StreamResponse
) -> None:
    """Pass on each piece as it comes; the kubelet is let go when the client leaves."""
    import asyncio

    from hops.serve import on_disconnect

    task = asyncio.current_task()
    left = False

    def leave() -> None:
        nonlocal left
        left = True
        if task is not None:
            task.cancel()

    on_disconnect(context.request, leave)
    try:
        async for piece in upstream:
            await response.write(piece)
        await response.write_eof()
    except ConnectionError:
        pass
    except asyncio.CancelledError:
        if not left or task is None:
            raise
        task.uncancel()


async def _refusal(
    context: RequestContext, upstream: StreamingResponse
) -> status.StatusError:
    """The kubelet's plain text as a Status.

    Source: GenericHttpResponseChecker.
    """
    text = (await upstream.read(_MAX_ERROR)).decode("utf-8", "replace")
    if upstream.status == 400:
        return status.bad_request(text)
    if upstream.status == 500:
        return status.internal_error(text)
    return status.generic_server_response(
        upstream.status, "", _LOG, context.info.name, text
    )
