"""What a Service may say.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateService,
validateServicePort), in its order and words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery.field_errors import (
    FieldError,
    Path,
    duplicate,
    invalid,
    not_supported,
    required,
)
from apimachinery.validation import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["validate_service"]

_SPEC: Final = Path("spec")
_AFFINITIES: Final = ("ClientIP", "None")
_PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def validate_service(obj: JsonObject) -> list[FieldError]:
    """All that is wrong with the service, defaults filled in."""
    return list(_errors(obj.get("spec") or {}))


def _errors(spec: JsonObject) -> Iterator[FieldError]:
    kind, ports = spec.get("type"), spec.get("ports") or []
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        yield required(_SPEC.child("ports"))
    seen: set[str] = set()
    for position, port in enumerate(ports):
        at = _SPEC.child("ports").index(position)
        yield from _port(at, port, seen, several=len(ports) > 1)
    affinity = spec.get("sessionAffinity")
    if affinity not in _AFFINITIES:
        yield not_supported(_SPEC.child("sessionAffinity"), affinity, _AFFINITIES)
    if kind not in _TYPES:
        yield not_supported(_SPEC.child("type"), kind, _TYPES)
    if kind == "ExternalName" and not spec.get("externalName"):
        yield required(_SPEC.child("externalName"))


def _port(
    at: Path, port: JsonObject, seen: set[str], *, several: bool
) -> Iterator[FieldError]:
    name = port.get("name") or ""
    if not name and several:
        yield required(at.child("name"))
    elif name:
        for complaint in names.dns1123_label(name):
            yield invalid(at.child("name"), name, complaint)
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)
    number = port.get("port") or 0
    for complaint in names.port_number(number):
        yield invalid(at.child("port"), number, complaint)
    if port.get("protocol") not in _PROTOCOLS:
        yield not_supported(at.child("protocol"), port.get("protocol"), _PROTOCOLS)
    target = port.get("targetPort")
    complaints = (
        names.port_name(target)
        if isinstance(target, str)
        else names.port_number(target or 0)
    )
    for complaint in complaints:
        yield invalid(at.child("targetPort"), target, complaint)
