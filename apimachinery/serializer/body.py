"""A request body to an object of the expected type: what POST and PUT begin with.

Source: kubernetes/apiserver pkg/endpoints/handlers/rest.go (transformDecodeError,
summarizeData) and create.go. Clients may leave out apiVersion and kind: they are then
those of the URL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apimachinery import schema
from apimachinery.go_json import wrong_value
from apimachinery.go_text import quote
from apimachinery.negotiation import JSON, PROTOBUF, YAML
from apimachinery.serializer import json, protobuf, strict, yaml
from apimachinery.status import StatusError, bad_request

if TYPE_CHECKING:
    from apimachinery.gvk import GroupVersionKind
    from apimachinery.types import JsonObject, JsonValue

__all__ = ["Body", "check_fields", "decode"]

_SUMMARY: Final = 30


@dataclass(frozen=True, slots=True)
class Body:
    """The object, and what a Warning header says about its fields."""

    object: JsonObject
    warnings: tuple[str, ...] = ()


def decode(
    data: bytes,
    media_type: str,
    expected: GroupVersionKind,
    *,
    field_validation: str = "",
    any_kind: bool = False,
) -> Body:
    """Read a body as an object of the ``expected`` type.

    ``any_kind`` lets another kind through (DeleteOptions in several groups, the two
    Eviction versions); the caller then looks for itself.

    Raises:
        StatusError: 400, with the sentence of the API server.
    """
    obj = _object(data, media_type, expected)
    _name_type(obj, expected, any_kind)
    warnings = check_fields(obj, expected, field_validation=field_validation)
    return Body(obj, tuple(warnings))


def _object(data: bytes, media_type: str, expected: GroupVersionKind) -> JsonObject:
    try:
        value = _read(data, media_type, expected)
    except (json.JsonSyntaxError, yaml.YamlSyntaxError, protobuf.ProtobufError) as err:
        why = str(err)
        if media_type == JSON:
            why = f"couldn't get version/kind; json parse error: {why}"
        raise _unrecognized(data, expected, why) from None
    if value is None and media_type == YAML:
        value = {}
    if not isinstance(value, dict):
        why = wrong_value(value, _TYPE_META)
        raise _unrecognized(
            data, expected, f"couldn't get version/kind; json parse error: {why}"
        )
    return value


_TYPE_META: Final = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\"";'
    ' Kind string "json:\\"kind,omitempty\\"" }'
)


def _read(data: bytes, media_type: str, expected: GroupVersionKind) -> JsonValue:
    if media_type == PROTOBUF:
        return protobuf.decode(
            data, default_api_version=expected.api_version, default_kind=expected.kind
        )
    if media_type == YAML:
        return yaml.decode(data)
    return json.decode(data)


def _unrecognized(data: bytes, expected: GroupVersionKind, why: str) -> StatusError:
    return bad_request(
        f"the object provided is unrecognized (must be of type {expected.kind}):"
        f" {why} ({_summary(data)})"
    )


def _summary(data: bytes) -> str:
    if not data:
        return "<empty>"
    if data.startswith(b"{"):
        text = data[:_SUMMARY].decode("utf-8", "replace")
    else:
        text = data[:_SUMMARY].hex()
    return f"{text} ..." if len(data) > _SUMMARY else text


def _name_type(obj: JsonObject, expected: GroupVersionKind, any_kind: bool) -> None:
    """Fill in apiVersion and kind, or refuse others than those of the URL."""
    api_version = str(obj.get("apiVersion") or expected.api_version)
    kind = str(obj.get("kind") or expected.kind)
    obj["apiVersion"], obj["kind"] = api_version, kind
    if any_kind:
        return
    if kind != expected.kind:
        raise bad_request(
            f"{kind} in version {quote(api_version.rpartition('/')[2])} cannot be"
            f" handled as a {expected.kind}: {_no_conversion(api_version, kind, expected)}"
        )
    if api_version != expected.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected"
            f" API version ({expected.api_version})"
        )


def _no_conversion(api_version: str, kind: str, expected: GroupVersionKind) -> str:
    if not _is_known(api_version, kind):
        return (
            f"no kind {quote(kind)} is registered for version {quote(api_version)} in"
            ' scheme "pkg/api/legacyscheme/scheme.go:30"'
        )
    # Go names a type by its package: v1.Service, core.Pod, apps.Deployment.
    package = expected.group.partition(".")[0] or "core"
    version = api_version.rpartition("/")[2]
    return (
        f"converting ({version}.{kind}) to ({package}.{expected.kind}): unknown"
        " conversion"
    )


def _is_known(api_version: str, kind: str) -> bool:
    try:
        return schema.lookup(api_version, kind) is not None
    except ValueError:
        return False


def check_fields(
    obj: JsonObject, expected: GroupVersionKind, *, field_validation: str = ""
) -> list[str]:
    """Drop unknown fields and check types; returns warnings (for Warn, the default).

    Raises:
        StatusError: 400, a wrong type, or an unknown field under Strict.
    """
    found = schema.lookup(expected.api_version, expected.kind)
    try:
        if found is None:
            complaints = strict.duplicates(obj)
        else:
            complaints = strict.conform(obj, found)
    except strict.TypeMismatchError as err:
        raise _cannot_be_handled(expected, str(err)) from None
    if field_validation == "Strict" and complaints:
        why = "strict decoding error: " + ", ".join(complaints)
        raise _cannot_be_handled(expected, why)
    return [] if field_validation == "Ignore" else complaints


def _cannot_be_handled(expected: GroupVersionKind, why: str) -> StatusError:
    return bad_request(
        f"{expected.kind} in version {quote(expected.version)} cannot be handled as a"
        f" {expected.kind}: {why}"
    )
