"""What differs between kinds when their objects are written.

A `Strategy` knows one kind's defaults, validation and life rules. The generic
store (`objects.py`) calls its methods in the order upstream's registry does.

Source: kubernetes/apiserver pkg/registry/rest/{create,update,delete}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apimachinery.field_errors import FieldError
    from apimachinery.types import JsonObject

__all__ = ["Strategy"]

_IDENTITY = frozenset({"apiVersion", "kind", "metadata"})


class Strategy:
    """A kind with no rules of its own. Methods change objects in place."""

    has_status: ClassVar[bool] = False
    """`/status` exists: it alone writes the status, the object all the rest."""
    tracks_generation: ClassVar[bool] = False
    allows_unconditional_update: ClassVar[bool] = True
    """PUT without resourceVersion is legal."""
    creates_on_update: ClassVar[bool] = False
    """PUT of a missing object makes it."""
    returns_deleted_object: ClassVar[bool] = False
    """DELETE answers the object, and not a Status."""
    selectable_fields: ClassVar[Mapping[str, str]] = {}
    """Field selector label to dotted path, beside the metadata ones."""

    # -- create

    def default(self, obj: JsonObject) -> None:
        """Write the defaults of this kind; must be idempotent."""

    def prepare_for_create(self, obj: JsonObject) -> None:
        """Drop what a client may not set when it creates."""
        if self.has_status:
            obj["status"] = self.initial_status(obj)

    def initial_status(self, obj: JsonObject) -> JsonObject:
        """The status of a new object, whatever the client sent."""
        return {}

    def validate(self, obj: JsonObject) -> list[FieldError]:
        """Check a new object beyond its metadata."""
        return []

    def warnings(self, obj: JsonObject) -> list[str]:
        """Advice that goes into Warning headers."""
        return []

    def name_rule(self) -> str:
        """Which naming rule `metadata.name` obeys: subdomain, label, or path."""
        return "subdomain"

    # -- update

    def prepare_for_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> None:
        """Take from the old object what this path may not change."""
        if not self.has_status:
            return
        if subresource == "status":
            for key in (new.keys() | old.keys()) - _IDENTITY - {"status"}:
                _keep(new, old, key)
        else:
            _keep(new, old, "status")

    def validate_update(
        self, new: JsonObject, old: JsonObject, subresource: str
    ) -> list[FieldError]:
        """Check a change beyond the immutable metadata."""
        return [] if subresource == "status" else self.validate(new)

    # -- delete

    def grace_seconds(self, obj: JsonObject, requested: int | None) -> int | None:
        """How long a deletion may take; None when the kind is deleted at once."""
        return None

    def finalizers_for_delete(self, obj: JsonObject) -> bool:
        """Whether something outside metadata.finalizers holds the object back."""
        return False

    def begin_deletion(self, obj: JsonObject) -> None:
        """Mark an object that goes only after its finalizers or its grace."""

    # -- read

    def field_value(self, obj: JsonObject, label: str) -> str | None:
        """The value of a selectable field, as text; None for an unknown label."""
        path = self.selectable_fields.get(label)
        return None if path is None else _text_at(obj, path)


def _keep(new: JsonObject, old: JsonObject, key: str) -> None:
    if key in old:
        new[key] = old[key]
    else:
        new.pop(key, None)


def _text_at(obj: JsonObject, path: str) -> str:
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
