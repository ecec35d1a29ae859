"""Volumes of a pod.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go (ValidateVolumes,
validateVolumeSource).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apimachinery.field_errors import (
    FieldError,
    Path,
    duplicate,
    forbidden,
    invalid,
    required,
)
from apimachinery.quantity import Quantity, QuantityError
from apimachinery.validation import names
from apimachinery.validation.collect import required_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject

__all__ = ["volumes"]

_MAX_MODE: Final = 0o777
_MODE_TEXT: Final = "must be a number between 0 and 0777 (octal), both inclusive"
_NAMED: Final = {
    "secret": "secretName",
    "configMap": "name",
    "persistentVolumeClaim": "claimName",
    "hostPath": "path",
}


def volumes(items: list[JsonObject], path: Path) -> Iterator[FieldError]:
    """Names that are there and unique, and one source each."""
    seen: set[str] = set()
    for position, volume in enumerate(items):
        at = path.index(position)
        name = volume.get("name") or ""
        yield from required_name(at.child("name"), name, names.dns1123_label)
        if name and name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)
        yield from _source(volume, at)


def _source(volume: JsonObject, path: Path) -> Iterator[FieldError]:
    given = [m for m, value in volume.items() if m != "name" and value is not None]
    for member in given[1:]:
        yield forbidden(path.child(member), "may not specify more than 1 volume type")
    if not given:
        yield required(path, "must specify a volume type")
        return
    member = given[0]
    source, at = volume[member], path.child(member)
    wanted = _NAMED.get(member)
    if wanted is not None and not source.get(wanted):
        yield required(at.child(wanted))
    if member == "emptyDir":
        yield from _size_limit(source.get("sizeLimit"), at.child("sizeLimit"))
    if member == "hostPath" and ".." in str(source.get("path") or "").split("/"):
        yield invalid(at.child("path"), source["path"], "must not contain '..'")
    if member == "projected":
        yield from _projected(source.get("sources") or [], at.child("sources"))
    yield from _file_mode(source.get("defaultMode"), at.child("defaultMode"))
    yield from _items(source.get("items") or [], at.child("items"))


def _size_limit(text: str | None, path: Path) -> Iterator[FieldError]:
    if text is None:
        return
    try:
        amount = Quantity.parse(text).amount
    except QuantityError as err:
        yield invalid(path, text, str(err))
        return
    if amount < 0:
        yield forbidden(path, "SizeLimit field must be a valid resource quantity")


def _file_mode(mode: int | None, path: Path) -> Iterator[FieldError]:
    if mode is not None and not 0 <= mode <= _MAX_MODE:
        yield invalid(path, mode, _MODE_TEXT)


def _projected(items: list[JsonObject], path: Path) -> Iterator[FieldError]:
    for position, item in enumerate(items):
        at = path.index(position)
        given = [m for m, value in item.items() if value is not None]
        for member in given[1:]:
            yield forbidden(at.child(member), "may not specify more than 1 volume type")
        for member in given:
            if member in ("secret", "configMap") and not item[member].get("name"):
                yield required(at.child(member, "name"))
            if member == "serviceAccountToken" and not item[member].get("path"):
                yield required(at.child(member, "path"))
            yield from _items(
                item[member].get("items") or [], at.child(member, "items")
            )


def _items(items: list[JsonObject], path: Path) -> Iterator[FieldError]:
    for position, item in enumerate(items):
        at = path.index(position)
        if "key" in item and not item["key"]:
            yield required(at.child("key"))
        where = item.get("path") or ""
        if not where:
            yield required(at.child("path"))
        elif where.startswith("/"):
            yield invalid(at.child("path"), where, "must be a relative path")
        elif ".." in where.split("/"):
            yield invalid(at.child("path"), where, "must not contain '..'")
        yield from _file_mode(item.get("mode"), at.child("mode"))
