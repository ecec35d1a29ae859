"""The HTTP exchange before SPDY/3.1: headers, answers and refusals, as bytes.

Source: kubernetes/streaming pkg/httpstream/httpstream.go (`Handshake`), its
spdy/upgrade.go and spdy/roundtripper.go; remotecommand.md section 8.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError
from wire.http1_head import Headers, RequestHead, ResponseHead, get_all, get_header
from wire.websocket_handshake import HandshakeRefused, Negotiated

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "ACCEPTED_VERSIONS",
    "PROTOCOL_VERSION",
    "check_spdy_answer",
    "is_spdy_request",
    "negotiate_spdy",
    "offered_protocols",
    "spdy_handshake",
]

PROTOCOL_VERSION = "X-Stream-Protocol-Version"
ACCEPTED_VERSIONS = "X-Accepted-Stream-Protocol-Versions"
_SPDY = "SPDY/3.1"
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden"}


def is_spdy_request(headers: Headers) -> bool:
    """Whether a request asks for SPDY/3.1: words in the first line of each header."""
    return _has_words(headers)


def offered_protocols(headers: Headers) -> list[str]:
    """What a client offers: one version a line, or several with commas."""
    lines = get_all(headers, PROTOCOL_VERSION)
    names = (name.strip() for line in lines for name in line.split(","))
    return [name for name in names if name]


def negotiate_spdy(
    head: RequestHead, supported: Sequence[str], *, missing_is_error: bool = True
) -> Negotiated:
    """Answer the handshake of a client as kubelet and runtime do.

    The first version of the client that we support wins; its order counts. With
    `missing_is_error=False` a request without any version gets the empty 200 that
    servers up to Kubernetes 1.34 let out, instead of 400.

    Raises:
        HandshakeRefused: with the bytes to answer.
    """
    offered = offered_protocols(head.headers)
    if not offered:
        if not missing_is_error:
            raise _refused(200, "")
        raise _refused(400, f"unable to upgrade: header {_what_is_missing(head)}")
    chosen = next((name for name in offered if name in supported), None)
    if chosen is None:
        raise _refused(403, _no_common_version(offered, supported), supported)
    if not _has_words(head.headers):
        shown = _go_syntax(head.headers)
        raise _refused(
            400, f"unable to upgrade: missing upgrade headers in request: {shown}"
        )
    response = (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Connection: Upgrade\r\n"
        f"Upgrade: {_SPDY}\r\n"
        f"{PROTOCOL_VERSION}: {chosen}\r\n"
        "\r\n"
    )
    return Negotiated(chosen, response.encode("latin-1"))


def spdy_handshake(protocols: Iterable[str]) -> Headers:
    """The headers that make a POST a SPDY request, one line a version."""
    versions = [(PROTOCOL_VERSION, name) for name in protocols]
    return [("Connection", "Upgrade"), ("Upgrade", _SPDY), *versions]


def check_spdy_answer(head: ResponseHead, body: bytes = b"") -> str:
    """The version that a server chose, "" when it names none.

    Args:
        head: of the answer.
        body: of the answer, when it is no 101.

    Raises:
        RemoteProtocolError: refused, in the words of client-go 1.36.
    """
    if head.status == 101 and _has_words(head.headers):
        return get_header(head.headers, PROTOCOL_VERSION) or ""
    raise RemoteProtocolError(f"unable to upgrade connection: {_message(body)}")


def _has_words(headers: Headers) -> bool:
    connection = get_header(headers, "connection") or ""
    upgrade = get_header(headers, "upgrade") or ""
    return "upgrade" in connection.lower() and _SPDY.lower() in upgrade.lower()


def _message(body: bytes) -> str:
    """The message of a Status, else the body itself."""
    text = body.decode(errors="replace").strip()
    try:
        status = json.loads(text)
    except (ValueError, RecursionError):
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return str(status.get("message", ""))
    return text or "empty server response"


def _no_common_version(offered: Sequence[str], supported: Sequence[str]) -> str:
    return (
        "unable to upgrade: unable to negotiate protocol: client supports "
        f"[{' '.join(offered)}], server accepts [{' '.join(supported)}]"
    )


def _what_is_missing(head: RequestHead) -> str:
    lines = get_all(head.headers, PROTOCOL_VERSION)
    if not lines:
        count = len(_by_canonical_name(head.headers))
        return f"{PROTOCOL_VERSION} does not exist in request with {count} headers"
    if not any(lines):
        return f"{PROTOCOL_VERSION} is empty"
    shown = " ".join(lines)
    return f"{PROTOCOL_VERSION} contains [{shown}], but no valid protocols"


def _by_canonical_name(headers: Headers) -> dict[str, list[str]]:
    """The headers as net/http holds them: without Host, spelt `Like-This`."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower() != "host":
            values.setdefault(_canonical(name), []).append(value)
    return values


def _canonical(name: str) -> str:
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def _go_syntax(headers: Headers) -> str:
    """What `%#v` prints of an http.Header: keys sorted, strings quoted."""
    pairs = (
        f"{json.dumps(name)}:[]string{{{', '.join(map(json.dumps, values))}}}"
        for name, values in sorted(_by_canonical_name(headers).items())
    )
    return f"http.Header{{{', '.join(pairs)}}}"


def _refused(status: int, text: str, accepted: Sequence[str] = ()) -> HandshakeRefused:
    """An answer as http.Error writes it, which ends its text with a newline."""
    body = f"{text}\n".encode() if text else b""
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}"]  # headers come sorted, as in Go
    if body:
        lines.append("Content-Type: text/plain; charset=utf-8")
    lines += [f"{ACCEPTED_VERSIONS}: {name}" for name in accepted]
    if body:
        lines.append("X-Content-Type-Options: nosniff")
    lines += [f"Content-Length: {len(body)}", "", ""]
    response = "\r\n".join(lines).encode("latin-1") + body
    return HandshakeRefused(status, text, response)
