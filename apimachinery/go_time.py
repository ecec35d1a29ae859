"""What Go's time.Parse says of a text that is no RFC 3339 time.

Source: golang/go src/time/format.go (Parse, ParseError.Error).
"""

from __future__ import annotations

import re
from typing import Final

from apimachinery.go_text import quote

__all__ = ["rfc3339_problem"]

_LAYOUT: Final = "2006-01-02T15:04:05Z07:00"
#: Parts of the layout, and what they stand for. A fraction may follow the seconds.
_PARTS: Final = (
    ("2006", r"\d{4}"),
    ("-", "-"),
    ("01", r"\d{2}"),
    ("-", "-"),
    ("02", r"\d{2}"),
    ("T", "T"),
    ("15", r"\d{2}"),
    (":", ":"),
    ("04", r"\d{2}"),
    (":", ":"),
    ("05", r"\d{2}(?:[.,]\d+)?"),
    ("Z07:00", r"Z|[+-]\d{2}:\d{2}"),
)
_RANGES: Final = {
    "01": (1, 12, "month"),
    "02": (1, 31, "day"),
    "15": (0, 23, "hour"),
    "04": (0, 59, "minute"),
    "05": (0, 59, "second"),
}


def rfc3339_problem(text: str) -> str:
    """Go's sentence about `text`; empty when it is such a time."""
    head = f"parsing time {quote(text)}"
    rest = text
    for part, pattern in _PARTS:
        match = re.match(pattern, rest)
        if match is None:
            return f"{head} as {quote(_LAYOUT)}: cannot parse {quote(rest)} as {quote(part)}"
        if part in _RANGES:
            least, most, name = _RANGES[part]
            if not least <= int(match[0][:2]) <= most:
                return f"{head}: {name} out of range"
        rest = rest[match.end() :]
    return f"{head}: extra text: {quote(rest)}" if rest else ""
