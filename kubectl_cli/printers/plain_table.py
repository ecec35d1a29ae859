"""A table for objects whose server makes none: name and age.

Source: kubernetes/cli-runtime pkg/printers/tablegenerator, printWithoutColumns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_cli.clock import age

if TYPE_CHECKING:
    from apimachinery.types import JsonObject

__all__ = ["plain_table"]

_COLUMNS = [{"name": "Name", "priority": 0}, {"name": "Age", "priority": 0}]


def plain_table(answer: JsonObject) -> JsonObject:
    """The Table of one object or of a list."""
    items = answer.get("items", [answer])
    return {
        "kind": "Table",
        "metadata": answer.get("metadata") or {},
        "columnDefinitions": _COLUMNS,
        "rows": [_row(item) for item in items or ()],
    }


def _row(item: JsonObject) -> JsonObject:
    metadata = item.get("metadata") or {}
    cells = [metadata.get("name") or "", age(metadata.get("creationTimestamp"))]
    return {"cells": cells, "object": item}
