"""What happens in a port-forward session, and the texts that belong to it.

A forward is one TCP connection into the pod. It is named by a number, which the
session gives out; a session has many forwards, one after the other and at once.

Source: kubernetes/client-go tools/portforward/portforward.go;
kubernetes/cri-streaming pkg/streaming/portforward/{httpstream,websocket}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "PORT_FORWARD_PROTOCOL",
    "Closed",
    "DataReceived",
    "ErrorText",
    "ForwardClosed",
    "ForwardFailed",
    "ForwardOpened",
    "HalfClosed",
    "PortForwardEvent",
    "forwarding_error",
    "parse_port",
    "parse_ports",
]

PORT_FORWARD_PROTOCOL = "portforward.k8s.io"
"""The one X-Stream-Protocol-Version of port-forward."""

_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class ForwardOpened:
    """Server: connect to this port of the pod. Client: the server has accepted."""

    forward: int
    port: int
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ForwardFailed:
    """Client: the server did not accept this forward; nothing more comes for it."""

    forward: int
    reason: str


@dataclass(frozen=True, slots=True)
class DataReceived:
    """Bytes for the other side of the forward."""

    forward: int
    data: bytes


@dataclass(frozen=True, slots=True)
class HalfClosed:
    """The peer sends no more data on this forward; we still may."""

    forward: int


@dataclass(frozen=True, slots=True)
class ErrorText:
    """Client: why the server could not forward. client-go then closes the session."""

    forward: int
    text: str


@dataclass(frozen=True, slots=True)
class ForwardClosed:
    """Nothing more comes for this forward, and nothing can be sent."""

    forward: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The session is over: `lost connection to pod`. Comes once, as the last."""

    reason: str


PortForwardEvent = (
    ForwardOpened
    | ForwardFailed
    | DataReceived
    | HalfClosed
    | ErrorText
    | ForwardClosed
    | Closed
)


def forwarding_error(port: int, sandbox_id: str, reason: str) -> str:
    """The text of the error stream; a runtime has the sandbox for the pod, no uid."""
    return f"error forwarding port {port} to pod {sandbox_id}, uid : {reason}"


def parse_port(text: str) -> int:
    """Read a port as the servers do: decimal, 1 to 65535.

    Raises:
        RemoteProtocolError: in their words.
    """
    # strconv.ParseUint takes ASCII digits only, no sign, no blank.
    if not (text.isascii() and text.isdigit()):
        reason = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise RemoteProtocolError(f'unable to parse "{text}" as a port: {reason}')
    digits = text.lstrip("0") or "0"  # int() takes 4300 of them at most
    if len(digits) > len(str(_MAX_PORT)) or int(digits) > _MAX_PORT:
        reason = f'strconv.ParseUint: parsing "{text}": value out of range'
        raise RemoteProtocolError(f'unable to parse "{text}" as a port: {reason}')
    if digits == "0":
        raise RemoteProtocolError(f'port "{text}" must be > 0')
    return int(digits)


def parse_ports(values: Iterable[str]) -> list[int]:
    """Read the kubelet's query parameter `port`: repeated, or with commas, or both.

    Raises:
        RemoteProtocolError: the text of the 400.
    """
    values = list(values)
    if not values:
        raise RemoteProtocolError('query parameter "port" is required')
    if not all(values):
        raise RemoteProtocolError('query parameter "port" cannot be empty')
    return [parse_port(text) for value in values for text in value.split(",")]
