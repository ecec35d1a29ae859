"""Sets of field paths, and their FieldsV1 form in managedFields.

A path is a tuple of elements: ``f:NAME`` a field or map key, ``k:{...}`` a list item
by its keys, ``v:VALUE`` a set item. In FieldsV1 the elements nest; a path belongs to
the set when its object is empty or has the member ``.``.
Source: kubernetes-sigs/structured-merge-diff fieldpath/serialize.go, element.go, path.go.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, TypeAlias

from apimachinery.go_text import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject, JsonValue

__all__ = [
    "EMPTY",
    "FieldPath",
    "FieldSet",
    "field",
    "from_fields_v1",
    "key_item",
    "print_path",
    "to_fields_v1",
    "under",
    "value_item",
]

FieldPath: TypeAlias = tuple[str, ...]
FieldSet: TypeAlias = frozenset[FieldPath]
EMPTY: Final[FieldSet] = frozenset()


def field(name: str) -> str:
    """The element of a struct field or map key."""
    return f"f:{name}"


def key_item(keys: JsonObject) -> str:
    """The element of a list item that is known by these keys."""
    return "k:" + _compact(dict(sorted(keys.items())))


def value_item(value: JsonValue) -> str:
    """The element of an item of a set."""
    return "v:" + _compact(value)


def _compact(value: JsonValue) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def from_fields_v1(tree: JsonObject | None) -> FieldSet:
    """Read FieldsV1."""
    found: set[FieldPath] = set()
    _read(tree or {}, (), found)
    return frozenset(found)


def _read(tree: JsonObject, path: FieldPath, found: set[FieldPath]) -> None:
    for element, below in tree.items():
        if element == ".":
            found.add(path)
            continue
        child = (*path, element)
        if below:
            _read(below, child, found)
        else:
            found.add(child)


def to_fields_v1(paths: FieldSet) -> JsonObject:
    """Write FieldsV1; elements are sorted."""
    tree: JsonObject = {}
    for path in sorted(paths):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        # Replaced below when nothing lies under it.
        node["."] = {}
    return _without_lonely_dots(tree)


def _without_lonely_dots(tree: JsonObject) -> JsonObject:
    if tree.keys() == {"."}:
        return {}
    return {
        element: below if element == "." else _without_lonely_dots(below)
        for element, below in tree.items()
    }


def under(paths: FieldSet, prefixes: Iterable[FieldPath]) -> FieldSet:
    """Those paths that are one of the prefixes or lie below one."""
    prefixes = tuple(prefixes)
    return frozenset(
        path for path in paths if any(path[: len(each)] == each for each in prefixes)
    )


def print_path(path: FieldPath) -> str:
    """``.spec.containers[name="c"].image``: how conflicts name a field."""
    return "".join(_print_element(element) for element in path)


def _print_element(element: str) -> str:
    kind, _, text = element.partition(":")
    if kind == "f":
        return f".{text}"
    if kind == "k":
        keys = json.loads(text)
        return (
            "[" + ",".join(f"{k}={_print_value(keys[k])}" for k in sorted(keys)) + "]"
        )
    if kind == "v":
        return f"[={_print_value(json.loads(text))}]"
    return f"[{text}]"


def _print_value(value: JsonValue) -> str:
    return quote(value) if isinstance(value, str) else _compact(value)
