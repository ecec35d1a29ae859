"""What must not stand in a trace or a log: tokens, cookies, one-time URLs, Secrets.

A mask keeps what kind of thing it was (`Bearer ***`). In bytes each secret byte becomes
`*`, so that lengths and frames stay as they were.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MASK",
    "holds_secrets",
    "mask_headers",
    "mask_target",
    "mask_url",
    "paint_spans",
    "scrub",
    "secret_spans",
    "streaming_token",
]

MASK = "***"

_SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-auth-token",
        "token",  # etcd's gRPC metadata
    }
)
# kubernetes/apiserver pkg/authentication/request/websocket/protocol.go
_BEARER_SUBPROTOCOL = re.compile(
    r"(base64url\.bearer\.authorization\.k8s\.io\.)[^,\s]*"
)
# a runtime's streaming URL: its last part is a one-time token
_STREAMING_PATH = re.compile(r"^(/(?:exec|attach|portforward)/)([^/?]+)(?=$|\?)")
_SECRET_QUERY = re.compile(r"([?&](?:token|access_token|id_token)=)([^&\s]*)")
# kubernetes/kubernetes pkg/apis: what has secrets in its objects
_SECRET_RESOURCE = re.compile(
    r"^/api/v1/(?:watch/)?(?:namespaces/[^/]+/)?secrets(?:/|$)"
    r"|^/api/v1/namespaces/[^/]+/serviceaccounts/[^/]+/token$"
    r"|^/apis/authentication\.k8s\.io/[^/]+/tokenreviews$"
    # etcd's JSON gateway: values, passwords (etcd-io/etcd api/etcdserverpb/rpc.proto)
    r"|^/v3(?:alpha|beta)?/(?:kv/|watch$|auth/|maintenance/snapshot$)"
)
# Where no head is known: `Authorization: ...`, `Bearer ...`, JSON Web Tokens.
_ANY_CREDENTIAL = re.compile(
    rb"(?i)(?:authorization|cookie)\s*:\s*([^\r\n]+)"
    rb"|bearer\s+([A-Za-z0-9._~+/=-]+)"
    rb"|(eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)"
)


def mask_headers(headers: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Headers as a trace shows them; the kind of an Authorization is kept."""
    return [[name, _mask_value(name.lower(), value)] for name, value in headers]


def _mask_value(name: str, value: str) -> str:
    if name in _SECRET_HEADERS:
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {MASK}" if space and "authorization" in name else MASK
    if name == "sec-websocket-protocol":
        return _BEARER_SUBPROTOCOL.sub(rf"\g<1>{MASK}", value)
    if name in ("location", "referer"):
        return mask_url(value)
    if name in (":path", ":authority"):
        return mask_target(value)
    return value


def mask_target(target: str) -> str:
    """A request target as a trace shows it."""
    target = _STREAMING_PATH.sub(rf"\g<1>{MASK}", target)
    return _SECRET_QUERY.sub(rf"\g<1>{MASK}", target)


def streaming_token(target: str) -> str | None:
    """The one-time token in a runtime's streaming URL or target, or None."""
    path = target.partition("://")[2].partition("/") if "://" in target else None
    found = _STREAMING_PATH.match("/" + path[2] if path is not None else target)
    return found.group(2) if found else None


def mask_url(url: str) -> str:
    """A URL, or a target; a streaming URL keeps everything but its token."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return mask_target(url)
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}" + (mask_target(slash + path) if slash else "")


def holds_secrets(target: str) -> bool:
    """Whether bodies of a request to that target hold Secrets or tokens."""
    # servers decode the path and clean it before they look what it names
    path = re.sub("//+", "/", unquote(target.partition("?")[0]))
    return _SECRET_RESOURCE.match(path) is not None


def secret_spans(head: bytes) -> list[tuple[int, int]]:
    """Where secrets stand in the bytes of an HTTP/1.1 head: (start, end)."""
    spans: list[tuple[int, int]] = []
    position = 0
    for line in head.split(b"\n"):
        text = line.decode("latin-1").rstrip("\r")
        begin = _target_spans(text) if position == 0 else _header_spans(text)
        spans += [(position + start, position + end) for start, end in begin]
        position += len(line) + 1
    return spans


def _target_spans(line: str) -> list[tuple[int, int]]:
    method, _, rest = line.partition(" ")
    target = rest.partition(" ")[0]
    offset = len(method) + 1
    found = [_STREAMING_PATH.match(target), *_SECRET_QUERY.finditer(target)]
    return [
        (offset + match.start(2), offset + match.end(2)) for match in found if match
    ]


def _header_spans(line: str) -> list[tuple[int, int]]:
    name, colon, value = line.partition(":")
    if not colon:
        return []
    key = name.strip().lower()
    start = len(line) - len(value.lstrip())
    if key in _SECRET_HEADERS:
        scheme, space, _ = value.strip().partition(" ")
        if space and "authorization" in key:
            start += len(scheme) + 1
        return [(start, len(line))]
    if key == "sec-websocket-protocol":
        return [
            (match.end(1), match.end()) for match in _BEARER_SUBPROTOCOL.finditer(line)
        ]
    if key == "location":
        path = line.find("/", line.find("://", start) + 3)
        found = _STREAMING_PATH.match(line[path:]) if path > 0 else None
        return [(path + found.start(2), path + found.end(2))] if found else []
    return []


def paint_spans(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    """The bytes with `*` from each start to its end."""
    painted = bytearray(data)
    for start, end in spans:
        painted[start:end] = b"*" * (end - start)
    return bytes(painted)


def scrub(data: bytes) -> bytes:
    """Bytes of an unknown protocol, without what looks like a credential."""

    def stars(match: re.Match[bytes]) -> bytes:
        whole = match.group()
        secret = next(part for part in match.groups() if part is not None)
        return whole.replace(secret, b"*" * len(secret))

    return _ANY_CREDENTIAL.sub(stars, data)
