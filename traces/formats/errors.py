"""What a format cannot do."""

from __future__ import annotations

__all__ = ["RenderError"]


class RenderError(Exception):
    """These sessions cannot be shown in this format; the text says why."""
