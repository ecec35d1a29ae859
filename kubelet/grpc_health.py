"""grpc.health.v1.Health/Check, with its two tiny messages written by hand.

Source: grpc/grpc-proto grpc/health/v1/health.proto: HealthCheckRequest{1 service},
HealthCheckResponse{1 status, SERVING = 1}; texts from kubernetes/kubernetes
pkg/probe/grpc/grpc.go.
"""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio

__all__ = ["GrpcHealthError", "check_health"]

_SERVING = 1
_STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


class GrpcHealthError(Exception):
    """Not serving, or no answer."""


async def check_health(address: str, service: str, seconds: float) -> None:
    """Ask once.

    Raises:
        GrpcHealthError
    """
    async with grpc.aio.insecure_channel(address) as channel:
        check: Any = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=_encode,
            response_deserializer=_decode,
        )
        try:
            status = await check(service, timeout=seconds)
        except grpc.aio.AioRpcError as err:
            raise GrpcHealthError(_complaint(err, address, seconds)) from None
    if status != _SERVING:
        name = _STATUSES.get(status, str(status))
        raise GrpcHealthError(
            f"service unhealthy (responded with {name!r})".replace("'", '"')
        )


def _encode(service: str) -> bytes:
    name = service.encode()
    if not name:
        return b""
    if len(name) > 127:
        raise GrpcHealthError("service name is too long")
    return bytes([0x0A, len(name)]) + name


def _decode(message: bytes) -> int:
    """Field 1 as a varint; an absent one is UNKNOWN."""
    if len(message) >= 2 and message[0] == 0x08:
        return message[1] & 0x7F
    return 0


def _complaint(err: grpc.aio.AioRpcError, address: str, seconds: float) -> str:
    match err.code():
        case grpc.StatusCode.UNIMPLEMENTED:
            return (
                "this server does not implement the grpc health protocol"
                f" (grpc.health.v1.Health): {err.details()}"
            )
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f'timeout: failed to connect service "{address}" within {seconds:g}s'
        case grpc.StatusCode.UNAVAILABLE:
            return f'error: failed to connect service at "{address}": {err.details()}'
    return f"error: health rpc failed: {err.details()}"
