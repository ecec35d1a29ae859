"""What a tap cannot do, in words for who started it."""

from __future__ import annotations

__all__ = ["TapError"]


class TapError(Exception):
    """The tap cannot start."""
