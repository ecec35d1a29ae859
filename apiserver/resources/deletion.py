"""The rules of DELETE: grace periods, finalizers, preconditions. Pure.

Source: kubernetes/apiserver pkg/registry/rest/delete.go (BeforeDelete) and
pkg/registry/generic/registry/store.go (deletionFinalizersForGarbageCollection).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.go_text import quote
from apimachinery.meta import metadata_of, parse_time, rfc3339

if TYPE_CHECKING:
    from apimachinery.options import DeleteOptions, Preconditions
    from apimachinery.types import JsonObject
    from apiserver.resources.registry import Resource

__all__ = [
    "Deletion",
    "begin_deletion",
    "check_preconditions",
    "is_ready_to_go",
]

_ORPHAN = "orphan"
_FOREGROUND = "foregroundDeletion"


class Deletion(Enum):
    """What a DELETE does to an object in its present state."""

    NOW = "remove it"
    MARK = "write the deletionTimestamp; somebody else removes it"
    MARK_THEN_REMOVE = "write the deletionTimestamp, then remove it"
    PENDING = "it is already being deleted, and nothing changes"


def check_preconditions(
    resource: Resource, obj: JsonObject, wanted: Preconditions
) -> None:
    """Refuse to delete another object than the one the client meant.

    Raises:
        StatusError: 409, with the Kind where other conflicts have the resource.
    """
    metadata = obj["metadata"]
    uid, version = metadata.get("uid", ""), metadata.get("resourceVersion", "")
    name = metadata.get("name", "")
    kind = f"{resource.group_kind}"
    if wanted.uid is not None and wanted.uid != uid:
        raise status.conflict(
            kind,
            name,
            f"the UID in the precondition ({wanted.uid}) does not match the UID in"
            f" record ({uid}). The object might have been deleted and then recreated",
        )
    if wanted.resource_version is not None and wanted.resource_version != version:
        raise status.conflict(
            kind,
            name,
            f"the ResourceVersion in the precondition ({wanted.resource_version}) does"
            f" not match the ResourceVersion in record ({version}). The object might"
            " have been modified",
        )


def begin_deletion(
    resource: Resource, obj: JsonObject, options: DeleteOptions, now: float
) -> Deletion:
    """Decide what happens, and mark `obj` when it has to be written first."""
    metadata = metadata_of(obj)
    strategy = resource.strategy
    grace = _grace(resource, obj, options)
    if grace is Deletion.PENDING:
        return Deletion.PENDING
    _set_garbage_collection_finalizers(metadata, options)
    held = bool(metadata.get("finalizers")) or strategy.finalizers_for_delete(obj)
    if isinstance(grace, int):
        _mark(metadata, grace, now)
        strategy.begin_deletion(obj)
        return Deletion.MARK if grace > 0 or held else Deletion.MARK_THEN_REMOVE
    if not held:
        return Deletion.NOW
    if not metadata.get("deletionTimestamp"):
        _mark(metadata, 0, now)
        strategy.begin_deletion(obj)
    return Deletion.MARK


def _grace(
    resource: Resource, obj: JsonObject, options: DeleteOptions
) -> int | Deletion | None:
    """Seconds to grant; None when the kind knows no grace (any more)."""
    metadata, asked = obj["metadata"], options.grace_period_seconds
    allowed = resource.strategy.grace_seconds(obj, asked)
    if allowed is None:
        return None
    if not metadata.get("deletionTimestamp"):
        return allowed
    current = metadata.get("deletionGracePeriodSeconds")
    if current is None:
        return None
    # "we may only shorten the deletion grace period"
    if asked is None or asked >= current:
        return Deletion.PENDING
    return max(asked, 0)


def _mark(metadata: JsonObject, grace: int, now: float) -> None:
    started = now
    first = parse_time(metadata.get("deletionTimestamp"))
    if first is not None:
        started = first - (metadata.get("deletionGracePeriodSeconds") or 0)
    elif metadata.get("generation"):
        metadata["generation"] += 1
    metadata["deletionTimestamp"] = rfc3339(started + grace)
    metadata["deletionGracePeriodSeconds"] = grace


def _set_garbage_collection_finalizers(
    metadata: JsonObject, options: DeleteOptions
) -> None:
    """Orphan and Foreground leave their mark for the garbage collector."""
    policy = options.propagation_policy
    if options.orphan_dependents is not None:
        policy = "Orphan" if options.orphan_dependents else "Background"
    if policy is None or metadata.get("deletionTimestamp"):
        return
    others = [
        f for f in metadata.get("finalizers") or () if f not in (_ORPHAN, _FOREGROUND)
    ]
    added = {"Orphan": [_ORPHAN], "Foreground": [_FOREGROUND]}.get(policy, [])
    if others or added:
        metadata["finalizers"] = others + added
    else:
        metadata.pop("finalizers", None)


def is_ready_to_go(resource: Resource, new: JsonObject, old: JsonObject) -> bool:
    """Whether an update took away the last thing that held a deleted object back."""
    if new["metadata"].get("finalizers"):
        return False
    if resource.strategy.finalizers_for_delete(new):
        return False
    if not old["metadata"].get("deletionTimestamp"):
        return False
    return not old["metadata"].get("deletionGracePeriodSeconds")


def new_finalizers_text(added: list[str]) -> str:
    """What is said of finalizers that come too late."""
    listed = ", ".join(quote(name) for name in added)
    return (
        "no new finalizers can be added if the object is being deleted, found new"
        f" finalizers []string{{{listed}}}"
    )
