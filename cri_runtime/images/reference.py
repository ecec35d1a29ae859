"""Image references as docker writes them: `nginx` is `docker.io/library/nginx:latest`.

Source: distribution/reference (grammar in reference.go, defaults in normalize.go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["InvalidReference", "Reference", "parse"]

_DEFAULT_DOMAIN = "docker.io"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\.)*[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REFERENCE = re.compile(
    rf"(?:(?P<domain>{_HOST}(?::[0-9]+)?|\[[a-fA-F0-9:]+\](?::[0-9]+)?)/)?"
    rf"(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)


class InvalidReference(ValueError):  # noqa: N818 - distribution's own words
    """The text names no image."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A complete reference. Without a digest there is always a tag."""

    name: str
    tag: str
    digest: str

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def parse(text: str) -> Reference:
    """Complete a reference with docker's defaults.

    Raises:
        InvalidReference: with distribution's reason.
    """
    match = _REFERENCE.fullmatch(_with_domain(text))
    if match is None:
        lower = _REFERENCE.fullmatch(_with_domain(text.lower()))
        reason = (
            "repository name must be lowercase" if lower else "invalid reference format"
        )
        raise InvalidReference(reason)
    tag, digest = match["tag"] or "", match["digest"] or ""
    if not tag and not digest:
        tag = "latest"
    return Reference(f"{match['domain']}/{match['path']}", tag, digest)


def _with_domain(text: str) -> str:
    """Put docker.io, and library for a bare name, in front where they are left out."""
    first, slash, rest = text.partition("/")
    looks_like_host = "." in first or ":" in first or first == "localhost"
    if slash and (looks_like_host or first.lower() != first):
        domain, path = first, rest
    else:
        domain, path = _DEFAULT_DOMAIN, text
    if domain == "index.docker.io":
        domain = _DEFAULT_DOMAIN
    if domain == _DEFAULT_DOMAIN and "/" not in path:
        path = f"library/{path}"
    return f"{domain}/{path}"
