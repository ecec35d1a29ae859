"""How Go's net/http refuses what is no proper HTTP/1 request, before any handler.

Source: golang/go net/http server.go (conn.readRequest, conn.serve), request.go
(readRequest).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wire.errors import RemoteProtocolError
from wire.request_target import parse_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "BAD_HEADER_VALUE",
    "BAD_REQUEST",
    "HEAD_TOO_LARGE",
    "MISSING_HOST",
    "UNSUPPORTED_CODING",
    "check_request",
    "has_bad_value",
    "refusal",
]

BAD_REQUEST = "400 Bad Request"
BAD_HEADER_VALUE = f"{BAD_REQUEST}: invalid header value"
MISSING_HOST = f"{BAD_REQUEST}: missing required Host header"
HEAD_TOO_LARGE = "431 Request Header Fields Too Large"
UNSUPPORTED_CODING = "501 Not Implemented"
_BAD_HOST = f"{BAD_REQUEST}: malformed Host header"
_BAD_VERSION = "505 HTTP Version Not Supported: unsupported protocol version"

_BODIES = {UNSUPPORTED_CODING: "Unsupported transfer encoding"}

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# golang/net http/httpguts/httplex.go validHostByte
_HOST = re.compile(r"[A-Za-z0-9!$%&()*+,\-.:;=\[\]'_~]*\Z")


def refusal(text: str = BAD_REQUEST) -> bytes:
    """The whole answer; the connection is closed after it."""
    head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close"
    return f"HTTP/1.1 {text}\r\n{head}\r\n\r\n{_BODIES.get(text, text)}".encode()


def has_bad_value(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a header holds a control character other than a tab."""
    return any(_CONTROL.search(value) for _, value in headers)


def check_request(
    method: str, target: str, version: tuple[int, int], hosts: Sequence[str]
) -> str | None:
    """What is wrong with a request whose head could be read; None: nothing.

    Args:
        hosts: the values of its Host headers.
    """
    try:
        parse_target(target)
    except RemoteProtocolError:
        return BAD_REQUEST
    if len(hosts) > 1:
        return BAD_REQUEST
    if version[0] != 1:
        return _BAD_VERSION if version[0] else BAD_REQUEST
    if not hosts and version >= (1, 1) and method != "CONNECT":
        return MISSING_HOST
    if hosts and not _HOST.match(hosts[0]):
        return _BAD_HOST
    return None
