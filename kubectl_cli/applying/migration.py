"""From client-side to server-side apply: whose fields those of the old way become.

Fields that client-side apply owns would stay for ever, since server-side apply removes
only what its own manager owns. So they are handed over, once.

Source: kubernetes/client-go util/csaupgrade/upgrade.go,
kubernetes/kubectl pkg/cmd/apply/apply.go (migrateToSSAIfNecessary).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.patch.field_set import from_fields_v1, to_fields_v1

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["is_managed_by", "migration_patch"]

_OLD = frozenset({"kubectl-client-side-apply", "before-first-apply"})


def is_managed_by(obj: JsonObject, manager: str) -> bool:
    """Whether this manager has applied to the object."""
    entries = obj["metadata"].get("managedFields") or ()
    return any(
        each.get("manager") == manager and each.get("operation") == "Apply"
        for each in entries
    )


def migration_patch(obj: JsonObject, manager: str) -> list[JsonObject]:
    """The JSON patch that hands the fields over; [] when there are none."""
    metadata = obj["metadata"]
    entries: list[JsonObject] = list(metadata.get("managedFields") or ())
    old = [each for each in entries if _is_old(each)]
    if not old:
        return []
    kept = [each for each in entries if not _is_old(each)]
    own = next((each for each in kept if _is_own(each, manager)), None)
    fields = from_fields_v1(own.get("fieldsV1") if own else None)
    for each in old:
        fields |= from_fields_v1(each.get("fieldsV1"))
    handed = {
        **(own or old[0]),
        "manager": manager,
        "operation": "Apply",
        "fieldsV1": to_fields_v1(fields),
    }
    value = [handed if each is own else each for each in kept]
    if own is None:
        value.append(handed)
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": value},
        {
            "op": "replace",
            "path": "/metadata/resourceVersion",
            "value": metadata.get("resourceVersion"),
        },
    ]


def _is_old(entry: JsonObject) -> bool:
    return (
        entry.get("manager") in _OLD
        and entry.get("operation") == "Update"
        and not entry.get("subresource")
    )


def _is_own(entry: JsonObject, manager: str) -> bool:
    return (
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    )
