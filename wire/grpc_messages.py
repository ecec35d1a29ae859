"""gRPC on HTTP/2: messages with a length before each, and what the headers mean.

Source: grpc/grpc doc/PROTOCOL-HTTP2.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from wire.errors import RemoteProtocolError

__all__ = ["GrpcMessage", "GrpcMessageReader", "grpc_status", "is_grpc", "method_name"]

_PREFIX = 5
_MAX_MESSAGE = 64 * 1024 * 1024

HeaderItems = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class GrpcMessage:
    """One message, still encoded."""

    compressed: bool
    data: bytes


class GrpcMessageReader:
    """The DATA of one stream and direction in, messages out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """How many bytes of an incomplete message are held."""
        return len(self._buffer)

    def receive_data(self, data: bytes) -> list[GrpcMessage]:
        """The messages that are whole now.

        Raises:
            RemoteProtocolError: not a message prefix, or too large.
        """
        self._buffer += data
        messages: list[GrpcMessage] = []
        while len(self._buffer) >= _PREFIX:
            flag, size = struct.unpack_from("!BI", self._buffer)
            if flag > 1 or size > _MAX_MESSAGE:
                raise RemoteProtocolError("gRPC: bad message prefix")
            if len(self._buffer) < _PREFIX + size:
                break
            content = bytes(self._buffer[_PREFIX : _PREFIX + size])
            messages.append(GrpcMessage(bool(flag), content))
            del self._buffer[: _PREFIX + size]
        return messages


def is_grpc(headers: HeaderItems) -> bool:
    """Whether these headers begin a call or its answer."""
    return any(
        name == "content-type" and value.startswith("application/grpc")
        for name, value in headers
    )


def method_name(headers: HeaderItems) -> str:
    """`/runtime.v1.RuntimeService/Exec` of a call's headers, or ""."""
    return next((value for name, value in headers if name == ":path"), "")


def grpc_status(headers: HeaderItems) -> tuple[int, str] | None:
    """(code, message) of the trailers that end a call, or None."""
    values = dict(headers)
    code = values.get("grpc-status", "")
    if not code.isascii() or not code.isdigit() or len(code) > 3:
        return None
    return int(code), values.get("grpc-message", "")
