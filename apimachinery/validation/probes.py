"""Probes and lifecycle hooks.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go (validateProbe,
validateHandler, validateLifecycle).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery.field_errors import FieldError, Path, forbidden, invalid, required
from apimachinery.validation import names
from apimachinery.validation.collect import non_negative, one_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apimachinery.types import JsonObject, JsonValue

__all__ = ["container_probes", "lifecycle"]

_NUMBERS: Final = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)
_ONE_HANDLER: Final = "may not specify more than 1 handler type"
_SOME_HANDLER: Final = "must specify a handler type"


def container_probes(item: JsonObject, path: Path) -> Iterator[FieldError]:
    """The three probes of a container."""
    for member in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = item.get(member)
        if probe is None:
            continue
        at = path.child(member)
        yield from _handler(probe, at)
        for number in _NUMBERS:
            yield from non_negative(at.child(number), probe.get(number) or 0)
        if member != "readinessProbe" and probe.get("successThreshold", 1) != 1:
            value = probe["successThreshold"]
            yield invalid(at.child("successThreshold"), value, "must be 1")
        grace = probe.get("terminationGracePeriodSeconds")
        where = at.child("terminationGracePeriodSeconds")
        if grace is not None and member == "readinessProbe":
            yield invalid(where, grace, "must not be set for readinessProbes")
        elif grace is not None and grace <= 0:
            yield invalid(where, grace, "must be greater than 0")


def lifecycle(hooks: JsonObject | None, path: Path) -> Iterator[FieldError]:
    """postStart and preStop."""
    for member in ("postStart", "preStop"):
        handler = (hooks or {}).get(member)
        if handler is not None:
            yield from _handler(handler, path.child(member))


def _handler(handler: JsonObject, path: Path) -> Iterator[FieldError]:
    given = 0
    for name, check in _HANDLERS.items():
        action = handler.get(name)
        if action is None:
            continue
        if given:
            yield forbidden(path.child(name), _ONE_HANDLER)
            continue
        given += 1
        yield from check(action, path.child(name))
    if not given:
        yield required(path, _SOME_HANDLER)


def _exec(action: JsonObject, path: Path) -> Iterator[FieldError]:
    if not action.get("command"):
        yield required(path.child("command"))


def _http_get(action: JsonObject, path: Path) -> Iterator[FieldError]:
    if not action.get("path"):
        yield required(path.child("path"))
    yield from _port(action.get("port"), path.child("port"))
    yield from one_of(path.child("scheme"), action.get("scheme"), ("HTTP", "HTTPS"))
    for position, header in enumerate(action.get("httpHeaders") or []):
        if not header.get("name"):
            yield required(path.child("httpHeaders").index(position).child("name"))


def _tcp_socket(action: JsonObject, path: Path) -> Iterator[FieldError]:
    yield from _port(action.get("port"), path.child("port"))


def _grpc(action: JsonObject, path: Path) -> Iterator[FieldError]:
    yield from _port(action.get("port"), path.child("port"))


def _sleep(action: JsonObject, path: Path) -> Iterator[FieldError]:
    yield from non_negative(path.child("seconds"), action.get("seconds") or 0)


def _port(port: JsonValue, path: Path) -> Iterator[FieldError]:
    if isinstance(port, str):
        for complaint in names.port_name(port):
            yield invalid(path, port, complaint)
        return
    for complaint in names.port_number(port or 0):
        yield invalid(path, port or 0, complaint)


_HANDLERS: Final[dict[str, Callable[[JsonObject, Path], Iterator[FieldError]]]] = {
    "exec": _exec,
    "httpGet": _http_get,
    "tcpSocket": _tcp_socket,
    "grpc": _grpc,
    "sleep": _sleep,
}
