"""What must not stand in a trace or a log: tokens, cookies, one-time URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MASK", "mask_headers", "mask_target"]

MASK = "***"

_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie"}
)
# kubernetes/apiserver pkg/authentication/request/websocket/protocol.go
_BEARER_SUBPROTOCOL = re.compile(
    r"(base64url\.bearer\.authorization\.k8s\.io\.)[^,\s]*"
)
# a runtime's streaming URL: its last part is a one-time token
_STREAMING_PATH = re.compile(r"^(/(?:exec|attach|portforward)/)[^/?]+$")
_SECRET_QUERY = re.compile(r"([?&](?:token|access_token)=)[^&]*")


def mask_headers(headers: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Headers as a trace shows them; the kind of an Authorization is kept."""
    return [[name, _mask_value(name.lower(), value)] for name, value in headers]


def _mask_value(name: str, value: str) -> str:
    if name in _SECRET_HEADERS:
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {MASK}" if space and "authorization" in name else MASK
    if name == "sec-websocket-protocol":
        return _BEARER_SUBPROTOCOL.sub(rf"\g<1>{MASK}", value)
    return value


def mask_target(target: str) -> str:
    """A request target as a trace shows it."""
    target = _STREAMING_PATH.sub(rf"\g<1>{MASK}", target)
    return _SECRET_QUERY.sub(rf"\g<1>{MASK}", target)
