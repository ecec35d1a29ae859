"""Objects by their schema, for server-side apply: sets, comparison, merge, removal.

Each place in an object is one of four things (``Node``): a leaf that is owned as a
whole, a struct or map whose fields are owned one by one, a list whose items are known
by keys, or a set of scalars. Without a schema maps are granular and lists are leaves.
Source: kubernetes-sigs/structured-merge-diff typed/{tofieldset,compare,merge,remove}.go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from apimachinery.patch.field_set import (
    EMPTY,
    FieldPath,
    FieldSet,
    field,
    key_item,
    print_path,
    value_item,
)
from apimachinery.patch.json import equal
from apimachinery.schema import Field, Kind, Message, Shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apimachinery.types import JsonObject, JsonValue

__all__ = [
    "Comparison",
    "Node",
    "TypedError",
    "compare",
    "merge",
    "named",
    "remove",
    "root",
    "to_field_set",
    "with_zero_structs",
]


class TypedError(ValueError):
    """The object does not fit its schema in a way that apply needs."""


class Role(Enum):
    """What one place in an object is to apply."""

    LEAF = 0
    MAP = 1  # a struct, or a granular map
    KEYED = 2
    SET = 3


@dataclass(frozen=True, slots=True)
class Node:
    """One place: its role and what is known of what lies below."""

    role: Role
    message: Message | None = None  # of a struct, or of a keyed list's items
    field: Field | None = None  # of a list or map, for its items

    def child(self, name: str) -> Node:
        """The place of a struct's field or a map's value."""
        if self.message is not None:
            found = self.message.fields.get(name)
            return _node_of(found) if found is not None else _UNTYPED
        if self.field is not None:
            return _item_of(self.field)
        return _UNTYPED

    def item(self) -> Node:
        """The place of a keyed list's item."""
        return _item_of(self.field) if self.field is not None else _UNTYPED

    def declares(self, name: str) -> bool:
        """Whether ``name`` is a field of a struct rather than the key of a map."""
        return self.message is not None and name in self.message.fields


_LEAF: Final = Node(Role.LEAF)
_UNTYPED: Final = Node(Role.MAP)  # decided by the value


def root(message: Message | None) -> Node:
    """The place of a whole object."""
    return Node(Role.MAP, message)


def _node_of(found: Field) -> Node:
    if found.shape is Shape.LIST:
        if found.list_type == "map":
            return Node(Role.KEYED, field=found)
        return Node(Role.SET if found.list_type == "set" else Role.LEAF, field=found)
    if found.shape is Shape.MAP:
        return _LEAF if found.atomic else Node(Role.MAP, field=found)
    return _item_of(found)


def _item_of(found: Field) -> Node:
    if found.kind in (Kind.RAW, Kind.UNKNOWN):
        return _UNTYPED
    if found.kind is not Kind.MESSAGE:
        return _LEAF
    single = found.shape is Shape.SINGLE
    if single and found.atomic:
        return _LEAF
    return Node(Role.MAP, found.message)


def _role(node: Node, *values: JsonValue) -> Role:
    """The role, given the values: the wrong JSON type is a leaf."""
    present = [value for value in values if value is not None]
    wanted = dict if node.role is Role.MAP else list
    if node.role is Role.LEAF or not all(isinstance(v, wanted) for v in present):
        return Role.LEAF
    return node.role


# -- items of lists -------------------------------------------------------------------


def _items(node: Node, values: JsonValue) -> dict[str, JsonValue]:
    """A list's items by path element, in order.

    Raises:
        TypedError: an item lacks a key, or two are the same.
    """
    found: dict[str, JsonValue] = {}
    for position, value in enumerate(values or ()):
        element = _element(node, position, value)
        if element in found:
            raise TypedError(_duplicate_text(node, element))
        found[element] = value
    return found


def _element(node: Node, position: int, value: JsonValue) -> str:
    if node.role is Role.SET or node.field is None:
        return value_item(value)
    if not isinstance(value, dict):
        raise TypedError(f"element {position}: associative list item is not an object")
    keys = {}
    for name in node.field.list_map_keys:
        key = value.get(name)
        if key is None:
            key = _default_key(node.field, name)
        if key is None:
            raise TypedError(
                f"element {position}: associative list with keys has an element that"
                f" omits key field {json.dumps(name)} (and doesn't have default value)"
            )
        keys[name] = key
    return key_item(keys)


def _default_key(found: Field, name: str) -> JsonValue:
    key = found.message.fields.get(name) if found.message is not None else None
    if key is None or not key.default:
        return None
    try:
        return json.loads(key.default)
    except ValueError:
        return key.default


def _duplicate_text(node: Node, element: str) -> str:
    if node.role is Role.SET:
        return f"duplicate entries for key [{element[2:]}]"
    keys = json.loads(element[2:])
    shown = ",".join(f"{name}={json.dumps(keys[name])}" for name in keys)
    return f"duplicate entries for key [{shown}]"


