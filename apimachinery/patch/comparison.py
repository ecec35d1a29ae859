"""What differs between two states of an object: paths added, modified, removed.

Source: kubernetes-sigs/structured-merge-diff typed/compare.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from apimachinery.patch.field_set import EMPTY, FieldPath, FieldSet, field
from apimachinery.patch.json import equal
from apimachinery.patch.nodes import (
    LEAF,
    Node,
    Role,
    TypedError,
    by_element,
    role_of,
    root,
)
from apimachinery.schema import Kind, Message, Shape

if TYPE_CHECKING:
    from apimachinery.types import JsonObject, JsonValue

__all__ = ["Comparison", "compare", "with_zero_structs"]


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
        role = role_of(node, left, right)
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
            before, after = by_element(node, old), by_element(node, new)
        except TypedError:
            # An item without its key: the list can only be seen as a whole.
            self.leaf(old, new, path)
            return
        inner = node.item() if node.role is Role.KEYED else LEAF
        for element in before.keys() | after.keys():
            left, right = before.get(element, _ABSENT), after.get(element, _ABSENT)
            self.visit(inner, left, right, (*path, element))


_ABSENT: Final = object()


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
