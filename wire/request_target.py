"""Request targets and their queries, as Go's net/url reads them.

Text is kept as it is where it is UTF-8; of what is not, each byte becomes U+FFFD, which
is what Go's encoders make of it.

Source: golang/go net/url url.go (ParseRequestURI, setPath, parseQuery, unescape).
"""

from __future__ import annotations

import re

from wire.errors import RemoteProtocolError

__all__ = ["parse_query", "parse_target"]

_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_UNDECODABLE = re.compile("[\udc80-\udcff]")


def parse_target(target: str) -> tuple[str, str]:
    """The path of a request's target, unescaped, and its query as it came.

    A target may have a scheme and a host in front, as proxies get it.

    Raises:
        RemoteProtocolError: net/http answers 400.
    """
    if _CONTROL.search(target):
        raise RemoteProtocolError("invalid control character in URL")
    if target == "*":
        return target, ""
    scheme = _SCHEME.match(target)
    rest, _, query = target[scheme.end() if scheme else 0 :].partition("?")
    if not rest.startswith("/"):
        if scheme is None:
            raise RemoteProtocolError("invalid URI for request")
        return "", query  # opaque: there is no path
    if scheme and rest.startswith("//"):
        _, slash, path = rest[2:].partition("/")
        rest = slash + path
    return _unescape(rest), query


def parse_query(query: str) -> list[tuple[str, str]]:
    """Names and values in their order.

    A pair that holds a semicolon or a bad escape is left out: nobody in Kubernetes
    looks at the error that tells of it.
    """
    pairs = []
    for pair in query.split("&"):
        if not pair or ";" in pair:
            continue
        name, _, value = pair.replace("+", " ").partition("=")
        try:
            pairs.append((_unescape(name), _unescape(value)))
        except RemoteProtocolError:
            continue
    return pairs


def _unescape(text: str) -> str:
    if "%" not in text and text.isascii():
        return text
    raw = text.encode("utf-8", "surrogateescape")
    plain = _ESCAPE.sub(_byte, raw).decode("utf-8", "surrogateescape")
    return _UNDECODABLE.sub("\ufffd", plain)


def _byte(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        raise RemoteProtocolError("invalid URL escape")
    return bytes((int(found[1], 16),))
