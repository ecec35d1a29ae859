"""-l on objects that are here already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["matches_labels"]


def matches_labels(obj: JsonObject, selector: str) -> bool:
    """Whether the object's labels fit; no selector fits all."""
    if not selector:
        return True
    from apimachinery.labels import SelectorSyntaxError, parse
    from kubectl_cli.errors import CommandError

    try:
        parsed = parse(selector)
    except SelectorSyntaxError as error:
        raise CommandError(str(error)) from None
    return parsed.matches((obj.get("metadata") or {}).get("labels") or {})
