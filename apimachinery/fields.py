"""Field selectors: ``metadata.name=x,status.phase!=Running``.

Source: kubernetes/apimachinery pkg/fields/selector.go. A backslash escapes ``,``,
``=`` and itself in values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "EVERYTHING",
    "FieldSelector",
    "FieldSelectorError",
    "FieldTerm",
    "escape_value",
    "parse",
]


class FieldSelectorError(ValueError):
    """The selector cannot be read; the text is what a 400 answers."""


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One ``field=value`` or ``field!=value``."""

    field: str
    value: str
    equal: bool = True

    def matches(self, fields: Mapping[str, str]) -> bool:
        return (fields.get(self.field, "") == self.value) is self.equal

    def __str__(self) -> str:
        return f"{self.field}{'=' if self.equal else '!='}{escape_value(self.value)}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All terms must hold; none means everything."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, fields: Mapping[str, str]) -> bool:
        """Whether an object with these field values is selected."""
        return all(term.matches(fields) for term in self.terms)

    @property
    def empty(self) -> bool:
        return not self.terms

    def exact_value(self, field: str) -> str | None:
        """The value that ``field`` must have, or None if it is free."""
        for term in self.terms:
            if term.field == field:
                return term.value if term.equal else None
        return None

    def transform(self, convert: Callable[[str], str]) -> FieldSelector:
        """The same selector with every field name passed through ``convert``."""
        return FieldSelector(
            tuple(FieldTerm(convert(t.field), t.value, t.equal) for t in self.terms)
        )

    def __str__(self) -> str:
        return ",".join(str(term) for term in self.terms)


EVERYTHING: Final = FieldSelector()


def escape_value(value: str) -> str:
    """Write a value so that ``parse`` reads it back."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def parse(text: str) -> FieldSelector:
    """Read a selector.

    Raises:
        FieldSelectorError: with the sentence that the API server answers.
    """
    terms = [_parse_term(part, text) for part in _split(text) if part]
    return FieldSelector(tuple(sorted(terms, key=lambda term: term.field)))


def _split(text: str) -> list[str]:
    """Cut at commas that are not escaped."""
    parts, start, escaped = [], 0, False
    for position, rune in enumerate(text):
        if escaped:
            escaped = False
        elif rune == "\\":
            escaped = True
        elif rune == ",":
            parts.append(text[start:position])
            start = position + 1
    parts.append(text[start:])
    return parts


def _parse_term(part: str, whole: str) -> FieldTerm:
    name, operator, value = _cut(part)
    if not operator:
        raise FieldSelectorError(
            f"invalid selector: '{whole}'; can't understand '{part}'"
        )
    return FieldTerm(name, _unescape(value), operator != "!=")


def _cut(part: str) -> tuple[str, str, str]:
    for position in range(len(part)):
        for operator in ("!=", "==", "="):
            if part.startswith(operator, position):
                return part[:position], operator, part[position + len(operator) :]
    return part, "", ""


def _unescape(value: str) -> str:
    result, escaped = [], False
    for rune in value:
        if escaped:
            if rune not in "\\,=":
                raise FieldSelectorError(
                    f"invalid field selector: invalid escape sequence: \\{rune}"
                )
            result.append(rune)
            escaped = False
        elif rune == "\\":
            escaped = True
        elif rune in ",=":
            # Go prints a rune under %v as its number.
            raise FieldSelectorError(
                f"invalid field selector: unescaped character in value: {ord(rune)}"
            )
        else:
            result.append(rune)
    if escaped:
        raise FieldSelectorError("invalid field selector: invalid escape sequence: \\")
    return "".join(result)
