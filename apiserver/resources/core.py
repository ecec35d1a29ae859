"""Kinds of the core group that need no module of their own."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar

from apimachinery.field_errors import (
    FieldError,
    Path,
    forbidden,
    invalid,
    too_long,
)
from apimachinery.validation import names
from apiserver.resources.cells import AGE, NAME, counted, text
from apiserver.resources.registry import Column, Resource, post_only, status
from apiserver.resources.strategy import Strategy

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = [
    "CORE_RESOURCES",
    "SERVICE_ACCOUNTS",
    "ReturnsDeletedStrategy",
    "StatusStrategy",
]

_MAX_DATA = 1024 * 1024  # bytes; ValidateConfigMap and ValidateSecret


def _immutable_errors(
    new: JsonObject, old: JsonObject, fields: tuple[str, ...]
) -> list[FieldError]:
    """An object marked immutable keeps its data and its mark."""
    if not old.get("immutable"):
        return []
    errors = []
    if not new.get("immutable"):
        detail = "field is immutable when `immutable` is set"
        errors.append(forbidden(Path("immutable"), detail))
    errors += [
        forbidden(Path(field), "field is immutable when `immutable` is set")
        for field in fields
        if (new.get(field) or {}) != (old.get(field) or {})
    ]
    return errors


def _data_errors(obj: JsonObject, fields: tuple[str, ...]) -> list[FieldError]:
    """Keys become file names, and all values together have a limit.

    Source: ValidateConfigMap and ValidateSecret.
    """
    errors, size, seen = [], 0, set()
    for field in fields:
        for key, value in (obj.get(field) or {}).items():
            where = Path(field).key(key)
            complaints = names.config_map_key(key)
            errors += [invalid(where, key, complaint) for complaint in complaints]
            if key in seen:
                detail = "duplicate of key present in data"
                errors.append(invalid(where, key, detail))
            seen.add(key)
            encoded = field != "data" or obj.get("kind") == "Secret"
            size += len(value) * 3 // 4 if encoded else len(value.encode())
    if size > _MAX_DATA:
        errors.append(too_long(Path(), _MAX_DATA))
    return errors


class ConfigMapStrategy(Strategy):
    def validate(self, obj: JsonObject) -> list[FieldError]:
        return _data_errors(obj, ("data", "binaryData"))

    def validate_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> list[FieldError]:
        errors = self.validate(new)
        return errors + _immutable_errors(new, old, ("data", "binaryData"))


class SecretStrategy(Strategy):
    selectable_fields: ClassVar = {"type": "type"}

    def default(self, obj: JsonObject) -> None:
        if not obj.get("type"):
            obj["type"] = "Opaque"
        # stringData is write-only: it is data that somebody did not encode.
        plain = obj.pop("stringData", None) or {}
        if plain:
            data = obj["data"] = obj.get("data") or {}
            for key, value in plain.items():
                data[key] = base64.b64encode(str(value).encode()).decode()

    def validate(self, obj: JsonObject) -> list[FieldError]:
        return _data_errors(obj, ("data",))

    def validate_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> list[FieldError]:
        errors = self.validate(new)
        if new.get("type") != old.get("type"):
            detail = "field is immutable"
            errors.append(invalid(Path("type"), new.get("type"), detail))
        return errors + _immutable_errors(new, old, ("data",))


class ServiceAccountStrategy(Strategy):
    returns_deleted_object: ClassVar = True


class EndpointsStrategy(Strategy):
    def default(self, obj: JsonObject) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port.setdefault("protocol", "TCP")


def _endpoint_addresses(obj: JsonObject, now: float) -> str:
    found = [
        f"{address.get('ip')}:{port.get('port')}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or [{}]
        for address in subset.get("addresses") or ()
    ]
    if not found:
        return "<none>"
    rest = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + rest


class ReplicationControllerStrategy(Strategy):
    has_status: ClassVar = True
    tracks_generation: ClassVar = True
    selectable_fields: ClassVar = {"status.replicas": "status.replicas"}


class StatusStrategy(Strategy):
    """A kind with a `/status` and nothing else of note."""

    has_status: ClassVar = True


class ReturnsDeletedStrategy(StatusStrategy):
    returns_deleted_object: ClassVar = True


def _core(resource: str, kind: str, **more: Any) -> Resource:
    more.setdefault("namespaced", True)
    return Resource("", "v1", resource, kind, **more)


SERVICE_ACCOUNTS = _core(
    "serviceaccounts",
    "ServiceAccount",
    short_names=("sa",),
    subresources=(
        post_only("token", "TokenRequest", "token", "authentication.k8s.io", "v1"),
    ),
    columns=(NAME, counted("Secrets", "secrets"), AGE),
    strategy=ServiceAccountStrategy(),
)
CORE_RESOURCES = (
    _core(
        "configmaps",
        "ConfigMap",
        short_names=("cm",),
        columns=(NAME, counted("Data", "data", "binaryData"), AGE),
        strategy=ConfigMapStrategy(),
    ),
    _core(
        "secrets",
        "Secret",
        columns=(NAME, text("Type", "type"), counted("Data", "data"), AGE),
        strategy=SecretStrategy(),
    ),
    SERVICE_ACCOUNTS,
    _core(
        "endpoints",
        "Endpoints",
        short_names=("ep",),
        singular="endpoints",
        columns=(NAME, Column("Endpoints", _endpoint_addresses), AGE),
        strategy=EndpointsStrategy(),
    ),
    _core(
        "limitranges",
        "LimitRange",
        short_names=("limits",),
    ),
    _core(
        "resourcequotas",
        "ResourceQuota",
        short_names=("quota",),
        subresources=(status(),),
        strategy=ReturnsDeletedStrategy(),
    ),
    _core(
        "podtemplates",
        "PodTemplate",
        strategy=ServiceAccountStrategy(),
    ),
)
