"""`pods/log`: a container's log, streamed from the kubelet.

Source: kubernetes/kubernetes pkg/registry/core/pod/rest/log.go; kubernetes/apiserver
pkg/registry/generic/rest/{streamer,response_checker}.go and
pkg/endpoints/handlers/responsewriters/writers.go (StreamObject).
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery import status
from apimachinery.emulation import SPLIT_STREAMS
from apimachinery.gvk import GroupKind, GroupResource
from apimachinery.options import PodLogOptions
from apiserver.push_socket import PushSocket, asks_for_websocket, open_socket
from apiserver.resources.nodes import NODES
from apiserver.resources.pods import PODS
from apiserver.streaming import location
from apiserver.streaming.lookup import look_up
from hops.client import ConnectError
from hops.serve import on_disconnect
from hops.session import HEADER
from wire.errors import ProtocolError
from wire.websocket import Opcode
from wire.websocket_handshake import negotiate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apiserver.context import RequestContext
    from apiserver.resources.registry import Resource, Subresource
    from hops.client import HttpClient, StreamingResponse

__all__ = ["handle"]

_MAX_ERROR = 50_000  # bytes of an error's text that are read
_BASE64 = "base64.binary.k8s.io"
_SUBPROTOCOLS = ("", "binary.k8s.io", _BASE64)
_MESSAGE = 2048  # bytes of log in one WebSocket message
_LOG = GroupResource("", "pods/log")


async def handle(
    context: RequestContext, resource: Resource, subresource: Subresource | None
) -> web.StreamResponse:
    options = PodLogOptions.from_query(context.query)
    info, services = context.info, context.services
    split = services.config.enabled(SPLIT_STREAMS)
    if errors := options.validate(split_streams=split):
        raise status.invalid(GroupKind("", "PodLogOptions"), info.name, errors)
    pod = await look_up(services, PODS, info.namespace, info.name)
    try:
        target = location.log_target(pod, options)
    except location.NoHostError:
        return web.Response(status=204)
    node = await look_up(services, NODES, "", location.require_node(pod))
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
    headers = [(HEADER, str(context.session))]
    async with client.stream("GET", target, headers=headers) as upstream:
        if upstream.status != 200:
            raise await _refusal(context, upstream)
        if asks_for_websocket(context):
            return await _messages(context, upstream)
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(context.request)  # 200 comes before the first line
        with _while_client_stays() as leave:
            on_disconnect(context.request, leave)
            async for piece in upstream:
                await response.write(piece)
            await response.write_eof()
        return response


async def _messages(
    context: RequestContext, upstream: StreamingResponse
) -> web.StreamResponse:
    """A message of its own for each piece of at most 2048 bytes; the first is empty.

    Source: wsstream Reader.
    """
    socket = await open_socket(context, partial(negotiate, allowed=_SUBPROTOCOLS))
    if not isinstance(socket, PushSocket):
        return socket
    as_text = socket.subprotocol == _BASE64
    opcode = Opcode.TEXT if as_text else Opcode.BINARY
    with _while_client_stays() as leave:
        async with socket:
            socket.on_gone = leave
            await socket.send(opcode, [b""])
            async for piece in upstream:
                parts = _cut(piece)
                await socket.send(opcode, map(b64encode, parts) if as_text else parts)
    return socket.response


def _cut(piece: bytes) -> Iterator[bytes]:
    return (piece[at : at + _MESSAGE] for at in range(0, len(piece), _MESSAGE))


@contextmanager
def _while_client_stays() -> Iterator[Callable[[], None]]:
    """Run the block until the callback is called; the kubelet is let go of then."""
    task = asyncio.current_task()
    left = False

    def leave() -> None:
        nonlocal left
        left = True
        if task is not None:
            task.cancel()

    try:
        yield leave
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
