"""What must not stand in a trace or a log: tokens, cookies, one-time URLs, Secrets.

A mask keeps what kind of thing it was (`Bearer ***`). In bytes each secret byte becomes
`*`, so that lengths and frames stay as they were.
"""

from __future__ import annotations

import posixpath
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
    "paint_spans",
    "scrub",
    "secret_spans",
    "streaming_token",
    "trailer_spans",
]

MASK = "***"
Span = tuple[int, int]

# Those of HTTP, of etcd's gRPC metadata (`token`), and of proxies in front of API servers:
# X-Auth-Token, X-Forwarded-Access-Token, X-Api-Key and the like.
_SECRET_HEADER = re.compile(
    r"(?:proxy-)?authorization|(?:set-)?cookie"
    r"|(?:.*[-_])?(?:token|password|secret|(?:api|access|auth)[-_]?key)"
)
_URL_HEADERS = frozenset({"location", "referer", ":path", ":authority"})
# kubernetes/apiserver pkg/authentication/request/websocket/protocol.go
_BEARER_SUBPROTOCOL = re.compile(
    r"(?i)base64url\.bearer\.authorization\.k8s\.io\.([^,\s]*)"
)
# RFC 7519 3.1: a JSON Web Token, wherever it stands
_WEB_TOKEN = re.compile(r"(eyJ[\w-]{10,}\.[\w-]+\.[\w-]*)", re.ASCII)
# a runtime's streaming URL: its last part is a one-time token
_STREAMING_PATH = re.compile(
    r"^(?:\w+://[^/?\s]*)?/(?:exec|attach|portforward)/([^/?]+)(?=$|\?)"
)


def _encoded(word: str) -> str:
    """A pattern for a word of which any letter may be percent-encoded."""
    return "".join(f"(?:{c}|%{ord(c):x}|%{ord(c.upper()):x})" for c in word)


# RFC 3986 6.2.2.2: `%74oken` is `token`, and so servers take it
_SECRET_QUERY = re.compile(
    rf"(?i)[?&;](?:(?:{_encoded('access_')}|{_encoded('id_')})?{_encoded('token')})"
    r"=([^&;\s]*)"
)
# RFC 3986 3.2.1: who, before the host
_USER_INFO = re.compile(r"^\w+://([^/?#@\s]+)(?=@)")
_IN_URL = (_USER_INFO, _STREAMING_PATH, _SECRET_QUERY, _WEB_TOKEN)
# kubernetes/kubernetes pkg/apis: what has secrets in its objects
# The URL of a kubeconfig may have a path of its own, which then stands before `/api`.
_SECRET_RESOURCE = re.compile(
    r"(?i)/api/v1/(?:watch/)?(?:namespaces/[^/]+/)?secrets(?:/|$)"
    r"|/api/v1/namespaces/[^/]+/serviceaccounts/[^/]+/token$"
    r"|/apis/authentication\.k8s\.io/[^/]+/tokenreviews$"
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
    return [
        [name, _hide(value, _value_spans(name.lower(), value))]
        for name, value in headers
    ]


def mask_target(target: str) -> str:
    """A request target, or a URL, as a trace shows it.

    A streaming URL keeps everything but its token.
    """
    return _hide(target, _found(_IN_URL, target))


def streaming_token(target: str) -> str | None:
    """The one-time token in a runtime's streaming URL or target, or None."""
    found = _STREAMING_PATH.match(target)
    return found.group(1) if found else None


def holds_secrets(target: str) -> bool:
    """Whether bodies of a request to that target hold Secrets or tokens."""
    # servers decode the path and clean it before they look what it names
    path = re.sub("//+", "/", unquote(target.partition("?")[0]))
    return _SECRET_RESOURCE.search(posixpath.normpath(path)) is not None


def secret_spans(head: bytes) -> list[Span]:
    """Where secrets stand in the bytes of an HTTP/1.1 head: (start, end)."""
    spans: list[Span] = []
    position = 0
    goes_on = False  # a secret header, in the line that follows
    for line in head.split(b"\n"):
        text = line.decode("latin-1").rstrip("\r")
        if position == 0:
            here = _target_spans(text)
        elif goes_on and text.startswith((" ", "\t")):
            here = [(0, len(text))]  # RFC 9112 5.2: obs-fold
        else:
            name = text.partition(":")[0].strip().lower()
            goes_on = _SECRET_HEADER.fullmatch(name) is not None
            here = _header_spans(name, text)
        spans += [(position + start, position + end) for start, end in here]
        position += len(line) + 1
    return spans


def trailer_spans(trailer: bytes) -> list[Span]:
    """The same of the header lines behind a body in chunks."""
    return _moved(secret_spans(b"\n" + trailer), -1)


def _target_spans(line: str) -> list[Span]:
    method, _, rest = line.partition(" ")
    return _moved(_found(_IN_URL, rest.partition(" ")[0]), len(method) + 1)


def _header_spans(name: str, line: str) -> list[Span]:
    value = line.partition(":")[2].strip()
    start = line.rfind(value)
    return _moved(_value_spans(name, value), start)


def _value_spans(name: str, value: str) -> list[Span]:
    """Where secrets stand in the value of a header, by its name in small letters."""
    if _SECRET_HEADER.fullmatch(name):
        scheme, space, _ = value.partition(" ")
        keeps = len(scheme) + 1 if space and "authorization" in name else 0
        return [(keeps, len(value))]
    if name == "sec-websocket-protocol":
        return _found((_BEARER_SUBPROTOCOL,), value)
    return _found(_IN_URL if name in _URL_HEADERS else (_WEB_TOKEN,), value)


def _found(patterns: Iterable[re.Pattern[str]], text: str) -> list[Span]:
    """Where the first group of each stands, in order, none within another."""
    spans: list[Span] = []
    places = (match.span(1) for one in patterns for match in one.finditer(text))
    for start, end in sorted(places):
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    return spans


def _moved(spans: list[Span], offset: int) -> list[Span]:
    return [(offset + start, offset + end) for start, end in spans]


def _hide(text: str, spans: list[Span]) -> str:
    """The text with the mask in the place of each."""
    shown, position = [], 0
    for start, end in spans:
        shown += [text[position:start], MASK]
        position = end
    return "".join([*shown, text[position:]])


def paint_spans(data: bytes, spans: Iterable[Span]) -> bytes:
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
