"""HTTP/1.1 heads: request and status lines with their headers.

Heads keep the order and the spelling of their headers, and the bytes they came
in, so that a proxy can pass on exactly what it got. Header text is latin-1: any
byte survives the way in and out.

Source: RFC 9110, RFC 9112; leniency (bare LF, leading empty lines) as Go's
net/http and net/textproto read, because that is what sits at the other end.
"""

from __future__ import annotations

import re

from wire.errors import LocalProtocolError, RemoteProtocolError
from wire.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

__all__ = [
    "HOP_BY_HOP",
    "Head",
    "HeadReader",
    "HeadTooLarge",
    "Headers",
    "RequestHead",
    "ResponseHead",
    "encode_request_head",
    "encode_response_head",
    "get_all",
    "get_header",
    "has_token",
    "is_upgrade",
]

#: Headers that are about one connection, and are not passed on (RFC 9110 7.6.1).
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)

Headers = list[tuple[str, str]]

MAX_HEAD_SIZE = 1024 * 1024  # net/http DefaultMaxHeaderBytes: 1 MiB

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VERSION = re.compile(r"HTTP/\d\.\d\Z")
_FIELD_VALUE_JUNK = re.compile(r"[\x00\r\n]")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


class HeadTooLarge(RemoteProtocolError):  # noqa: N818 - it says what is wrong
    """The peer's head has more bytes than may be kept."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request line and its headers; `raw` is what the peer sent, if it was read."""

    method: str
    target: str
    headers: Headers
    version: str = "HTTP/1.1"
    raw: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A status line and its headers; `raw` is what the peer sent, if it was read."""

    status: int
    reason: str
    headers: Headers
    version: str = "HTTP/1.1"
    raw: bytes = field(default=b"", repr=False, compare=False)


Head = RequestHead | ResponseHead


def get_header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The value of the first header called `name`, in any case, or None."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None


def get_all(headers: Iterable[tuple[str, str]], name: str) -> list[str]:
    """The values of all headers called `name`, in the order they came."""
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


def has_token(headers: Iterable[tuple[str, str]], name: str, token: str) -> bool:
    """Whether a comma separated header holds `token`, in any case."""
    wanted = token.lower()
    return any(
        part.strip().lower() == wanted
        for value in get_all(headers, name)
        for part in value.split(",")
    )


def is_upgrade(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether a request asks for an upgrade.

    Source: kubernetes/streaming pkg/httpstream IsUpgradeRequest: some Connection
    header *contains* "upgrade", in any case.
    """
    return any("upgrade" in value.lower() for value in get_all(headers, "connection"))


def encode_request_head(head: RequestHead) -> bytes:
    """The bytes of a request head, ending with the empty line.

    Raises:
        LocalProtocolError: a part holds characters that would end it early.
    """
    if not _TOKEN.match(head.method) or not head.target or " " in head.target:
        raise LocalProtocolError(f"bad request line: {head.method} {head.target!r}")
    return _encode(f"{head.method} {head.target} {head.version}", head.headers)


def encode_response_head(head: ResponseHead) -> bytes:
    """The bytes of a response head, ending with the empty line."""
    if not 100 <= head.status <= 999:
        raise LocalProtocolError(f"bad status code: {head.status}")
    return _encode(f"{head.version} {head.status} {head.reason}", head.headers)


def _encode(first_line: str, headers: Headers) -> bytes:
    lines = [first_line]
    for name, value in headers:
        if not _TOKEN.match(name):
            raise LocalProtocolError(f"bad header name: {name!r}")
        lines.append(f"{name}: {value}")
    for line in lines:
        if _FIELD_VALUE_JUNK.search(line):
            raise LocalProtocolError(f"control character in {line!r}")
    lines.append("\r\n")
    try:
        return "\r\n".join(lines).encode("latin-1")
    except UnicodeEncodeError as err:
        raise LocalProtocolError(f"not latin-1: {err.object!r}") from err


