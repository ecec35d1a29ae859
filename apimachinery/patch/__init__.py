"""The body of a PATCH request: four forms, one result.

Source: kubernetes/apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apimachinery import schema
from apimachinery.field_errors import Path
from apimachinery.field_errors import invalid as invalid_field
from apimachinery.go_json import wrong_value
from apimachinery.go_text import format_value
from apimachinery.gvk import GroupKind, GroupVersionKind
from apimachinery.patch import json as json_patch
from apimachinery.patch import merge as merge_patch
from apimachinery.patch import strategic as strategic_patch

# Not as ``json``: that name is this package's own module.
from apimachinery.serializer import json as json_text
from apimachinery.serializer import strict, yaml
from apimachinery.status import (
    StatusError,
    bad_request,
    failure_status,
    generic_server_response,
    unsupported_media_type,
)
from apimachinery.status import invalid as invalid_object

if TYPE_CHECKING:
    from apimachinery.types import JsonObject, JsonValue

__all__ = [
    "APPLY_PATCH",
    "JSON_PATCH",
    "MERGE_PATCH",
    "STRATEGIC_MERGE_PATCH",
    "Patch",
    "Patched",
    "parse",
]

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
_BUILT_IN: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)
_ANY_MAP: Final = "map[string]interface {}"
_CUSTOM: Final = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
MAX_OPERATIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Patched:
    """The object after a patch, and what a Warning header says about its fields."""

    object: JsonObject
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Patch:
    """A parsed patch; ``apply_to`` can be repeated on newer states of the object."""

    media_type: str
    content: JsonValue

    @property
    def is_apply(self) -> bool:
        """Server-side apply: see patch/apply.py."""
        return self.media_type == APPLY_PATCH

    def apply_to(
        self,
        obj: JsonObject,
        kind: GroupVersionKind,
        *,
        field_validation: str = "",
    ) -> Patched:
        """A new object; ``obj`` is not changed. Not for server-side apply.

        Raises:
            StatusError: 400, 422 or 500 as the API server answers.
        """
        message = schema.lookup(kind.api_version, kind.kind)
        patched, shown = self._patched(obj, message)
        if not isinstance(patched, dict):
            raise _invalid(shown, "the result of the patch is not an object")
        complaints = _checked(patched, message, shown)
        complaints = [*strict.duplicates(self.content), *complaints]
        if field_validation == "Strict" and complaints:
            raise _invalid(shown, "strict decoding error: " + ", ".join(complaints))
        warnings = () if field_validation == "Ignore" else tuple(complaints)
        return Patched(patched, warnings)

    def _patched(
        self, obj: JsonObject, message: schema.Message | None
    ) -> tuple[JsonValue, str]:
        """The raw result, and what an error shows as the bad value."""
        if self.media_type == JSON_PATCH:
            patched = _by_operations(obj, self.content)
            return patched, json_text.encode(patched).decode()
        if self.media_type == MERGE_PATCH:
            patched = merge_patch.merge(obj, self.content)
            return patched, json_text.encode(patched).decode()
        return _strategic(obj, self.content, message), format_value(self.content)


def parse(content_type: str | None, data: bytes, *, custom: bool = False) -> Patch:
    """Read a PATCH body. ``custom`` resources have no strategic merge.

    Raises:
        StatusError: 415 for another Content-Type, 413 and 400 for a bad body.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    accepted = _CUSTOM if custom else _BUILT_IN
    if media_type not in accepted:
        raise unsupported_media_type(accepted)
    if media_type == APPLY_PATCH:
        return Patch(media_type, _apply_body(data))
    try:
        content = json_text.decode(data)
    except json_text.JsonSyntaxError as err:
        if media_type == JSON_PATCH:
            raise bad_request(str(err)) from None
        raise bad_request(f"error decoding patch: {err}") from None
    if media_type == JSON_PATCH:
        _check_operations(content)
    elif not isinstance(content, dict):
        raise bad_request(f"error decoding patch: {wrong_value(content, _ANY_MAP)}")
    return Patch(media_type, content)


def _apply_body(data: bytes) -> JsonObject:
    try:
        content = yaml.decode(data)
    except yaml.YamlSyntaxError as err:
        raise bad_request(f"error decoding YAML: {err}") from None
    if not isinstance(content, dict):
        raise bad_request(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON:"
            f" {wrong_value(content, _ANY_MAP)}"
        )
    return content


def _check_operations(content: JsonValue) -> None:
    if not isinstance(content, list):
        raise bad_request(wrong_value(content, "jsonpatch.Patch"))
    if len(content) > MAX_OPERATIONS:
        raise StatusError(
            failure_status(
                413,
                "RequestEntityTooLarge",
                "Request entity too large: The allowed maximum operations in a JSON"
                f" patch is {MAX_OPERATIONS}, got {len(content)}",
            )
        )


def _by_operations(obj: JsonObject, operations: list[JsonValue]) -> JsonValue:
    try:
        return json_patch.apply(obj, operations)
    except json_patch.JsonPatchError:
        raise generic_server_response(422, "") from None


def _strategic(
    obj: JsonObject, content: JsonObject, message: schema.Message | None
) -> JsonObject:
    try:
        return strategic_patch.merge(obj, content, message)
    except strategic_patch.StrategicPatchError as err:
        if err.bad_request:
            raise bad_request(str(err)) from None
        raise StatusError(failure_status(500, "", str(err))) from None


def _checked(
    patched: JsonObject, message: schema.Message | None, shown: str
) -> list[str]:
    if message is None:
        return []
    try:
        return strict.conform(patched, message)
    except strict.TypeMismatchError as err:
        raise _invalid(shown, str(err)) from None


def _invalid(shown: str, why: str) -> StatusError:
    error = invalid_field(Path().child("patch"), shown, why)
    return invalid_object(GroupKind("", ""), "", [error])
