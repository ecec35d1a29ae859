"""managedFields: who owns which fields of an object.

Source: kubernetes/apimachinery pkg/util/managedfields/internal/*.go (a chain of
managers there, functions here) and structured-merge-diff merge/update.go.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from apimachinery.meta import rfc3339
from apimachinery.patch.comparison import Comparison, compare, with_zero_structs
from apimachinery.patch.field_set import (
    FieldPath,
    FieldSet,
    field,
    from_fields_v1,
    to_fields_v1,
    under,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.schema import Message
    from apimachinery.types import JsonObject

__all__ = [
    "APPLY",
    "STRIPPED",
    "UPDATE",
    "Managed",
    "Managers",
    "Owner",
    "track_update",
]

APPLY: Final = "Apply"
UPDATE: Final = "Update"
MAX_UPDATE_MANAGERS: Final = 10
ANCIENT: Final = "ancient-changes"

# What says which object it is, or is written by the server, belongs to nobody.
STRIPPED: Final[FieldSet] = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", field(name))
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who: appliers are told apart by name only, updaters by version too."""

    manager: str
    operation: str
    api_version: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Managed:
    """What an owner owns, in which version it said so, and when (RFC 3339)."""

    fields: FieldSet
    api_version: str
    time: str


Managers = dict[Owner, Managed]


def owner(manager: str, operation: str, api_version: str, subresource: str) -> Owner:
    """The identity of an owner; an applier keeps its own over versions."""
    version = "" if operation == APPLY else api_version
    return Owner(manager, operation, version, subresource)


def decode(entries: object) -> Managers:
    """Read ``metadata.managedFields``; entries that make no sense are dropped."""
    managers: Managers = {}
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("operation") not in (APPLY, UPDATE):
            continue
        who = owner(
            entry.get("manager") or "",
            entry["operation"],
            entry.get("apiVersion") or "",
            entry.get("subresource") or "",
        )
        managers[who] = Managed(
            from_fields_v1(entry.get("fieldsV1")),
            entry.get("apiVersion") or "",
            entry.get("time") or "",
        )
    return managers


def encode(managers: Managers) -> list[JsonObject]:
    """Write managedFields: appliers first, then by time, name, version, subresource."""
    entries = sorted(
        managers.items(),
        key=lambda pair: (
            pair[0].operation,
            pair[1].time if pair[0].operation == UPDATE else "",
            pair[0].manager,
            pair[1].api_version,
            pair[0].subresource,
        ),
    )
    return [_entry(who, what) for who, what in entries]


def _entry(who: Owner, what: Managed) -> JsonObject:
    entry: JsonObject = {}
    if who.manager:
        entry["manager"] = who.manager
    entry["operation"] = who.operation
    entry["apiVersion"] = what.api_version
    if what.time:
        entry["time"] = what.time
    entry["fieldsType"] = "FieldsV1"
    entry["fieldsV1"] = to_fields_v1(what.fields)
    if who.subresource:
        entry["subresource"] = who.subresource
    return entry


def read(obj: JsonObject | None) -> Managers:
    """The managers that an object names."""
    metadata = (obj or {}).get("metadata")
    return decode(metadata.get("managedFields") if isinstance(metadata, dict) else None)


def write(obj: JsonObject, managers: Managers) -> None:
    """Put managers into an object; nobody left means no member."""
    metadata = obj.setdefault("metadata", {})
    stripped = {
        who: replace(what, fields=what.fields - STRIPPED)
        for who, what in managers.items()
    }
    entries = encode({who: what for who, what in stripped.items() if what.fields})
    if entries:
        metadata["managedFields"] = entries
    else:
        metadata.pop("managedFields", None)


def without_fields(managers: Managers, gone: FieldSet, but: Owner | None) -> Managers:
    """All owners except ``but`` lose these fields; empty ones are dropped."""
    kept: Managers = {}
    for who, what in managers.items():
        if who != but:
            what = replace(what, fields=what.fields - gone)
        if what.fields or who == but:
            kept[who] = what
    return kept


def difference(
    old: JsonObject,
    new: JsonObject,
    message: Message | None,
    ignored: Iterable[FieldPath],
) -> Comparison:
    """What changed between two states, without ignored parts and managedFields."""
    before, after = _differing(
        _without_managed_fields(old), _without_managed_fields(new)
    )
    before = with_zero_structs(before, message)
    after = with_zero_structs(after, message)
    found = compare(before, after, message)
    prefixes = (*ignored, ("f:metadata", "f:managedFields"))
    return Comparison(
        found.added - under(found.added, prefixes),
        found.modified - under(found.modified, prefixes),
        found.removed - under(found.removed, prefixes),
    )


def _differing(old: JsonObject, new: JsonObject) -> tuple[JsonObject, JsonObject]:
    """Both without the members that are equal: most writes change little."""
    left: JsonObject = {}
    right: JsonObject = {}
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if name in old and name in new:
            if before == after:
                continue
            if isinstance(before, dict) and isinstance(after, dict):
                left[name], right[name] = _differing(before, after)
                continue
        if name in old:
            left[name] = before
        if name in new:
            right[name] = after
    return left, right


def _without_managed_fields(obj: JsonObject) -> JsonObject:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return obj
    kept = {name: each for name, each in metadata.items() if name != "managedFields"}
    return {**obj, "metadata": kept}


def track_update(
    old: JsonObject | None,
    new: JsonObject,
    message: Message | None,
    *,
    manager: str,
    api_version: str,
    now: float,
    subresource: str = "",
    ignored: Iterable[FieldPath] = (),
) -> None:
    """Write ``new.metadata.managedFields`` after a create (no ``old``) or an update.

    ``manager`` takes over what changed. ``ignored`` are paths that this request cannot
    change, as tuples of elements: ``("f:status",)``. An object that nobody tracked
    stays untracked; a client that sends ``[{}]`` clears the list.
    """
    sent = (new.get("metadata") or {}).get("managedFields")
    if sent == [{}] or (old is not None and not read(old) and not decode(sent)):
        new.setdefault("metadata", {}).pop("managedFields", None)
        return
    managers = read(old)
    if not subresource and decode(sent):
        managers = decode(sent)
    base: JsonObject = old if old is not None else {}
    found = difference(base, new, message, ignored)
    who = owner(manager, UPDATE, api_version, subresource)
    managers = without_fields(managers, found.changed | found.removed, None)
    mine = found.changed - STRIPPED
    if mine:
        before = managers.get(who)
        fields = mine | before.fields if before is not None else mine
        managers[who] = Managed(fields, api_version, rfc3339(now))
    write(new, capped(managers))


def capped(managers: Managers) -> Managers:
    """At most ten updaters: the oldest are one called ``ancient-changes``."""
    updaters = sorted(
        (who for who in managers if who.operation == UPDATE),
        key=lambda who: (managers[who].time, who.manager),
    )
    surplus = len(updaters) - MAX_UPDATE_MANAGERS
    if surplus <= 0:
        return managers
    kept = dict(managers)
    # One more: the bucket itself takes a place.
    for who in updaters[: surplus + 1]:
        what = kept.pop(who)
        bucket = Owner(ANCIENT, UPDATE, what.api_version, "")
        before = kept.get(bucket)
        fields = what.fields | before.fields if before is not None else what.fields
        kept[bucket] = Managed(fields, what.api_version, what.time)
    return kept
