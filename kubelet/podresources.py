"""PodResources: tells node agents which containers hold which devices, cpus, memory.

There are no device plugins here, so the lists name pods and containers and leave the
rest empty, as a kubelet with default managers does.

Source: kubernetes/kubernetes pkg/kubelet/apis/podresources/{server_v1,grpc_server}.go.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from kubelet import pod as pods
from rpc import podresources_v1_pb2 as api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from apimachinery.types import JsonObject
    from kubelet.machine import Machine

__all__ = ["PodResourcesServer", "TokenBucket"]

_SERVICE = "v1.PodResourcesLister"
_RATE, _BURST = 100.0, 10
_MAX_FOLDER = 80  # bytes; with the socket's name it must fit into 107


class TokenBucket:
    """At most so many calls a second, with some at once. Pure: time comes in."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether this call may go on."""
        passed = 0.0 if self._at is None else now - self._at
        self._at = now
        self._tokens = min(self._burst, self._tokens + passed * self._rate)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class PodResourcesServer:
    """The gRPC server on a Unix socket of mode 0600."""

    def __init__(
        self,
        path: str,
        machine: Machine,
        active_pods: Callable[[], Iterable[JsonObject]],
        clock: Callable[[], float],
    ) -> None:
        self.path = path
        self._machine = machine
        self._active_pods = active_pods
        self._clock = clock
        self._bucket = TokenBucket(_RATE, _BURST)
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        folder, name = os.path.split(self.path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._server = server = grpc.aio.server()
        server.add_generic_rpc_handlers((self._handlers(),))
        mask = os.umask(0o177)
        try:
            with _short(folder) as place:
                server.add_insecure_port(f"unix:{place}/{name}")
        finally:
            os.umask(mask)
        await server.start()

    async def close(self) -> None:
        if self._server is not None:
            await self._server.stop(None)
            with suppress(FileNotFoundError):
                os.unlink(self.path)

    def _handlers(self) -> grpc.GenericRpcHandler:
        methods = {
            "List": (self._list, api.ListPodResourcesRequest),
            "GetAllocatableResources": (
                self._allocatable,
                api.AllocatableResourcesRequest,
            ),
            "Get": (self._get, api.GetPodResourcesRequest),
        }
        return grpc.method_handlers_generic_handler(
            _SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    self._limited(method),
                    request_deserializer=request.FromString,
                    response_serializer=_serialize,
                )
                for name, (method, request) in methods.items()
            },
        )

    def _limited(self, method: Any) -> Any:
        async def call(
            request: Any, context: grpc.aio.ServicerContext[Any, Any]
        ) -> Any:
            if not self._bucket.take(self._clock()):
                text = "rejected by rate limit"
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
            return await method(request, context)

        return call

    async def _list(self, request: Any, context: Any) -> api.ListPodResourcesResponse:
        found = [_resources(pod) for pod in self._active_pods()]
        return api.ListPodResourcesResponse(pod_resources=found)

    async def _allocatable(
        self, request: Any, context: Any
    ) -> api.AllocatableResourcesResponse:
        memory = api.ContainerMemory(memory_type="memory", size=self._machine.memory)
        return api.AllocatableResourcesResponse(
            cpu_ids=range(self._machine.cpus), memory=[memory]
        )

    async def _get(self, request: Any, context: Any) -> api.GetPodResourcesResponse:
        wanted = (request.pod_namespace, request.pod_name)
        for pod in self._active_pods():
            if pods.key(pod) == wanted:
                return api.GetPodResourcesResponse(pod_resources=_resources(pod))
        text = f"pod {request.pod_name} in namespace {request.pod_namespace} not found"
        await context.abort(grpc.StatusCode.UNKNOWN, text)
        raise AssertionError("abort raises")


@contextmanager
def _short(folder: str) -> Iterator[str]:
    """A name of the folder that leaves room for a socket's in the system's 107 bytes.

    Clients of a socket in a deep folder reach it the same way, or from inside.
    """
    if len(os.fsencode(folder)) <= _MAX_FOLDER:
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _resources(pod: JsonObject) -> api.PodResources:
    sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
    return api.PodResources(
        name=pods.name(pod),
        namespace=pods.namespace(pod),
        containers=[
            api.ContainerResources(name=container["name"])
            for container in (*sidecars, *pods.containers(pod))
        ],
    )


def _serialize(message: Any) -> bytes:
    content: bytes = message.SerializeToString()
    return content
