"""Names for JSON as the API carries it: the only place where ``Any`` begins."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["JsonObject", "JsonValue"]

JsonValue: TypeAlias = Any  # str | int | float | bool | None | list | dict
JsonObject: TypeAlias = dict[str, Any]
