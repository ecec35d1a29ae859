"""Go's durations: `1m30s` to seconds and back, with Go's error texts.

Source: golang/go src/time/format.go (ParseDuration), time.go (Duration.String).
"""

from __future__ import annotations

from apimachinery.go_text import quote

__all__ = ["InvalidDurationError", "format_duration", "parse_duration"]

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,  # U+00B5
    "μs": 1e-6,  # U+03BC
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_MOST = 2**63 / 1e9  # seconds: Go counts nanoseconds in 64 bits


class InvalidDurationError(ValueError):
    """The text is no duration; the message is Go's."""


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `300ms`, `-1.5h` or `2h45m`.

    Raises:
        InvalidDurationError: it is none.
    """
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0.0
    if not rest:
        raise InvalidDurationError(f"time: invalid duration {quote(text)}")
    total = 0.0
    while rest:
        number = _leading(rest, "0123456789.")
        if not number.strip(".") or number.count(".") > 1:
            raise InvalidDurationError(f"time: invalid duration {quote(text)}")
        rest = rest[len(number) :]
        unit = ""
        while rest and rest[0] not in ".0123456789":
            unit, rest = unit + rest[0], rest[1:]
        if not unit:
            raise InvalidDurationError(f"time: missing unit in duration {quote(text)}")
        if unit not in _UNITS:
            raise InvalidDurationError(
                f"time: unknown unit {quote(unit)} in duration {quote(text)}"
            )
        total += float(number) * _UNITS[unit]
        if total > _MOST:
            raise InvalidDurationError(f"time: invalid duration {quote(text)}")
    return -total if text[0] == "-" else total


def _leading(text: str, letters: str) -> str:
    size = 0
    while size < len(text) and text[size] in letters:
        size += 1
    return text[:size]


def format_duration(seconds: float) -> str:
    """As Go prints it: `0s`, `1.5s`, `1m0s`, `2h3m4s`."""
    if seconds == 0:
        return "0s"
    sign = "-" if seconds < 0 else ""
    seconds = abs(seconds)
    if seconds < 1:
        for unit, size in (("ms", 1e-3), ("µs", 1e-6)):
            if seconds >= size:
                return f"{sign}{round(seconds / size, 6):g}{unit}"
        return f"{sign}{round(seconds * 1e9)}ns"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{round(rest, 9):.9f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text
