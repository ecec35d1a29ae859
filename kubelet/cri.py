"""A CRI endpoint: one gRPC channel, time-outs, and the checks on what comes back.

Source: kubernetes/cri-client pkg/{remote_runtime,remote_image,utils}.go.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from kubelet import traceparent
from rpc import cri_v1_pb2 as cri
from rpc import cri_v1_pb2_grpc as cri_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["CriClient", "CriError", "go_words"]

MAX_MESSAGE = 16 * 1024 * 1024
DEFAULT_TIMEOUT = 120.0
SANDBOX_TIMEOUT = 240.0

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.default_authority", "localhost"),
    # The runtime may start a moment after us: look for it often.
    ("grpc.initial_reconnect_backoff_ms", 20),
    # In spite of its name the time that an attempt may take.
    ("grpc.min_reconnect_backoff_ms", 5000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.enable_http_proxy", 0),
    # A fixed window, instead of pings after each answer that measure the best one.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1024 * 1024),
]

# status.Code names of grpc-go, which print their own words.
_GO_CODES = {
    "OK": "OK",
    "CANCELLED": "Canceled",
    "UNKNOWN": "Unknown",
    "INVALID_ARGUMENT": "InvalidArgument",
    "DEADLINE_EXCEEDED": "DeadlineExceeded",
    "NOT_FOUND": "NotFound",
    "ALREADY_EXISTS": "AlreadyExists",
    "PERMISSION_DENIED": "PermissionDenied",
    "RESOURCE_EXHAUSTED": "ResourceExhausted",
    "FAILED_PRECONDITION": "FailedPrecondition",
    "ABORTED": "Aborted",
    "OUT_OF_RANGE": "OutOfRange",
    "UNIMPLEMENTED": "Unimplemented",
    "INTERNAL": "Internal",
    "UNAVAILABLE": "Unavailable",
    "DATA_LOSS": "DataLoss",
    "UNAUTHENTICATED": "Unauthenticated",
}

_NOT_CONNECTED = re.compile(
    r"failed to connect to all addresses; last error: .* addr: unix:(.+) error: (.+)"
)


class CriError(Exception):
    """A CRI call failed; `str()` is what Go prints for the same error.

    Attributes:
        code: the gRPC code's name, such as NOT_FOUND; "" for an answer that breaks
            the rules of the interface.
        details: the runtime's own words.
    """

    def __init__(self, code: str, details: str) -> None:
        go_code = _GO_CODES.get(code, code)
        super().__init__(
            f"rpc error: code = {go_code} desc = {details}" if code else details
        )
        self.code = code
        self.details = details

    @property
    def is_not_found(self) -> bool:
        return self.code == "NOT_FOUND"

    @property
    def is_unimplemented(self) -> bool:
        return self.code == "UNIMPLEMENTED"


class CriClient:
    """Both CRI services of one endpoint. Made inside a running loop; close it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._channel = grpc.aio.insecure_channel(_target(endpoint), _OPTIONS)
        self._runtime: Any = cri_grpc.RuntimeServiceStub(self._channel)  # type: ignore[no-untyped-call]  # generated
        self._images: Any = cri_grpc.ImageServiceStub(self._channel)  # type: ignore[no-untyped-call]  # generated

    async def runtime(
        self, method: str, request: Any, seconds: float | None = DEFAULT_TIMEOUT
    ) -> Any:
        """Call a method of the RuntimeService.

        Raises:
            CriError
        """
        return await _call(getattr(self._runtime, method), request, seconds)

    async def image(
        self, method: str, request: Any, seconds: float | None = DEFAULT_TIMEOUT
    ) -> Any:
        """Call a method of the ImageService.

        Raises:
            CriError
        """
        return await _call(getattr(self._images, method), request, seconds)

    async def events(self) -> AsyncIterator[cri.ContainerEventResponse]:
        """Container events from now on, until the stream breaks.

        Raises:
            CriError: Unimplemented where the runtime has none.
        """
        call = self._runtime.GetContainerEvents(cri.GetEventsRequest())
        try:
            async for event in call:
                yield event
        except grpc.aio.AioRpcError as err:
            raise _error(err) from None
        finally:
            call.cancel()

    async def connected(self) -> None:
        """Wait until the endpoint takes connections."""
        while True:
            with suppress(CriError):
                await self.runtime("Version", cri.VersionRequest(version="0.1.0"), 2.0)
                return
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self._channel.close(None)


async def _call(method: Any, request: Any, seconds: float | None) -> Any:
    session = traceparent.current()
    metadata = ((traceparent.HEADER, session),) if session else None
    try:
        return await method(request, timeout=seconds, metadata=metadata)
    except grpc.aio.AioRpcError as err:
        raise _error(err) from None


def _error(err: grpc.aio.AioRpcError) -> CriError:
    return CriError(err.code().name, go_words(err.details() or ""))


def go_words(details: str) -> str:
    """What grpc-go says where grpc's C core could not connect."""
    if missed := _NOT_CONNECTED.fullmatch(details):
        path, problem = missed.groups()
        return (
            'connection error: desc = "transport: Error while dialing: '
            f'dial unix {path}: connect: {problem.lower()}"'
        )
    return details


def _target(endpoint: str) -> str:
    """grpc's name for `unix:///path` or a bare path."""
    path = endpoint.removeprefix("unix://")
    return f"unix:{path}" if path.startswith("/") else endpoint
