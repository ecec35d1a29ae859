"""JSON patch: a list of operations, all or none.

Source: RFC 6902 and RFC 6901 (pointers). Kubernetes allows 10,000 operations and
bounds what ``copy`` may add.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject, JsonValue

__all__ = ["JsonPatchError", "apply", "equal", "parse_pointer"]

MAX_COPIED: Final = 3 * 1024 * 1024  # bytes of JSON that all copies may add


class JsonPatchError(ValueError):
    """An operation cannot be carried out; the document is as it was."""


def apply(document: JsonValue, operations: list[JsonValue]) -> JsonValue:
    """The document after all operations; the given one is not changed.

    Raises:
        JsonPatchError: an operation is malformed, or does not fit, or a test fails.
    """
    root: JsonValue = copy.deepcopy(document)
    budget = MAX_COPIED
    for operation in operations:
        if not isinstance(operation, dict):
            raise JsonPatchError(f"operation is not an object: {operation!r}")
        perform = _OPERATIONS.get(str(operation.get("op")))
        if perform is None:
            raise JsonPatchError(f"Unexpected kind: {operation.get('op')}")
        if operation.get("op") == "copy":
            budget -= _size(_get(root, _pointer(operation, "from")))
            if budget < 0:
                raise JsonPatchError("accumulated copy size is too large")
        root = perform(root, operation)
    return root


def _size(value: JsonValue) -> int:
    return len(json.dumps(value, separators=(",", ":")))


def parse_pointer(text: str) -> list[str]:
    """The parts of an RFC 6901 pointer.

    Raises:
        JsonPatchError: it does not begin with a slash, or has a bad escape.
    """
    if not text:
        return []
    if not text.startswith("/"):
        raise JsonPatchError(f"path must start with '/': {text!r}")
    parts = text[1:].split("/")
    if any("~" in part.replace("~0", "").replace("~1", "") for part in parts):
        raise JsonPatchError(f"bad escape in path: {text!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def _pointer(operation: JsonObject, name: str) -> list[str]:
    text = operation.get(name)
    if not isinstance(text, str):
        raise JsonPatchError(f"operation has no {name!r}")
    return parse_pointer(text)


def _value(operation: JsonObject) -> JsonValue:
    if "value" not in operation:
        raise JsonPatchError("operation has no 'value'")
    return copy.deepcopy(operation["value"])


def _index(part: str, length: int) -> int:
    # RFC 6901: digits without leading zeros.
    if not part.isascii() or not part.isdigit() or (part[0] == "0" and part != "0"):
        raise JsonPatchError(f"not an array index: {part!r}")
    index = int(part)
    if index >= length:
        raise JsonPatchError(f"index out of bounds: {part}")
    return index


def _step(value: JsonValue, part: str) -> JsonValue:
    if isinstance(value, dict):
        if part not in value:
            raise JsonPatchError(f"missing path: {part!r}")
        return value[part]
    if isinstance(value, list):
        return value[_index(part, len(value))]
    raise JsonPatchError(f"{part!r} is below a value that holds nothing")


def _get(root: JsonValue, parts: list[str]) -> JsonValue:
    value = root
    for part in parts:
        value = _step(value, part)
    return value


def _add(root: JsonValue, parts: list[str], value: JsonValue) -> JsonValue:
    if not parts:
        return value
    holder, last = _get(root, parts[:-1]), parts[-1]
    if isinstance(holder, dict):
        holder[last] = value
    elif isinstance(holder, list):
        at = len(holder) if last == "-" else _index(last, len(holder) + 1)
        holder.insert(at, value)
    else:
        raise JsonPatchError(f"{last!r} is below a value that holds nothing")
    return root


def _remove(root: JsonValue, parts: list[str]) -> JsonValue:
    if not parts:
        return None
    holder, last = _get(root, parts[:-1]), parts[-1]
    _step(holder, last)
    del holder[last if isinstance(holder, dict) else int(last)]
    return root


def _replace(root: JsonValue, parts: list[str], value: JsonValue) -> JsonValue:
    if not parts:
        return value
    holder, last = _get(root, parts[:-1]), parts[-1]
    _step(holder, last)
    holder[last if isinstance(holder, dict) else int(last)] = value
    return root


def _perform_add(root: JsonValue, operation: JsonObject) -> JsonValue:
    return _add(root, _pointer(operation, "path"), _value(operation))


def _perform_remove(root: JsonValue, operation: JsonObject) -> JsonValue:
    return _remove(root, _pointer(operation, "path"))


def _perform_replace(root: JsonValue, operation: JsonObject) -> JsonValue:
    return _replace(root, _pointer(operation, "path"), _value(operation))


def _perform_move(root: JsonValue, operation: JsonObject) -> JsonValue:
    source, target = _pointer(operation, "from"), _pointer(operation, "path")
    # RFC 6902 4.4: "The 'from' location MUST NOT be a proper prefix of the 'path'".
    if len(source) < len(target) and target[: len(source)] == source:
        raise JsonPatchError("cannot move a value into itself")
    value = _get(root, source)
    if source == target:
        return root
    return _add(_remove(root, source), target, value)


def _perform_copy(root: JsonValue, operation: JsonObject) -> JsonValue:
    value = copy.deepcopy(_get(root, _pointer(operation, "from")))
    return _add(root, _pointer(operation, "path"), value)


def _perform_test(root: JsonValue, operation: JsonObject) -> JsonValue:
    path = _pointer(operation, "path")
    if not equal(_get(root, path), _value(operation)):
        raise JsonPatchError(f"testing value /{'/'.join(path)} failed: test failed")
    return root


_OPERATIONS: Final[dict[str, Callable[[JsonValue, JsonObject], JsonValue]]] = {
    "add": _perform_add,
    "remove": _perform_remove,
    "replace": _perform_replace,
    "move": _perform_move,
    "copy": _perform_copy,
    "test": _perform_test,
}


def equal(left: JsonValue, right: JsonValue) -> bool:
    """Equality of JSON values: unlike Python's, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            equal(value, right[name]) for name, value in left.items()
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)