class HeadReader:
    """Reads one head; what follows it is `leftover`.

    `receive_data` answers None until the head is whole. Feed nothing more after.
    """

    def __init__(
        self, kind: Literal["request", "response"], max_size: int = MAX_HEAD_SIZE
    ) -> None:
        self._parse = _parse_request if kind == "request" else _parse_response
        self._max_size = max_size
        self._buffer = bytearray()
        self._searched = 0
        self._done = False

    @property
    def leftover(self) -> bytes:
        """Bytes after the head: the start of the body, or of the upgraded protocol."""
        return bytes(self._buffer) if self._done else b""

    @property
    def pending(self) -> int:
        """How many bytes of a head that is not whole are held."""
        return 0 if self._done else len(self._buffer)

    @property
    def empty(self) -> bool:
        """Whether no byte of a head has come yet."""
        return not self._buffer and not self._done

    def receive_data(self, data: bytes | bytearray | memoryview) -> Head | None:
        """The head, once its last byte is in.

        Raises:
            RemoteProtocolError: this is not HTTP/1, or the head is too large.
        """
        if self._done:
            raise LocalProtocolError("the head has been read already")
        self._buffer += data
        self._skip_empty_lines()
        found = _END_OF_HEAD.search(self._buffer, self._searched)
        if found is None:
            self._check_partial()
            # A terminator may straddle the border: at most 3 bytes of it are in.
            self._searched = max(0, len(self._buffer) - 3)
            return None
        if found.end() > self._max_size:
            raise HeadTooLarge("head too large")
        raw = bytes(self._buffer[: found.end()])
        del self._buffer[: found.end()]
        self._done = True
        return self._parse(raw)

    def _skip_empty_lines(self) -> None:
        # RFC 9112 2.2: "SHOULD ignore at least one empty line (CRLF) received
        # prior to the request-line"
        while self._searched == 0 and self._buffer[:2] == b"\r\n":
            del self._buffer[:2]

    def _check_partial(self) -> None:
        if len(self._buffer) > self._max_size:
            raise HeadTooLarge("head too large")
        # TLS, SPDY or HTTP/2 bytes never hold an end of head: refuse them early.
        if self._buffer and not 0x20 < self._buffer[0] < 0x7F and self._buffer != b"\r":
            raise RemoteProtocolError(
                f"malformed HTTP: starts with {bytes(self._buffer[:8])!r}"
            )


def _parse_request(raw: bytes) -> RequestHead:
    first, headers = _parse_lines(raw)
    parts = first.split(" ")
    if len(parts) != 3 or not _TOKEN.match(parts[0]) or not parts[1]:
        raise RemoteProtocolError(f"malformed HTTP request {first[:80]!r}")
    _check_version(parts[2])
    return RequestHead(parts[0], parts[1], headers, parts[2], raw)


def _parse_response(raw: bytes) -> ResponseHead:
    first, headers = _parse_lines(raw)
    version, _, rest = first.partition(" ")
    _check_version(version)
    code, _, reason = rest.lstrip(" ").partition(" ")
    if len(code) != 3 or not (code.isascii() and code.isdigit()) or code < "100":
        raise RemoteProtocolError(f"malformed HTTP status code {code[:20]!r}")
    return ResponseHead(int(code), reason, headers, version, raw)


def _check_version(version: str) -> None:
    if not _VERSION.match(version):
        raise RemoteProtocolError(f"malformed HTTP version {version[:20]!r}")


def _parse_lines(raw: bytes) -> tuple[str, Headers]:
    text = raw.decode("latin-1")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    first = lines[0]
    headers: Headers = []
    for line in lines[1:]:
        if not line:
            break
        if line[0] in " \t":
            _continue_header(headers, line)
        else:
            headers.append(_parse_header(line))
    return first, headers


def _parse_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.match(name):
        raise RemoteProtocolError(f"malformed MIME header line: {line[:80]}")
    value = value.strip(" \t")
    if _FIELD_VALUE_JUNK.search(value):
        raise RemoteProtocolError(f"control character in header {name}")
    return name, value


def _continue_header(headers: Headers, line: str) -> None:
    # RFC 9112 5.2: replace each received obs-fold with one or more SP
    if not headers:
        raise RemoteProtocolError(f"malformed MIME header initial line: {line[:80]}")
    name, value = headers[-1]
    headers[-1] = _parse_header(f"{name}:{value} {line.strip(' ' + chr(9))}")
