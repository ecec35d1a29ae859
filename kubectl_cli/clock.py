"""The time that ages are counted from; tests put another clock here."""

from __future__ import annotations

import time

__all__ = ["age", "now"]


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def age(timestamp: str | None) -> str:
    """How long ago an RFC 3339 time was: `5m`; `<unknown>` for none."""
    if not timestamp:
        return "<unknown>"
    from apimachinery.duration import human_duration

    return human_duration(now() - to_seconds(timestamp))


def to_seconds(timestamp: str) -> float:
    """Seconds since the epoch of an RFC 3339 time."""
    from datetime import datetime

    return datetime.fromisoformat(timestamp).timestamp()
