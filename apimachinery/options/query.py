"""The query of a request, with the API server's rules for booleans and numbers.

Source: kubernetes/apimachinery pkg/runtime/conversion.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from apimachinery.go_text import quote
from apimachinery.status import bad_request

__all__ = ["Query", "parse_bool", "parse_int"]


class Query:
    """The query of a request: names with all their values, in order."""

    def __init__(
        self, pairs: Iterable[tuple[str, str]] | Mapping[str, str] = ()
    ) -> None:
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        self._values: dict[str, list[str]] = {}
        for name, value in items:
            self._values.setdefault(name, []).append(value)

    def get(self, name: str, default: str = "") -> str:
        """The first value."""
        values = self._values.get(name)
        return values[0] if values else default

    def has(self, name: str) -> bool:
        return name in self._values

    def all(self, name: str) -> list[str]:
        """All values, for parameters that may be repeated."""
        return list(self._values.get(name, ()))

    def boolean(self, name: str) -> bool:
        return parse_bool(self._values.get(name))

    def optional_boolean(self, name: str) -> bool | None:
        return self.boolean(name) if name in self._values else None

    def integer(self, name: str) -> int | None:
        """A 64-bit number; None when absent.

        Raises:
            StatusError: 400, it is not a number; an empty text is none.
        """
        return parse_int(self.get(name)) if self.has(name) else None


def parse_bool(values: Sequence[str] | None) -> bool:
    """Absent, ``0`` and any case of ``false`` are false; all else, even "", is true.

    Source: Convert_Slice_string_To_bool.
    """
    if not values:
        return False
    return values[0] != "0" and values[0].lower() != "false"


def parse_int(text: str) -> int:
    """A 64-bit number, as strconv.ParseInt reads it.

    Raises:
        StatusError: 400.
    """
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise bad_request(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    digits = text.lstrip("+-0") or "0"
    # int() takes 4300 digits at most; 2**63 has 19
    number = int(digits[:20]) * (-1 if text[0] == "-" else 1)
    if not -(2**63) <= number < 2**63:
        raise bad_request(
            f"strconv.ParseInt: parsing {quote(text)}: value out of range"
        )
    return number
