"""From the compiled service descriptors to gRPC handlers.

A method is served by the first part that has it, under its name in snake case. One that no
part has is answered UNIMPLEMENTED: the kubelet copes with that where the method is optional.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc

from cri_runtime.errors import CriError
from hops.session import HEADER
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from google.protobuf.descriptor import MethodDescriptor

__all__ = ["Context", "handlers_for", "traceparent"]

logger = logging.getLogger(__name__)

Context: TypeAlias = grpc.aio.ServicerContext


def handlers_for(service: str, parts: Sequence[object]) -> grpc.GenericRpcHandler:
    """Handlers of all methods of a service."""
    descriptor = cri.DESCRIPTOR.services_by_name[service]
    methods = {method.name: _handler(method, parts) for method in descriptor.methods}
    return grpc.method_handlers_generic_handler(descriptor.full_name, methods)


def traceparent(context: Context) -> str:
    """The W3C trace context of the caller, or ""."""
    for key, value in context.invocation_metadata() or ():
        if key == HEADER:
            return value if isinstance(value, str) else value.decode("ascii", "replace")
    return ""


def _handler(
    method: MethodDescriptor, parts: Sequence[object]
) -> grpc.RpcMethodHandler:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
    found = (getattr(part, name, None) for part in parts)
    implementation = next(filter(None, found), None) or _unimplemented(method.name)
    codec = {
        "request_deserializer": getattr(cri, method.input_type.name).FromString,
        "response_serializer": getattr(cri, method.output_type.name).SerializeToString,
    }
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(_stream(implementation), **codec)
    return grpc.unary_unary_rpc_method_handler(_unary(implementation), **codec)


def _unimplemented(name: str) -> Callable[..., Any]:
    async def refuse(_request: object, context: Context) -> None:
        text = f"method {name} is not implemented by mini-cri"
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

    return refuse


def _unary(implementation: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a CriError with its code and text, a bug with Unknown and a log line."""

    async def serve(request: object, context: Context) -> Any:
        try:
            return await implementation(request, context)
        except CriError as error:
            await context.abort(grpc.StatusCode[error.code], str(error))
        except (grpc.aio.AbortError, grpc.RpcError):
            raise
        except Exception as error:
            logger.exception("method failed")
            await context.abort(grpc.StatusCode.UNKNOWN, f"internal error: {error!r}")

    return serve


def _stream(implementation: Callable[..., Any]) -> Callable[..., Any]:
    """A method without implementation refuses before the first message."""

    async def serve(request: object, context: Context) -> AsyncIterator[Any]:
        messages = implementation(request, context)
        if not hasattr(messages, "__aiter__"):
            await messages
            return
        async for message in messages:
            yield message

    return serve
