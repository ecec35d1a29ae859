"""Small checks that most validations share, as generators of field errors.

Source: kubernetes/apimachinery pkg/api/validation/generic.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from apimachinery.field_errors import (
    FieldError,
    Path,
    invalid,
    not_supported,
    required,
)

if TYPE_CHECKING:
    from apimachinery.types import JsonValue

__all__ = [
    "checked",
    "non_negative",
    "one_of",
    "required_name",
]

Rule = Callable[[str], list[str]]


def checked(path: Path, value: str, rule: Rule) -> Iterator[FieldError]:
    """One error for each complaint of the rule."""
    for complaint in rule(value):
        yield invalid(path, value, complaint)


def required_name(path: Path, value: JsonValue, rule: Rule) -> Iterator[FieldError]:
    """Required when empty, else the rule."""
    if not value:
        yield required(path)
    else:
        yield from checked(path, str(value), rule)


def one_of(
    path: Path, value: JsonValue, supported: Iterable[str], *, optional: bool = False
) -> Iterator[FieldError]:
    """A closed set; printed in the order given."""
    supported = tuple(supported)
    if not value:
        if not optional:
            yield required(path)
    elif value not in supported:
        yield not_supported(path, value, supported)


def non_negative(path: Path, value: JsonValue) -> Iterator[FieldError]:
    if isinstance(value, int) and value < 0:
        yield invalid(path, value, "must be greater than or equal to 0")
