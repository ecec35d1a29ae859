"""Server-side apply: merge a configuration, keep book of owners, refuse conflicts.

Source: structured-merge-diff merge/update.go (Apply, prune), kubernetes/apimachinery
pkg/util/managedfields/internal/{structuredmerge,conflict,skipnonapplied,
lastappliedmanager}.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apimachinery.go_text import quote
from apimachinery.meta import namespaced_name, rfc3339
from apimachinery.patch import managed_fields
from apimachinery.patch.comparison import with_zero_structs
from apimachinery.patch.field_set import FieldPath, FieldSet, print_path, under
from apimachinery.patch.managed_fields import (
    APPLY,
    UPDATE,
    Managed,
    Managers,
    Owner,
    difference,
    without_fields,
)
from apimachinery.patch.nodes import TypedError
from apimachinery.patch.typed import (
    merge,
    named,
    remove,
    to_field_set,
)
from apimachinery.schema import Message, lookup
from apimachinery.serializer import json, strict
from apimachinery.status import (
    StatusError,
    apply_conflict,
    bad_request,
    failure_status,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.gvk import GroupVersionKind
    from apimachinery.types import JsonObject

__all__ = ["Applier", "apply"]

BEFORE_FIRST_APPLY: Final = "before-first-apply"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Applier:
    """The request: who applies, on what terms."""

    kind: GroupVersionKind
    manager: str
    now: float
    force: bool = False
    subresource: str = ""
    ignored: tuple[FieldPath, ...] = ()

    @property
    def owner(self) -> Owner:
        return Owner(self.manager, APPLY, "", self.subresource)


def apply(live: JsonObject | None, config: JsonObject, applier: Applier) -> JsonObject:
    """The object to store, before defaults; ``live`` itself when nothing changes.

    ``live`` is None when the object is to be created. ``config`` is not changed.

    Raises:
        StatusError: 400 for managedFields in the configuration, 409 for a conflict,
            500 when the configuration does not fit the type.
    """
    message = lookup(applier.kind.api_version, applier.kind.kind)
    if (config.get("metadata") or {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    config = _checked(config, message, applier)
    base = live if live is not None else _skeleton(config)
    managers = _managers(live, message, applier)
    merged, managers = _apply(base, config, message, managers, applier)
    if live is not None and _is_noop(live, merged, managers):
        return live
    managed_fields.write(merged, managers)
    return merged


def _skeleton(config: JsonObject) -> JsonObject:
    return {"apiVersion": config.get("apiVersion"), "kind": config.get("kind")}


def _checked(
    config: JsonObject, message: Message | None, applier: Applier
) -> JsonObject:
    """A copy that fits the type; unlike elsewhere an unknown field is an error."""
    copy: JsonObject = json.decode(json.encode(config))
    if message is None:
        return copy
    try:
        complaints = strict.conform(copy, message)
    except strict.TypeMismatchError as err:
        raise _untyped(config, applier, str(err)) from None
    unknown = [
        f".{text.split(chr(34), 1)[1].rstrip(chr(34))}: field not declared in schema"
        for text in complaints
    ]
    if len(unknown) == 1:
        raise _untyped(config, applier, unknown[0])
    if unknown:
        lines = "".join(f"\n  {line}" for line in unknown)
        raise _untyped(config, applier, f"errors:{lines}")
    return copy


def _untyped(config: JsonObject, applier: Applier, why: str) -> StatusError:
    subject = f"{namespaced_name(config)}; {applier.kind}"
    text = f"failed to create typed patch object ({subject}): {why}"
    return StatusError(failure_status(500, "", text))


def _managers(
    live: JsonObject | None, message: Message | None, applier: Applier
) -> Managers:
    """The owners so far; all of an untracked object belongs to before-first-apply."""
    managers = managed_fields.read(live)
    if live is None or managers:
        return managers
    everything = difference(_skeleton(live), live, message, applier.ignored).changed
    version = applier.kind.api_version
    first = Owner(BEFORE_FIRST_APPLY, UPDATE, version, "")
    return {first: Managed(everything, version, rfc3339(applier.now))}


def _apply(
    live: JsonObject,
    config: JsonObject,
    message: Message | None,
    managers: Managers,
    applier: Applier,
) -> tuple[JsonObject, Managers]:
    who, version = applier.owner, applier.kind.api_version
    try:
        wanted = to_field_set(config, message)
        merged = merge(live, config, message)
    except TypedError as err:
        raise _untyped(config, applier, str(err)) from None
    wanted -= under(wanted, applier.ignored)
    before = managers.get(who)
    managers = {
        **managers,
        who: Managed(wanted, version, _time(before, wanted, applier)),
    }
    merged = _prune(merged, before, managers, message)
    found = difference(live, merged, message, applier.ignored)
    conflicts = _conflicts(managers, who, found.changed)
    if conflicts and not applier.force:
        conflicts = _beside_last_applied(conflicts, live, message, applier)
        if conflicts:
            raise _conflict_error(conflicts)
    return merged, without_fields(managers, found.changed | found.removed, who)


def _time(before: Managed | None, wanted: FieldSet, applier: Applier) -> str:
    if before is not None and before.fields == _stripped(wanted):
        return before.time
    return rfc3339(applier.now)


def _stripped(wanted: FieldSet) -> FieldSet:
    return wanted - managed_fields.STRIPPED


def _prune(
    merged: JsonObject,
    before: Managed | None,
    managers: Managers,
    message: Message | None,
) -> JsonObject:
    """Take out what this applier no longer names and nobody else owns."""
    if before is None or not before.fields:
        return merged
    owned = frozenset().union(*(what.fields for what in managers.values()))
    present = to_field_set(with_zero_structs(merged, message), message)
    surplus = named(before.fields, message) & named(present, message)
    return remove(merged, surplus - named(owned, message), message)


# -- conflicts ------------------------------------------------------------------------


def _conflicts(
    managers: Managers, who: Owner, changed: FieldSet
) -> list[tuple[Owner, FieldPath]]:
    found = [
        (other, path)
        for other, what in managers.items()
        if other != who
        for path in what.fields & changed
    ]
    return sorted(found, key=lambda pair: (pair[0].manager, pair[1]))


def _beside_last_applied(
    conflicts: list[tuple[Owner, FieldPath]],
    live: JsonObject,
    message: Message | None,
    applier: Applier,
) -> list[tuple[Owner, FieldPath]]:
    """kubectl may take over what it wrote by client-side apply before."""
    if applier.manager != "kubectl" or applier.subresource:
        return conflicts
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    try:
        last = json.decode(str(annotations.get(LAST_APPLIED, "")).encode())
        allowed = to_field_set(last, message) if isinstance(last, dict) else frozenset()
    except (json.JsonSyntaxError, TypedError):
        return conflicts
    return [pair for pair in conflicts if pair[1] not in allowed]


def _conflict_error(conflicts: Iterable[tuple[Owner, FieldPath]]) -> StatusError:
    pairs = [(_print_owner(who), print_path(path)) for who, path in conflicts]
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {who}",
            "field": path,
        }
        for who, path in pairs
    ]
    return apply_conflict(causes, _conflict_text(pairs))


def _conflict_text(pairs: list[tuple[str, str]]) -> str:
    if len(pairs) == 1:
        who, path = pairs[0]
        return f"Apply failed with 1 conflict: conflict with {who}: {path}"
    lines = []
    for who in dict.fromkeys(who for who, _ in pairs):
        lines.append(f"conflicts with {who}:")
        lines += [f"- {path}" for other, path in pairs if other == who]
    return f"Apply failed with {len(pairs)} conflicts: " + "\n".join(lines)


def _print_owner(who: Owner) -> str:
    text = quote(who.manager)
    if who.subresource:
        text = f"{text} with subresource {quote(who.subresource)}"
    return f"{text} using {who.api_version}" if who.operation == UPDATE else text


def _is_noop(live: JsonObject, merged: JsonObject, managers: Managers) -> bool:
    probe: JsonObject = {"metadata": dict(merged.get("metadata") or {})}
    managed_fields.write(probe, managers)
    return {**merged, "metadata": probe["metadata"]} == live
