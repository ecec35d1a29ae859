"""Errors about one field of an object, in Kubernetes' words.

Source: kubernetes/apimachinery pkg/util/validation/field/{errors,path}.go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from apimachinery.go_text import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apimachinery.types import JsonObject, JsonValue

__all__ = [
    "ErrorType",
    "FieldError",
    "Path",
    "aggregate",
    "duplicate",
    "forbidden",
    "internal_error",
    "invalid",
    "not_found",
    "not_supported",
    "required",
    "too_few",
    "too_long",
    "too_long_characters",
    "too_many",
    "too_short",
    "type_invalid",
]


class ErrorType(Enum):
    """(reason of the cause, words of the message)."""

    NOT_FOUND = ("FieldValueNotFound", "Not found")
    REQUIRED = ("FieldValueRequired", "Required value")
    DUPLICATE = ("FieldValueDuplicate", "Duplicate value")
    INVALID = ("FieldValueInvalid", "Invalid value")
    NOT_SUPPORTED = ("FieldValueNotSupported", "Unsupported value")
    FORBIDDEN = ("FieldValueForbidden", "Forbidden")
    TOO_LONG = ("FieldValueTooLong", "Too long")
    TOO_MANY = ("FieldValueTooMany", "Too many")
    TOO_FEW = ("FieldValueTooFew", "Too few")
    TOO_SHORT = ("FieldValueTooShort", "Too short")
    INTERNAL = ("InternalError", "Internal error")
    TYPE_INVALID = ("FieldValueTypeInvalid", "Invalid value")


_WITHOUT_VALUE: Final = frozenset(
    {
        ErrorType.REQUIRED,
        ErrorType.FORBIDDEN,
        ErrorType.TOO_LONG,
        ErrorType.TOO_SHORT,
        ErrorType.INTERNAL,
    }
)


@dataclass(frozen=True, slots=True)
class Path:
    """Where a field is: ``spec.containers[0].ports[1].name``, ``labels[foo]``."""

    text: str = ""

    def __str__(self) -> str:
        return self.text or "<nil>"

    def child(self, *names: str) -> Path:
        """The path of a field below this one."""
        parts = [self.text, *names] if self.text else list(names)
        return Path(".".join(parts))

    def index(self, position: int) -> Path:
        """The path of a list element."""
        return Path(f"{self.text}[{position}]")

    def key(self, key: str) -> Path:
        """The path of a map entry."""
        return Path(f"{self.text}[{key}]")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field."""

    type: ErrorType
    field: str
    bad_value: JsonValue = None
    detail: str = ""

    @property
    def body(self) -> str:
        """The message without the field: what a cause carries."""
        words = self.type.value[1]
        if self.type not in _WITHOUT_VALUE:
            words = f"{words}: {_print_value(self.bad_value)}"
        return f"{words}: {self.detail}" if self.detail else words

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"

    def to_cause(self) -> JsonObject:
        """This error as an entry of ``status.details.causes``."""
        return {
            "reason": self.type.value[0],
            "message": self.body,
            "field": self.field,
        }


def _print_value(value: JsonValue) -> str:
    if isinstance(value, str):
        return quote(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def aggregate(errors: Iterable[FieldError]) -> str:
    """All messages as one text: ``e`` for one, ``[e1, e2]`` for several.

    Equal messages are said once (ErrorList.ToAggregate).
    """
    messages = list(dict.fromkeys(str(error) for error in errors))
    return messages[0] if len(messages) == 1 else "[" + ", ".join(messages) + "]"


def required(path: Path, detail: str = "") -> FieldError:
    return FieldError(ErrorType.REQUIRED, str(path), "", detail)


def invalid(path: Path, value: JsonValue, detail: str) -> FieldError:
    return FieldError(ErrorType.INVALID, str(path), value, detail)


def type_invalid(path: Path, value: JsonValue, detail: str) -> FieldError:
    return FieldError(ErrorType.TYPE_INVALID, str(path), value, detail)


def not_supported(
    path: Path, value: JsonValue, supported: Iterable[str] = ()
) -> FieldError:
    """``supported`` is printed in the order given."""
    names = ", ".join(quote(name) for name in supported)
    detail = f"supported values: {names}" if names else ""
    return FieldError(ErrorType.NOT_SUPPORTED, str(path), value, detail)


def duplicate(path: Path, value: JsonValue) -> FieldError:
    return FieldError(ErrorType.DUPLICATE, str(path), value)


def not_found(path: Path, value: JsonValue) -> FieldError:
    return FieldError(ErrorType.NOT_FOUND, str(path), value)


def forbidden(path: Path, detail: str) -> FieldError:
    return FieldError(ErrorType.FORBIDDEN, str(path), "", detail)


def too_long(path: Path, limit: int) -> FieldError:
    """``limit`` in bytes."""
    return FieldError(
        ErrorType.TOO_LONG,
        str(path),
        "",
        _at_most("may not be more than", limit, "byte"),
    )


def too_long_characters(path: Path, limit: int) -> FieldError:
    detail = _at_most("may not be more than", limit, "character")
    return FieldError(ErrorType.TOO_LONG, str(path), "", detail)


def too_many(path: Path, actual: int, limit: int) -> FieldError:
    detail = _at_most("must have at most", limit, "item")
    return FieldError(ErrorType.TOO_MANY, str(path), actual, detail)


def too_few(path: Path, actual: int, limit: int) -> FieldError:
    detail = _at_most("must have at least", limit, "item")
    return FieldError(ErrorType.TOO_FEW, str(path), actual, detail)


def too_short(path: Path, limit: int) -> FieldError:
    detail = _at_most("must be at least", limit, "character")
    return FieldError(ErrorType.TOO_SHORT, str(path), "", detail)


def internal_error(path: Path, detail: str) -> FieldError:
    return FieldError(ErrorType.INTERNAL, str(path), "", detail)


def _at_most(words: str, limit: int, unit: str) -> str:
    return f"{words} {limit} {unit}" if limit == 1 else f"{words} {limit} {unit}s"
