"""Validation of ObjectMeta, for every kind.

Source: kubernetes/apimachinery pkg/api/validation/objectmeta.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apimachinery.field_errors import (
    FieldError,
    Path,
    forbidden,
    invalid,
    required,
    too_long,
)
from apimachinery.validation import names
from apiserver.resources.deletion import new_finalizers_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Resource

__all__ = ["MetadataUpdate", "validate_metadata", "validate_metadata_update"]

_METADATA = Path("metadata")
_MAX_ANNOTATIONS = 256 * 1024  # bytes, keys and values together
_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp")
_RULES: dict[str, Callable[[str], list[str]]] = {
    "subdomain": names.dns1123_subdomain,
    "label": names.dns1123_label,
    "dns1035": names.dns1035_label,
    "path": names.path_segment_name,
}


@dataclass(frozen=True, slots=True)
class MetadataUpdate:
    resource: Resource
    new: JsonObject
    old: JsonObject


def validate_metadata(resource: Resource, obj: JsonObject) -> list[FieldError]:
    """Complaints about the metadata of a new object."""
    metadata = obj["metadata"]
    errors = _name_errors(resource, metadata)
    if not resource.namespaced and metadata.get("namespace"):
        where = _METADATA.child("namespace")
        errors.append(forbidden(where, "not allowed on this type"))
    return errors + _common_errors(metadata)


def _name_errors(resource: Resource, metadata: JsonObject) -> list[FieldError]:
    name = metadata.get("name") or ""
    where = _METADATA.child("name")
    if not name:
        return [required(where, "name or generateName is required")]
    rule = _RULES[resource.strategy.name_rule()]
    return [invalid(where, name, complaint) for complaint in rule(name)]


def _common_errors(metadata: JsonObject) -> list[FieldError]:
    return [
        *_label_errors(metadata.get("labels") or {}),
        *_annotation_errors(metadata.get("annotations") or {}),
        *_finalizer_errors(metadata.get("finalizers") or ()),
    ]


def _label_errors(labels: dict[str, str]) -> list[FieldError]:
    where = _METADATA.child("labels")
    errors = []
    for key, value in labels.items():
        errors += [invalid(where, key, said) for said in names.qualified_name(key)]
        errors += [invalid(where, value, said) for said in names.label_value(value)]
    return errors


def _annotation_errors(annotations: dict[str, str]) -> list[FieldError]:
    where = _METADATA.child("annotations")
    errors = [
        invalid(where, key, complaint)
        for key in annotations
        for complaint in names.qualified_name(key.lower())
    ]
    size = sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items())
    if size > _MAX_ANNOTATIONS:
        errors.append(too_long(where, _MAX_ANNOTATIONS))
    return errors


def _finalizer_errors(finalizers: list[str] | tuple[str, ...]) -> list[FieldError]:
    where = _METADATA.child("finalizers")
    return [
        invalid(where, finalizer, complaint)
        for finalizer in finalizers
        for complaint in names.qualified_name(finalizer)
    ]


def validate_metadata_update(update: MetadataUpdate) -> list[FieldError]:
    """Complaints about changed metadata."""
    new, old = update.new, update.old
    errors = []
    for field in _IMMUTABLE:
        if (new.get(field) or "") != (old.get(field) or ""):
            where = _METADATA.child(field)
            errors.append(invalid(where, new.get(field), "field is immutable"))
    if old.get("deletionTimestamp"):
        known = set(old.get("finalizers") or ())
        added = [f for f in new.get("finalizers") or () if f not in known]
        if added:
            where = _METADATA.child("finalizers")
            errors.append(forbidden(where, new_finalizers_text(added)))
    return errors + _common_errors(new)