def _by_element(node: Node, values: JsonValue) -> dict[str, JsonValue]:
    """As ``_items``, but a stored object with duplicates is taken as it is."""
    found: dict[str, JsonValue] = {}
    for position, value in enumerate(values or ()):
        found.setdefault(_element(node, position, value), value)
    return found


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
    match _role(node, value):
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
            inner = node.item() if node.role is Role.KEYED else _LEAF
            try:
                items = _items(node, value)
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


# -- comparison -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two states."""

    added: FieldSet = EMPTY
    modified: FieldSet = EMPTY
    removed: FieldSet = EMPTY

    @property
    def changed(self) -> FieldSet:
        return self.added | self.modified


def compare(old: JsonObject, new: JsonObject, message: Message | None) -> Comparison:
    """The paths that were added, modified and removed."""
    walk = _Compare(set(), set(), set())
    walk.visit(root(message), old, new, ())
    return Comparison(
        frozenset(walk.added), frozenset(walk.modified), frozenset(walk.removed)
    )


@dataclass(frozen=True, slots=True)
class _Compare:
    added: set[FieldPath]
    modified: set[FieldPath]
    removed: set[FieldPath]

    def visit(
        self, node: Node, old: JsonValue, new: JsonValue, path: FieldPath
    ) -> None:
        """Compare two values; the marker ``_ABSENT`` stands for no value."""
        if old is new:
            return
        left = None if old is _ABSENT else old
        right = None if new is _ABSENT else new
        role = _role(node, left, right)
        # Two empty ones are compared as leaves: null and {} differ.
        if role is Role.LEAF or not (left or right):
            self.leaf(old, new, path)
            return
        if role is Role.MAP:
            self.maps(node, left or {}, right or {}, path)
        else:
            self.lists(node, left, right, path)
        if old is _ABSENT:
            self.added.add(path)
        elif new is _ABSENT:
            self.removed.add(path)

    def leaf(self, old: JsonValue, new: JsonValue, path: FieldPath) -> None:
        if old is _ABSENT:
            self.added.add(path)
        elif new is _ABSENT:
            self.removed.add(path)
        elif not equal(old, new):
            self.modified.add(path)

    def maps(
        self, node: Node, old: JsonObject, new: JsonObject, path: FieldPath
    ) -> None:
        for name in old.keys() | new.keys():
            before, after = old.get(name, _ABSENT), new.get(name, _ABSENT)
            self.visit(node.child(name), before, after, (*path, field(name)))

    def lists(
        self, node: Node, old: JsonValue, new: JsonValue, path: FieldPath
    ) -> None:
        try:
            before, after = _by_element(node, old), _by_element(node, new)
        except TypedError:
            # An item without its key: the list can only be seen as a whole.
            self.leaf(old, new, path)
            return
        inner = node.item() if node.role is Role.KEYED else _LEAF
        for element in before.keys() | after.keys():
            left, right = before.get(element, _ABSENT), after.get(element, _ABSENT)
            self.visit(inner, left, right, (*path, element))


_ABSENT: Final = object()


# -- merge ----------------------------------------------------------------------------


def merge(live: JsonObject, config: JsonObject, message: Message | None) -> JsonObject:
    """The live object with the configuration laid over it; neither is changed."""
    merged = _merge(root(message), live, config)
    assert isinstance(merged, dict)  # noqa: S101 - two maps merge to a map
    return merged


def _merge(node: Node, live: JsonValue, config: JsonValue) -> JsonValue:
    role = _role(node, live, config)
    if live is None or config is None or role is Role.LEAF:
        return config
    if role is Role.MAP:
        merged = dict(live)
        for name, value in config.items():
            below = merged.get(name)
            merged[name] = _merge(node.child(name), below, value)
        return merged
    inner = node.item() if node.role is Role.KEYED else _LEAF
    return list(_merge_items(inner, _by_element(node, live), _items(node, config)))


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
    role = _role(node, value)
    if not tree or value is None or role is Role.LEAF:
        return value
    if role is Role.MAP:
        return {
            name: _remove(node.child(name), each, tree.get(field(name), {}))
            for name, each in value.items()
            if "." not in tree.get(field(name), {})
        }
    inner = node.item() if node.role is Role.KEYED else _LEAF
    kept = []
    for position, each in enumerate(value):
        below = tree.get(_element(node, position, each), {})
        if "." not in below:
            kept.append(_remove(inner, each, below))
    return kept


# -- what Go structs add --------------------------------------------------------------


def with_zero_structs(obj: JsonObject, message: Message | None) -> JsonObject:
    """The object as a typed server writes it: structs that are not pointers are there.

    Without this a first label would not be told from a first ``metadata``.
    """
    if message is None:
        return obj
    full = dict(obj)
    for name, found in message.fields.items():
        value = obj.get(name)
        if found.shape is not Shape.SINGLE:
            if value is None and not found.omit_empty:
                full[name] = None
            elif found.kind is Kind.MESSAGE and isinstance(value, list):
                full[name] = [_full_item(each, found.message) for each in value]
        elif found.kind is Kind.MESSAGE and not (value is None and found.pointer):
            below = value if isinstance(value, dict) else {}
            full[name] = with_zero_structs(below, found.message)
    return full


def _full_item(value: JsonValue, message: Message | None) -> JsonValue:
    return with_zero_structs(value, message) if isinstance(value, dict) else value
