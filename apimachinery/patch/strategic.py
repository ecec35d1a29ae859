"""Strategic merge patch: a merge that knows which lists are keyed.

Lists whose field says ``merge`` are merged by their key, others replaced. Directives
in the patch: ``$patch`` (replace, delete), ``$deleteFromPrimitiveList/F``,
``$setElementOrder/F``, ``$retainKeys``.
Source: kubernetes/apimachinery pkg/util/strategicpatch/patch.go. The order of a merged
list is upstream's: what only the server has keeps its place relative to what the patch
names, and new elements come before it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final

from apimachinery.go_text import format_value
from apimachinery.schema import Field, Kind, Message, Shape

if TYPE_CHECKING:
    from apimachinery.types import JsonObject, JsonValue

__all__ = ["StrategicPatchError", "merge"]

_PATCH: Final = "$patch"
_RETAIN_KEYS: Final = "$retainKeys"
_DELETE_FROM: Final = "$deleteFromPrimitiveList/"
_SET_ORDER: Final = "$setElementOrder/"
_REPLACE, _DELETE, _MERGE = "replace", "delete", "merge"


class StrategicPatchError(ValueError):
    """The patch does not make sense; ``bad_request`` tells a 400 from a 500."""

    def __init__(self, text: str, *, bad_request: bool = False) -> None:
        super().__init__(text)
        self.bad_request = bad_request


def merge(
    original: JsonObject, patch: JsonObject, message: Message | None
) -> JsonObject:
    """The original with the patch applied; neither is changed.

    Raises:
        StrategicPatchError: a directive or a list element is malformed.
    """
    return _merge_map(copy.deepcopy(original), copy.deepcopy(patch), message)


def _merge_map(
    original: JsonObject, patch: JsonObject, message: Message | None
) -> JsonObject:
    if _PATCH in patch:
        return _whole_map(patch)
    _retain_keys(original, patch)
    _merge_ordered_lists(original, patch, message)
    for name, value in patch.items():
        if name.startswith(_DELETE_FROM):
            _delete_from(original, name.removeprefix(_DELETE_FROM), value)
        elif value is None:
            original.pop(name, None)
        elif name not in original or original[name] is None:
            original[name] = _as_new(value)
        else:
            original[name] = _merge_value(original[name], value, _field(message, name))
    return original


def _whole_map(patch: JsonObject) -> JsonObject:
    directive = patch.pop(_PATCH)
    if directive == _REPLACE:
        return patch
    if directive == _DELETE:
        return {}
    if directive == _MERGE:
        raise StrategicPatchError("merging maps cannot yet be specified in the patch")
    raise _unknown_directive(directive, patch)


def _unknown_directive(directive: JsonValue, patch: JsonObject) -> StrategicPatchError:
    return StrategicPatchError(
        f"unknown patch type: {directive} in map: {format_value(patch)}"
    )


def _field(message: Message | None, name: str) -> Field | None:
    return message.fields.get(name) if message is not None else None


def _merge_value(
    original: JsonValue, patch: JsonValue, field: Field | None
) -> JsonValue:
    if isinstance(original, dict) and isinstance(patch, dict):
        if field is not None and _REPLACE in field.patch_strategies:
            return _as_new(patch)
        return _merge_map(original, patch, _value_type(field))
    if isinstance(original, list) and isinstance(patch, list):
        if field is not None and field.merges:
            return _merge_list(original, patch, field)
        return patch
    return _as_new(patch) if type(original) is not type(patch) else patch


def _value_type(field: Field | None) -> Message | None:
    if field is None or field.kind is not Kind.MESSAGE:
        return None
    # In a map of structs the next name is a key; it has no type of its own here.
    return field.message if field.shape is not Shape.MAP else None


def _as_new(value: JsonValue) -> JsonValue:
    """A value that meets no original: directives and nulls mean nothing in it."""
    if isinstance(value, dict):
        if value.get(_PATCH) == _DELETE:
            return {}
        return {
            name: _as_new(each)
            for name, each in value.items()
            if each is not None
            and name not in (_PATCH, _RETAIN_KEYS)
            and not name.startswith((_DELETE_FROM, _SET_ORDER))
        }
    if isinstance(value, list):
        return [_as_new(each) for each in value if not _is_special(each)]
    return value


def _is_special(element: JsonValue) -> bool:
    return isinstance(element, dict) and element.get(_PATCH) in (_DELETE, _REPLACE)


def _retain_keys(original: JsonObject, patch: JsonObject) -> None:
    if _RETAIN_KEYS not in patch:
        return
    kept = patch.pop(_RETAIN_KEYS)
    if not isinstance(kept, list):
        raise _bad_format("retainKeys")
    for name, value in patch.items():
        directive = name.startswith((_DELETE_FROM, _SET_ORDER))
        if value is not None and not directive and name not in kept:
            raise _bad_format("retainKeys")
    for name in original.keys() - set(kept):
        del original[name]


def _bad_format(of: str) -> StrategicPatchError:
    return StrategicPatchError(f"invalid patch format of {of}", bad_request=True)


def _delete_from(original: JsonObject, name: str, values: JsonValue) -> None:
    if not isinstance(values, list):
        raise _bad_format("primitive list")
    current = original.get(name)
    if isinstance(current, list):
        original[name] = [each for each in current if each not in values]


# -- lists ----------------------------------------------------------------------------


def _merge_ordered_lists(
    original: JsonObject, patch: JsonObject, message: Message | None
) -> None:
    """Lists with ``$setElementOrder``: merged here, then brought into that order."""
    for directive in [name for name in patch if name.startswith(_SET_ORDER)]:
        order = patch.pop(directive)
        if not isinstance(order, list):
            raise _bad_format("setElementOrder list")
        name = directive.removeprefix(_SET_ORDER)
        field = _field(message, name)
        key = field.patch_merge_key if field is not None else ""
        before, change = original.get(name), patch.pop(name, None)
        if before is None and change is None:
            continue
        _check_order(change or [], order, key)
        merged: list[JsonValue]
        if change is None:
            merged = list(before or [])
        elif before is None:
            merged = _as_new(change)
        else:
            merged = _merge_value(before, change, field)
        original[name] = _in_order(merged, order, before or [], key)


def _check_order(change: list[JsonValue], order: list[JsonValue], key: str) -> None:
    """Every element of the patch list is in the order list, in that order."""
    if not isinstance(change, list):
        raise _bad_format("setElementOrder list")
    position = 0
    for element in change:
        if _is_special(element):
            continue
        wanted = _identity(element, key)
        while position < len(order) and _identity(order[position], key) != wanted:
            position += 1
        if position == len(order):
            raise StrategicPatchError(
                f"The order in patch list:\n{format_value(change)}\n doesn't match"
                f" $setElementOrder list:\n{format_value(order)}\n"
            )
        position += 1


def _identity(element: JsonValue, key: str) -> JsonValue:
    if not isinstance(element, dict):
        return element
    if key not in element:
        raise StrategicPatchError(
            f"map: {format_value(element)} does not contain declared merge key: {key}"
        )
    return element[key]


def _merge_list(
    original: list[JsonValue], patch: list[JsonValue], field: Field
) -> list[JsonValue]:
    kinds = {isinstance(each, dict) for each in (*original, *patch)}
    if len(kinds) > 1:
        raise StrategicPatchError("list element types are not identical")
    if kinds != {True}:
        return _in_order(_distinct([*original, *patch]), patch, original, "")
    return _merge_maps(original, patch, field)


def _distinct(values: list[JsonValue]) -> list[JsonValue]:
    found: list[JsonValue] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _merge_maps(
    original: list[JsonValue], patch: list[JsonValue], field: Field
) -> list[JsonValue]:
    key = field.patch_merge_key
    if not key:
        raise StrategicPatchError("cannot merge lists without merge key")
    before = list(original)
    kept, changes, replace = _special_elements(list(original), patch, key)
    if replace:
        return changes
    for change in changes:
        wanted = _identity(change, key)
        for position, element in enumerate(kept):
            if _identity(element, key) == wanted:
                kept[position] = _merge_map(element, dict(change), field.message)
                break
        else:
            kept.append(_as_new(change))
    return _in_order(kept, changes, before, key)


def _special_elements(
    original: list[JsonValue], patch: list[JsonValue], key: str
) -> tuple[list[JsonValue], list[JsonValue], bool]:
    """Carry out ``$patch`` elements: (what stays, ordinary elements, replace?)."""
    changes, replace = [], False
    for element in patch:
        directive = element.get(_PATCH)
        if directive is None:
            changes.append(element)
        elif directive == _DELETE:
            gone = _identity(element, key)
            original = [each for each in original if _identity(each, key) != gone]
        elif directive == _REPLACE:
            replace = True
        elif directive == _MERGE:
            raise StrategicPatchError(
                "merging lists cannot yet be specified in the patch"
            )
        else:
            raise _unknown_directive(directive, element)
    return original, changes, replace


def _in_order(
    merged: list[JsonValue],
    order: list[JsonValue],
    server_order: list[JsonValue],
    key: str,
) -> list[JsonValue]:
    """Elements that ``order`` names in that order; the others find their place."""
    wanted = [_identity(each, key) for each in order if not _is_special(each)]
    server = [_identity(each, key) for each in server_order]
    named = [each for each in merged if _identity(each, key) in wanted]
    others = [each for each in merged if _identity(each, key) not in wanted]
    named.sort(key=lambda each: wanted.index(_identity(each, key)))
    result = []
    while named and others:
        left, right = _identity(others[0], key), _identity(named[0], key)
        known = left in server and right in server
        if known and server.index(left) < server.index(right):
            result.append(others.pop(0))
        else:
            result.append(named.pop(0))
    return result + others + named
