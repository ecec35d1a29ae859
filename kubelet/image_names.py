"""Image references: is it one, and which tag does it mean?

Source: distribution/reference grammar (reference.go, normalize.go).
"""

from __future__ import annotations

import re

__all__ = ["InvalidImageNameError", "registry_of", "with_default_tag"]

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


class InvalidImageNameError(ValueError):
    """Not an image reference; the text is the real parser's."""


def with_default_tag(image: str) -> str:
    """The reference with `:latest` when it has neither tag nor digest.

    Raises:
        InvalidImageNameError
    """
    match = _REFERENCE.fullmatch(image)
    if match is None or _IDENTIFIER.fullmatch(image):
        raise InvalidImageNameError(
            f"couldn't parse image name {_quoted(image)}: {_complaint(image)}"
        )
    return image if match["tag"] or match["digest"] else f"{image}:latest"


def registry_of(image: str) -> str:
    """The registry's host, `docker.io` when the reference names none."""
    host, slash, _ = image.partition("/")
    if slash and (any(c in host for c in ".:") or host == "localhost"):
        return host
    return "docker.io"


def _complaint(image: str) -> str:
    if _IDENTIFIER.fullmatch(image):
        return (
            f"invalid repository name ({image}), cannot specify 64-byte"
            " hexadecimal strings"
        )
    if image.lower() != image and _REFERENCE.fullmatch(image.lower()):
        return (
            "invalid reference format: repository name ("
            + _path(image)
            + ") must be lowercase"
        )
    return "invalid reference format"


def _path(image: str) -> str:
    name = image.partition("@")[0].rpartition(":")[0] or image
    return name if "/" in name else f"library/{name}"


def _quoted(text: str) -> str:
    return f'"{text}"'
