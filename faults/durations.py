"""Times as people write them."""

from __future__ import annotations

from faults.parameters import RuleError

__all__ = ["read_duration"]

_UNITS = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0))


def read_duration(value: object) -> float:
    """Seconds of `1.5`, `500ms`, `2s`, `3m`, `1h`, or of a number.

    Raises:
        RuleError: not a time.
    """
    text, factor = str(value).strip(), 1.0
    for unit, seconds in _UNITS:
        if text.endswith(unit):
            text, factor = text.removesuffix(unit), seconds
            break
    try:
        result = float(text) * factor
    except ValueError:
        result = -1.0
    if not 0 <= result < float("inf"):
        raise RuleError(f"{value!r} is not a time: 1.5, 500ms, 2s, 3m, 1h")
    return result
