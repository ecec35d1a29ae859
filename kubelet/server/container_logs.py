"""/containerLogs.

The status line goes out as soon as the instance is chosen; whatever goes wrong after
that is text in the body of a 200.
Source: kubernetes/kubernetes pkg/kubelet/server/server.go (getContainerLogs).
"""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from aiohttp import web

from apimachinery.emulation import SPLIT_STREAMS
from hops.clock import wall
from hops.serve import on_disconnect
from hops.session import TraceParent
from kubelet import pod as pods
from kubelet import traceparent
from kubelet.cri import CriError
from kubelet.log_filter import UnknownLogFormatError
from kubelet.log_options import (
    InvalidLogOptionsError,
    LogOptions,
    UndecodableLogOptionsError,
)
from kubelet.log_selection import LogUnavailableError, select_log_instance
from kubelet.log_witness import LogWitness
from kubelet.logs import LogReadError, read_log
from kubelet.runtime_status import ContainerState
from kubelet.server.answers import write_error
from kubelet.server.host import HOST
from kubelet.server.query import query_of

if TYPE_CHECKING:
    from kubelet.server.host import Host

__all__ = ["BARE", "container_logs"]

BARE: web.ResponseKey[bool] = web.ResponseKey("bare", bool)
"""Set in a response that must go out without a Content-Type."""


async def container_logs(request: web.Request) -> web.StreamResponse:
    """GET /containerLogs/NAMESPACE/POD/CONTAINER."""
    host = request.app[HOST]
    name, container = request.match_info["pod"], request.match_info["container"]
    try:
        options = LogOptions.from_query(query_of(request), wall())
    except UndecodableLogOptionsError:
        return write_error(400, _message("Unable to decode query."))
    except InvalidLogOptionsError:
        return write_error(422, _message("Invalid request."))
    pod = host.pod_named(request.match_info["namespace"], name)
    if pod is None:
        return write_error(404, f'pod "{name}" does not exist')
    if pods.container_named(pod, container) is None:
        return write_error(404, f'container "{container}" not found in pod "{name}"')
    if options.stream != "All" and not host.config.enabled(SPLIT_STREAMS):
        return write_error(
            400,
            f'unable to return the given log stream: "{options.stream}". Please enable'
            " PodLogsQuerySplitStreams feature gate in kubelet",
        )
    status = host.pod_status(pods.uid(pod)) or pods.status_of(pod)
    try:
        instance = select_log_instance(
            name, status, container, previous=options.previous
        )
    except LogUnavailableError as err:
        return write_error(400, str(err))
    return await _stream(request, host, instance, options)


def _message(text: str) -> str:
    return json.dumps({"message": text})


async def _stream(
    request: web.Request, host: Host, instance: str, options: LogOptions
) -> web.StreamResponse:
    with traceparent.serving(request):
        return await _answer(request, host, instance, options)


async def _answer(
    request: web.Request, host: Host, instance: str, options: LogOptions
) -> web.StreamResponse:
    response = web.StreamResponse()
    response[BARE] = True
    response.enable_chunked_encoding()
    await response.prepare(request)
    with suppress(ConnectionError):
        try:
            await _copy(request, host, instance, options, response)
        except (LogReadError, UnknownLogFormatError) as err:
            await response.write(str(err).encode())
        await response.write_eof()
    return response


async def _copy(
    request: web.Request,
    host: Host,
    instance: str,
    options: LogOptions,
    response: web.StreamResponse,
) -> None:
    container_id = instance.rpartition("://")[2]
    try:
        status = await host.runtime.container_status(container_id)
    except CriError:
        text = f"unable to retrieve container logs for {instance}"
        raise LogReadError(text) from None
    wake, gone = asyncio.Event(), asyncio.Event()

    def leave() -> None:
        gone.set()
        wake.set()

    async def is_running() -> bool:
        return not gone.is_set() and await _is_running(host, container_id)

    on_disconnect(request, leave)
    witness = LogWitness(host.hops, TraceParent.parse(traceparent.current()))
    log = read_log(status.log_path, options, is_running, wake, witness)
    with host.when_container_ends(container_id, wake):
        async with aclosing(log):
            async for chunk in log:
                await response.write(chunk)


async def _is_running(host: Host, container_id: str) -> bool:
    """Asked again and again while following: no step of the session."""
    try:
        with traceparent.carrying(None):
            status = await host.runtime.container_status(container_id)
    except CriError as err:
        # An unreachable runtime has not ended its containers.
        return not err.is_not_found
    return status.state is ContainerState.RUNNING
