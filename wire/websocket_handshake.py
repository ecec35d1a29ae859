"""The opening handshake of WebSocket, client and server side.

Source: RFC 6455 section 4; golang.org/x/net/websocket hybi.go for the order of
a server's checks and its texts, kubernetes/streaming pkg/httpstream/wsstream
for the choice of the subprotocol (remotecommand.md section 5).
"""

from __future__ import annotations

import base64
import hashlib
import re

from wire.errors import RemoteProtocolError
from wire.http1_head import (
    Headers,
    RequestHead,
    ResponseHead,
    get_all,
    get_header,
    has_token,
)
from wire.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "HandshakeRefused",
    "Negotiated",
    "accept_from_origin",
    "accept_key",
    "check_client_handshake",
    "client_handshake",
    "is_websocket_request",
    "negotiate",
    "offered_subprotocols",
]

_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\n\r\n"
# net/url ParseRequestURI: an absolute path, or a URL with a scheme.
_ORIGIN = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:/")

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeRefused(RemoteProtocolError):  # noqa: N818 - an answer, not a fault
    """A server does not take the handshake; `response` is its whole answer.

    The connection is closed after it.
    """

    def __init__(self, status: int, text: str, response: bytes) -> None:
        super().__init__(text)
        self.status = status
        self.response = response


@dataclass(frozen=True, slots=True)
class Negotiated:
    """An accepted handshake. `subprotocol` is "" when the client offered none."""

    subprotocol: str
    response: bytes


def accept_key(key: str) -> str:
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 4.2.2)."""
    digest = hashlib.sha1(key.encode("latin-1") + _GUID, usedforsecurity=False)
    return base64.b64encode(digest.digest()).decode()


def client_handshake(key: str, subprotocols: Iterable[str]) -> Headers:
    """The headers that make a GET a WebSocket request; `key` is 16 bytes in base64."""
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    ]
    offered = ", ".join(subprotocols)
    # One line for all: servers read the first line only.
    return [*headers, ("Sec-WebSocket-Protocol", offered)] if offered else headers


def check_client_handshake(
    head: ResponseHead, key: str, offered: Collection[str]
) -> str:
    """The subprotocol a server chose.

    Raises:
        RemoteProtocolError: not a valid 101; client-go takes each of these for an
            upgrade failure and falls back to SPDY.
    """
    headers = head.headers
    if head.status != 101:
        raise RemoteProtocolError("websocket: bad handshake")
    if not has_token(headers, "upgrade", "websocket"):
        raise RemoteProtocolError("websocket: bad handshake: no Upgrade: websocket")
    if not has_token(headers, "connection", "upgrade"):
        raise RemoteProtocolError("websocket: bad handshake: no Connection: Upgrade")
    if get_header(headers, "sec-websocket-accept") != accept_key(key):
        raise RemoteProtocolError("websocket: bad handshake: wrong Accept")
    chosen = get_header(headers, "sec-websocket-protocol") or ""
    if chosen != "" and chosen not in offered:
        raise RemoteProtocolError(f"invalid protocol, expected {offered}, got {chosen}")
    if chosen == "" and offered:
        raise RemoteProtocolError(f"invalid protocol, expected {offered}, got none")
    return chosen


def offered_subprotocols(headers: Headers) -> list[str]:
    """What a client offers: the FIRST header line only, split on commas."""
    first = (get_header(headers, "sec-websocket-protocol") or "").strip()
    return [part.strip() for part in first.split(",")] if first else []


def is_websocket_request(headers: Headers) -> bool:
    """Source: wsstream IsWebSocketRequest."""
    upgrade = get_header(headers, "upgrade") or ""
    return upgrade.lower() == "websocket" and any(
        "upgrade" in value.lower() for value in get_all(headers, "connection")
    )


def negotiate(head: RequestHead, allowed: Collection[str]) -> Negotiated:
    """Answer a client's handshake as a kubelet or a runtime does.

    `allowed` holds "" when a client may come without a subprotocol.

    Raises:
        HandshakeRefused: with the bytes to answer.
    """
    key = _check(head)
    chosen = _choose(offered_subprotocols(head.headers), allowed)
    if chosen is None:
        text = "requested protocol(s) are not supported"
        raise HandshakeRefused(403, text, _FORBIDDEN)
    # The empty choice is written too: x/net writes what the server put there.
    return Negotiated(chosen, _switching(key, chosen))


def accept_from_origin(head: RequestHead) -> Negotiated:
    """Answer a handshake as x/net's websocket.Handler does, which chooses nothing.

    So a watch is served: a request must name its Origin, whichever, and of several
    subprotocols none can be chosen.

    Raises:
        HandshakeRefused: with the bytes to answer.
    """
    key = _check(head)
    if not _ORIGIN.match(get_header(head.headers, "origin") or ""):
        raise HandshakeRefused(403, "null origin", _FORBIDDEN)
    offered = offered_subprotocols(head.headers)
    if len(offered) > 1:
        text = "bad protocol"
        raise HandshakeRefused(400, text, b"HTTP/1.1 400 Bad Request\r\n\r\n")
    chosen = offered[0] if offered else None
    return Negotiated(chosen or "", _switching(key, chosen))


def _check(head: RequestHead) -> str:
    """What every server wants of a handshake; answers the client's key."""
    headers = head.headers
    if head.method != "GET":
        raise _refused(405, "Method Not Allowed", "bad method")
    if not is_websocket_request(headers):
        raise _refused(400, "Bad Request", "not websocket protocol")
    key = get_header(headers, "sec-websocket-key")
    if not key:
        raise _refused(400, "Bad Request", "mismatch challenge/response")
    if get_header(headers, "sec-websocket-version") != "13":
        text = "missing or bad WebSocket Version"
        raise _refused(400, "Bad Request", text, "Sec-WebSocket-Version: 13\r\n")
    return key


def _switching(key: str, chosen: str | None) -> bytes:
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(key)}",
        *([] if chosen is None else [f"Sec-WebSocket-Protocol: {chosen}"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _choose(offered: list[str], allowed: Collection[str]) -> str | None:
    """The first of the client's list that is allowed."""
    if not offered:
        return "" if "" in allowed else None
    return next((name for name in offered if name in allowed), None)


def _refused(
    status: int, reason: str, text: str, headers: str = ""
) -> HandshakeRefused:
    response = f"HTTP/1.1 {status} {reason}\r\n{headers}\r\n{text}"
    return HandshakeRefused(status, text, response.encode())
