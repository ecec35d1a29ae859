"""HumanDuration: the ages that tables show.

Source: kubernetes/apimachinery pkg/util/duration/duration.go.
"""

from __future__ import annotations

__all__ = ["human_duration", "short_human_duration"]

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY


def human_duration(seconds: float) -> str:
    """An age with at most two units, coarser as it grows: ``5m12s``, ``3h``, ``2y40d``.

    A clock that is up to a second behind counts as ``0s``; more is ``<invalid>``.
    """
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    whole = max(whole, 0)
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 10 * _MINUTE:
        return _two(whole, _MINUTE, "m", 1, "s")
    if whole < 3 * _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 8 * _HOUR:
        return _two(whole, _HOUR, "h", _MINUTE, "m")
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h"
    if whole < 8 * _DAY:
        return _two(whole, _DAY, "d", _HOUR, "h")
    if whole < 2 * _YEAR:
        return f"{whole // _DAY}d"
    if whole < 8 * _YEAR:
        return _two(whole, _YEAR, "y", _DAY, "d")
    return f"{whole // _YEAR}y"


def _two(whole: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    rest = whole % big // small
    head = f"{whole // big}{big_unit}"
    return f"{head}{rest}{small_unit}" if rest else head


def short_human_duration(seconds: float) -> str:
    """An age in one unit: ``59s``, ``3m``, ``5h``, ``20d``, ``2y``."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    whole = max(whole, 0)
    for limit, unit, name in (
        (_MINUTE, 1, "s"),
        (_HOUR, _MINUTE, "m"),
        (_DAY, _HOUR, "h"),
        (_YEAR, _DAY, "d"),
    ):
        if whole < limit:
            return f"{whole // unit}{name}"
    return f"{whole // _YEAR}y"
