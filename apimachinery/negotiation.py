"""Which form an answer takes: Accept in, media type and transform out.

Source: kubernetes/apiserver pkg/endpoints/handlers/negotiation/negotiate.go. Clauses
are tried in the order of their q; one whose transform is not offered is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from apimachinery.status import not_acceptable, unsupported_media_type

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = [
    "JSON",
    "PROTOBUF",
    "SUPPORTED",
    "YAML",
    "Clause",
    "Negotiated",
    "Transform",
    "body_media_type",
    "negotiate",
    "parse_accept",
]

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
SUPPORTED: Final = (JSON, YAML, PROTOBUF)


@dataclass(frozen=True, slots=True)
class Transform:
    """What the object is turned into: ``as=Table;v=v1;g=meta.k8s.io``."""

    kind: str
    version: str
    group: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"


@dataclass(frozen=True, slots=True)
class Clause:
    """One media range of an Accept header."""

    type: str
    subtype: str
    quality: float = 1.0
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The answer's media type and what else the clause asked for."""

    media_type: str
    transform: Transform | None = None
    stream: str = ""
    pretty: bool = False


def parse_accept(header: str) -> list[Clause]:
    """The clauses, the most wanted first; unreadable ones are dropped."""
    clauses = [clause for part in _split(header, ",") if (clause := _clause(part))]
    return sorted(clauses, key=lambda clause: -clause.quality)


def _split(text: str, separator: str) -> list[str]:
    """Cut outside of quoted strings."""
    parts, current, quoted = [], "", False
    for rune in text:
        if rune == '"':
            quoted = not quoted
        if rune == separator and not quoted:
            parts.append(current)
            current = ""
        else:
            current += rune
    return [*parts, current]


def _clause(part: str) -> Clause | None:
    media, *rest = _split(part, ";")
    kind, slash, subtype = media.strip().lower().partition("/")
    if not slash:
        return None
    parameters = {}
    for text in rest:
        name, _, value = text.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    return Clause(kind, subtype, _quality(parameters.pop("q", "1")), parameters)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def negotiate(
    accept: str | None,
    *,
    transforms: Collection[Transform] = (),
    supported: Iterable[str] = SUPPORTED,
    pretty: bool = False,
) -> Negotiated:
    """Choose how to answer; JSON when Accept is empty or asks for anything.

    Raises:
        StatusError: 406, no clause can be served.
    """
    supported = tuple(supported)
    if not (accept or "").strip():
        return Negotiated(supported[0], pretty=pretty)
    for clause in parse_accept(accept or ""):
        media_type = _offered(clause, supported)
        if media_type is None:
            continue
        parameters = clause.parameters
        transform = _transform(parameters)
        if transform is not None and transform not in transforms:
            continue
        wants_pretty = parameters.get("pretty", "0") not in ("0", "false", "")
        return Negotiated(
            media_type, transform, parameters.get("stream", ""), pretty or wants_pretty
        )
    raise not_acceptable(supported)


def _offered(clause: Clause, supported: tuple[str, ...]) -> str | None:
    for media_type in supported:
        kind, _, subtype = media_type.partition("/")
        if clause.type in ("*", kind) and clause.subtype in ("*", subtype):
            return media_type
    return None


def _transform(parameters: dict[str, str]) -> Transform | None:
    kind = parameters.get("as")
    if not kind:
        return None
    return Transform(kind, parameters.get("v", ""), parameters.get("g", ""))


def body_media_type(
    content_type: str | None, *, supported: Iterable[str] = SUPPORTED
) -> str:
    """The media type of a request body; none means JSON.

    Raises:
        StatusError: 415.
    """
    supported = tuple(supported)
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if not media_type:
        return JSON
    if media_type not in supported:
        raise unsupported_media_type(supported)
    return media_type
