"""The JSON object that a request to `mini-kube serve` brings, checked by its route."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BodyError", "read_body"]

#: What JSON schema calls a type, the types of Python, and how people are told.
_TYPES: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "string": ((str,), "a text"),
    "number": ((int, float), "a number"),
    "integer": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "object": ((dict,), "an object"),
    "array": ((list,), "a list"),
}


class BodyError(ValueError):
    """The body is not what the request takes; the text says why."""


def read_body(text: bytes, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The object; no body at all and null are an empty one, a null in it is left out.

    Args:
        fields: JSON schemas by name, as `server_api.Route.body` has them.

    Raises:
        BodyError: not JSON, no object, an unknown field, or one of another type.
    """
    try:
        body = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError) as err:
        raise BodyError(f"not JSON: {err}") from None
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise BodyError("a JSON object is expected")
    if unknown := sorted(set(body) - set(fields)):
        raise BodyError(f"unknown: {', '.join(unknown)}")
    for name, value in body.items():
        if value is not None:
            _check(name, value, fields[name])
    return {name: value for name, value in body.items() if value is not None}


def _check(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    kinds = schema["type"]
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(_is(value, kind) for kind in kinds):
        wanted = " or ".join(_TYPES[kind][1] for kind in kinds)
        raise BodyError(f"{name}: {wanted} is expected")
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check(f"{name}[{number}]", item, schema["items"])


def _is(value: Any, kind: str) -> bool:
    # To Python true is a number; to JSON it is not.
    is_flag = isinstance(value, bool)
    return isinstance(value, _TYPES[kind][0]) and (not is_flag or kind == "boolean")
