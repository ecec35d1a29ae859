"""Values as Go templates print them."""

from __future__ import annotations

from typing import Any

from kubectl_cli.printers.custom_columns import go_value

__all__ = ["to_text"]


def to_text(value: Any) -> str:
    """Under %v; nothing is `<no value>`."""
    return "<no value>" if value is None else go_value(value)
