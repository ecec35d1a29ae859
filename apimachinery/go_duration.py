"""Go's duration texts: `300ms`, `1.5h`, `2m30s`.

Source: Go time.ParseDuration.
"""

from __future__ import annotations

import re

from apimachinery.go_text import quote

__all__ = ["InvalidDurationError", "format_duration", "parse_duration"]

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


class InvalidDurationError(ValueError):
    """The text is no duration; the message is Go's."""


def parse_duration(text: str) -> float:
    """Seconds of a Go duration."""
    sign, rest = (-1.0, text[1:]) if text[:1] == "-" else (1.0, text.removeprefix("+"))
    if rest == "0":
        return 0.0
    total, position = 0.0, 0
    while match := _PART.match(rest, position):
        total += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not rest or position != len(rest):
        raise InvalidDurationError(f"time: invalid duration {quote(text)}")
    return sign * total


def format_duration(seconds: float) -> str:
    """Whole seconds as Go prints them: `10s`, `1m30s`, `4h0m0s`.

    Source: Go time.Duration.String.
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
