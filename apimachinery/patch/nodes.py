"""Places in an object, as server-side apply sees them.

Each is one of four things: a leaf that is owned as a whole, a struct or map whose
fields are owned one by one, a list whose items are known by keys, or a set of scalars.
Without a schema maps are granular and lists are leaves.
Source: kubernetes-sigs/structured-merge-diff schema/elements.go, typed/helpers.go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from apimachinery.patch.field_set import key_item, value_item
from apimachinery.schema import Field, Kind, Message, Shape

if TYPE_CHECKING:
    from apimachinery.types import JsonValue

__all__ = [
    "LEAF",
    "UNTYPED",
    "Node",
    "Role",
    "TypedError",
    "by_element",
    "element_of",
    "items_of",
    "role_of",
    "root",
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
            return node_of(found) if found is not None else UNTYPED
        if self.field is not None:
            return item_of(self.field)
        return UNTYPED

    def item(self) -> Node:
        """The place of a keyed list's item."""
        return item_of(self.field) if self.field is not None else UNTYPED

    def declares(self, name: str) -> bool:
        """Whether ``name`` is a field of a struct rather than the key of a map."""
        return self.message is not None and name in self.message.fields


LEAF: Final = Node(Role.LEAF)
UNTYPED: Final = Node(Role.MAP)  # decided by the value


def root(message: Message | None) -> Node:
    """The place of a whole object."""
    return Node(Role.MAP, message)


def node_of(found: Field) -> Node:
    """The place of a whole field."""
    if found.shape is Shape.LIST:
        if found.list_type == "map":
            return Node(Role.KEYED, field=found)
        return Node(Role.SET if found.list_type == "set" else Role.LEAF, field=found)
    if found.shape is Shape.MAP:
        return LEAF if found.atomic else Node(Role.MAP, field=found)
    return item_of(found)


def item_of(found: Field) -> Node:
    """The place of one value of a field."""
    if found.kind in (Kind.RAW, Kind.UNKNOWN):
        return UNTYPED
    if found.kind is not Kind.MESSAGE:
        return LEAF
    single = found.shape is Shape.SINGLE
    if single and found.atomic:
        return LEAF
    return Node(Role.MAP, found.message)


def role_of(node: Node, *values: JsonValue) -> Role:
    """The role, given the values: the wrong JSON type is a leaf."""
    present = [value for value in values if value is not None]
    wanted = dict if node.role is Role.MAP else list
    if node.role is Role.LEAF or not all(isinstance(v, wanted) for v in present):
        return Role.LEAF
    return node.role


def items_of(node: Node, values: JsonValue) -> dict[str, JsonValue]:
    """A list's items by path element, in order.

    Raises:
        TypedError: an item lacks a key, or two are the same.
    """
    found: dict[str, JsonValue] = {}
    for position, value in enumerate(values or ()):
        element = element_of(node, position, value)
        if element in found:
            raise TypedError(_duplicate_text(node, element))
        found[element] = value
    return found


def element_of(node: Node, position: int, value: JsonValue) -> str:
    """The path element of a list's item.

    Raises:
        TypedError: the item lacks a key.
    """
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


def by_element(node: Node, values: JsonValue) -> dict[str, JsonValue]:
    """As ``_items``, but a stored object with duplicates is taken as it is."""
    found: dict[str, JsonValue] = {}
    for position, value in enumerate(values or ()):
        found.setdefault(element_of(node, position, value), value)
    return found
