"""The patch of `apply`: what was applied, what is to be, what is there.

Additions and changes are the difference of what is there and what is to be;
deletions that of what was applied and what is to be. So what others added stays.

Built-in kinds get a strategic merge patch (lists with keys are merged element by
element), others a JSON merge patch.

Source: kubernetes/apimachinery pkg/util/strategicpatch/patch.go
(CreateThreeWayMergePatch, diffMaps, diffLists), pkg/util/jsonmergepatch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from apimachinery.schema import Field, Message
    from apimachinery.types import JsonObject

__all__ = ["merge_patch", "strategic_patch"]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which half of a difference is wanted."""

    changes: bool
    deletions: bool


_CHANGES = _Wanted(changes=True, deletions=False)
_DELETIONS = _Wanted(changes=False, deletions=True)


def strategic_patch(
    original: JsonObject, modified: JsonObject, current: JsonObject, kind: Message
) -> JsonObject:
    """The strategic merge patch from `current` to `modified`."""
    changes = _diff_maps(current, modified, kind, _CHANGES)
    deletions = _diff_maps(original, modified, kind, _DELETIONS)
    return _merge_patches(deletions, changes, kind)


def merge_patch(
    original: JsonObject, modified: JsonObject, current: JsonObject
) -> JsonObject:
    """The JSON merge patch (RFC 7386) from `current` to `modified`."""
    changes = _diff_plain(current, modified, _CHANGES)
    deletions = _diff_plain(original, modified, _DELETIONS)
    return _merge_plain(deletions, changes)


def _diff_plain(old: JsonObject, new: JsonObject, wanted: _Wanted) -> JsonObject:
    patch: JsonObject = {}
    for key in sorted({*old, *new}):
        if key not in new:
            if wanted.deletions:
                patch[key] = None
        elif key not in old:
            if wanted.changes:
                patch[key] = new[key]
        elif isinstance(old[key], dict) and isinstance(new[key], dict):
            if inner := _diff_plain(old[key], new[key], wanted):
                patch[key] = inner
        elif wanted.changes and old[key] != new[key]:
            patch[key] = new[key]
    return patch


def _merge_plain(first: JsonObject, second: JsonObject) -> JsonObject:
    merged = dict(first)
    for key, value in second.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            value = _merge_plain(merged[key], value)
        merged[key] = value
    return merged


def _diff_maps(
    old: JsonObject, new: JsonObject, kind: Message | None, wanted: _Wanted
) -> JsonObject:
    patch: JsonObject = {}
    for key in sorted({*old, *new}):
        field = kind.fields.get(key) if kind is not None else None
        if key not in new:
            if wanted.deletions:
                patch[key] = None
        elif key not in old:
            if wanted.changes:
                patch[key] = new[key]
        else:
            _diff_value(patch, key, old[key], new[key], field, wanted)
    return patch


def _diff_value(
    patch: JsonObject,
    key: str,
    old: Any,
    new: Any,
    field: Field | None,
    wanted: _Wanted,
) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        _diff_inner_map(patch, key, old, new, field, wanted)
    elif isinstance(old, list) and isinstance(new, list) and field and field.merges:
        _diff_lists(patch, key, old, new, field, wanted)
    elif wanted.changes and not _same(old, new):
        patch[key] = new


def _same(old: Any, new: Any) -> bool:
    return type(old) is type(new) and bool(old == new)


def _diff_inner_map(
    patch: JsonObject,
    key: str,
    old: JsonObject,
    new: JsonObject,
    field: Field | None,
    wanted: _Wanted,
) -> None:
    strategies = field.patch_strategies if field is not None else frozenset()
    if "replace" in strategies:
        if wanted.changes and old != new:
            patch[key] = {**new, "$patch": "replace"}
        return
    inner = _diff_maps(old, new, _type_of(field), wanted)
    if inner:
        if "retainKeys" in strategies:
            inner["$retainKeys"] = sorted(new)
        patch[key] = inner


def _type_of(field: Field | None) -> Message | None:
    """The type of the values of a field, None inside a plain map."""
    from apimachinery.schema import Shape

    if field is None or field.shape is Shape.MAP:
        return None
    return field.message


def _diff_lists(
    patch: JsonObject,
    key: str,
    old: list[Any],
    new: list[Any],
    field: Field,
    wanted: _Wanted,
) -> None:
    if all(isinstance(each, dict) for each in (*old, *new)):
        _diff_keyed(patch, key, old, new, field, wanted)
    else:
        _diff_scalars(patch, key, old, new, wanted)


def _diff_keyed(
    patch: JsonObject,
    key: str,
    old: list[JsonObject],
    new: list[JsonObject],
    field: Field,
    wanted: _Wanted,
) -> None:
    name = field.patch_merge_key
    before = {_text(each.get(name)): each for each in old}
    after = {_text(each.get(name)): each for each in new}
    elements: list[JsonObject] = []
    for text, each in after.items():
        if text not in before:
            if wanted.changes:
                elements.append(each)
            continue
        inner = _diff_maps(before[text], each, _type_of(field), wanted)
        if inner:
            if "retainKeys" in field.patch_strategies:
                inner["$retainKeys"] = sorted(each)
            inner[name] = each[name]
            elements.append(inner)
    if wanted.deletions:
        gone = sorted(text for text in before if text not in after)
        elements += [{"$patch": "delete", name: before[t][name]} for t in gone]
    if elements:
        patch[key] = elements
    reordered = [t for t in before if t in after] != [t for t in after if t in before]
    if elements or (wanted.changes and reordered):
        patch[f"$setElementOrder/{key}"] = [{name: each[name]} for each in new]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _diff_scalars(
    patch: JsonObject, key: str, old: list[Any], new: list[Any], wanted: _Wanted
) -> None:
    added = [each for each in new if each not in old]
    gone = sorted((each for each in old if each not in new), key=str)
    if wanted.changes and added:
        patch[key] = added
    if wanted.deletions and gone:
        patch[f"$deleteFromPrimitiveList/{key}"] = gone
    kept = [each for each in old if each in new]
    reordered = bool(added) or kept != [each for each in new if each in old]
    if (wanted.changes and reordered) or (wanted.deletions and gone):
        patch[f"$setElementOrder/{key}"] = new


def _merge_patches(
    deletions: JsonObject, changes: JsonObject, kind: Message | None
) -> JsonObject:
    """Both halves in one patch; lists of elements are put together by their key."""
    merged = dict(deletions)
    for key, value in changes.items():
        before = merged.get(key)
        field = kind.fields.get(key) if kind is not None else None
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merge_patches(before, value, _type_of(field))
        elif isinstance(before, list) and isinstance(value, list):
            merged[key] = _merge_elements(key, before, value, field)
        else:
            merged[key] = value
    return merged


def _merge_elements(
    key: str, before: list[Any], value: list[Any], field: Field | None
) -> list[Any]:
    if key.startswith("$") or field is None or not field.patch_merge_key:
        return value
    name = field.patch_merge_key
    result = list(value)
    places = {_text(each.get(name)): i for i, each in enumerate(result)}
    for each in before:
        place = places.get(_text(each.get(name)))
        if place is None:
            result.append(each)
        else:
            result[place] = _merge_patches(each, result[place], _type_of(field))
    return result
