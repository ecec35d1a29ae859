"""The strategic merge patch that brings a pod's status from one form to another.

Only what changed is sent, so that what others wrote in between stays. Lists that the
API merges by key say which elements changed, which are gone, and the order.

Source: kubernetes/kubernetes pkg/util/pod/pod.go (PatchPodStatus); kubernetes/
apimachinery pkg/util/strategicpatch (directives); merge keys as in core/v1 PodStatus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["status_patch"]

_MERGE_KEYS = {
    "conditions": "type",
    "podIPs": "ip",
    "resourceClaimStatuses": "name",
}
_OWNED = (
    "containerStatuses",
    "ephemeralContainerStatuses",
    "initContainerStatuses",
    "message",
    "podIP",
    "podIPs",
    "reason",
)
"""Fields that the kubelet takes away again when they no longer hold."""


def status_patch(uid: str, old: JsonObject, new: JsonObject) -> JsonObject | None:
    """The body of the PATCH, None when nothing differs.

    The uid in it makes the API server refuse when another pod has the name by now.
    """
    changes: JsonObject = {}
    for name, value in new.items():
        before = old.get(name)
        if before == value:
            continue
        key = _MERGE_KEYS.get(name)
        if key is None:
            changes[name] = value
        else:
            changes |= _list_changes(name, key, before or [], value)
    for name in _OWNED:
        if old.get(name) and name not in new:
            changes[name] = None
    if not changes:
        return None
    return {"metadata": {"uid": uid}, "status": changes}


def _list_changes(
    name: str, key: str, old: list[JsonObject], new: list[JsonObject]
) -> JsonObject:
    before = {element[key]: element for element in old}
    after = {element[key]: element for element in new}
    changed = [_element(before.get(k), element) for k, element in after.items()]
    gone = [{key: k, "$patch": "delete"} for k in before if k not in after]
    elements = [element for element in changed if element is not None] + gone
    order = [{key: k} for k in after]
    return {f"$setElementOrder/{name}": order, name: elements}


def _element(before: JsonObject | None, element: JsonObject) -> JsonObject | None:
    """An element in full, and null for its fields that are gone."""
    if before == element:
        return None
    gone = {field: None for field in before or {} if field not in element}
    return {**element, **gone}
