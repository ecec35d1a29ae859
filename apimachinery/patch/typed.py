"""Objects by their schema, for server-side apply: field sets, merge, removal.

Source: kubernetes-sigs/structured-merge-diff typed/{tofieldset,merge,remove}.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.patch.field_set import FieldPath, FieldSet, field, print_path
from apimachinery.patch.nodes import (
    LEAF,
    Node,
    Role,
    TypedError,
    by_element,
    element_of,
    items_of,
    role_of,
    root,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.schema import Message
    from apimachinery.types import JsonObject, JsonValue

__all__ = ["merge", "named", "remove", "to_field_set"]


# -- sets -----------------------------------------------------------------------------


def to_field_set(value: JsonObject, message: Message | None) -> FieldSet:
    """Every path that an applied configuration names.

    Raises:
        TypedError: a list item lacks its key, or is there twice.
    """
    found: set[FieldPath] = set()
    _collect(root(message), value, (), found)
    return frozenset(found)


def _collect(
    node: Node, value: JsonValue, path: FieldPath, found: set[FieldPath]
) -> None:
    match role_of(node, value):
        case Role.LEAF:
            found.add(path)
        case Role.MAP:
            for name, each in (value or {}).items():
                child = (*path, field(name))
                _collect(node.child(name), each, child, found)
                # The key of a map is owned beside what lies below it; apiVersion and
                # kind are not in the table, but they are no map keys either.
                if each is None or each == {} or node.message is None:
                    found.add(child)
        case Role.KEYED | Role.SET:
            inner = node.item() if node.role is Role.KEYED else LEAF
            try:
                items = items_of(node, value)
            except TypedError as err:
                raise TypedError(f"{print_path(path)}: {err}") from None
            for element, each in items.items():
                _collect(inner, each, (*path, element), found)
                found.add((*path, element))


def named(paths: FieldSet, message: Message | None) -> FieldSet:
    """The set with the struct fields above its paths, which sets usually leave out."""
    found = set(paths)
    for path in paths:
        node = root(message)
        for length, element in enumerate(path[:-1], start=1):
            declared = element.startswith("f:") and node.declares(element[2:])
            if declared:
                found.add(path[:length])
            node = node.child(element[2:]) if element.startswith("f:") else node.item()
    return frozenset(found)


# -- merge ----------------------------------------------------------------------------


def merge(live: JsonObject, config: JsonObject, message: Message | None) -> JsonObject:
    """The live object with the configuration laid over it; neither is changed."""
    merged = _merge(root(message), live, config)
    assert isinstance(merged, dict)  # noqa: S101 - two maps merge to a map
    return merged


def _merge(node: Node, live: JsonValue, config: JsonValue) -> JsonValue:
    role = role_of(node, live, config)
    if live is None or config is None or role is Role.LEAF:
        return config
    if role is Role.MAP:
        merged = dict(live)
        for name, value in config.items():
            below = merged.get(name)
            merged[name] = _merge(node.child(name), below, value)
        return merged
    inner = node.item() if node.role is Role.KEYED else LEAF
    return list(_merge_items(inner, by_element(node, live), items_of(node, config)))


def _merge_items(
    inner: Node, live: dict[str, JsonValue], config: dict[str, JsonValue]
) -> Iterator[JsonValue]:
    """The configuration's order; what only the live list has keeps its place."""
    waiting = list(live)
    for element, value in config.items():
        while waiting and waiting[0] not in config:
            yield live[waiting.pop(0)]
        if element in live:
            yield _merge(inner, live[element], value)
            if element in waiting:
                waiting.remove(element)
        else:
            yield value
    for element in waiting:
        if element not in config:
            yield live[element]


# -- removal --------------------------------------------------------------------------


def remove(value: JsonObject, paths: FieldSet, message: Message | None) -> JsonObject:
    """The object without these paths and all that lies below them."""
    tree: JsonObject = {}
    for path in paths:
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = True
    pruned = _remove(root(message), value, tree)
    return pruned if isinstance(pruned, dict) else {}


def _remove(node: Node, value: JsonValue, tree: JsonObject) -> JsonValue:
    role = role_of(node, value)
    if not tree or value is None or role is Role.LEAF:
        return value
    if role is Role.MAP:
        return {
            name: _remove(node.child(name), each, tree.get(field(name), {}))
            for name, each in value.items()
            if "." not in tree.get(field(name), {})
        }
    inner = node.item() if node.role is Role.KEYED else LEAF
    kept = []
    for position, each in enumerate(value):
        below = tree.get(element_of(node, position, each), {})
        if "." not in below:
            kept.append(_remove(inner, each, below))
    return kept
