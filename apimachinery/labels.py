"""Label selectors: the grammar of ``-l``, matching, and the errors of a bad one.

Source: kubernetes/apimachinery pkg/labels/selector.go. The text is cut into tokens,
requirements are read from the tokens, and the result is sorted by key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn

from apimachinery.field_errors import FieldError, Path, aggregate, invalid
from apimachinery.label_tokens import TokenKind, tokens
from apimachinery.validation.names import label_value, qualified_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from apimachinery.label_tokens import Token
    from apimachinery.types import JsonObject

__all__ = [
    "EVERYTHING",
    "LabelSelector",
    "Operator",
    "Requirement",
    "SelectorSyntaxError",
    "parse",
    "selector_from_map",
    "selector_from_object",
]


class SelectorSyntaxError(ValueError):
    """The selector cannot be read; the text is what a 400 answers."""


class Operator(StrEnum):
    """The relations of a requirement, as they are written."""

    IN = "in"
    NOT_IN = "notin"
    EQUALS = "="
    DOUBLE_EQUALS = "=="
    NOT_EQUALS = "!="
    GREATER_THAN = "gt"
    LESS_THAN = "lt"
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"


_BINARY: Final = ", ".join(
    (
        Operator.IN,
        Operator.NOT_IN,
        Operator.EQUALS,
        Operator.DOUBLE_EQUALS,
        Operator.NOT_EQUALS,
        Operator.GREATER_THAN,
        Operator.LESS_THAN,
    )
)
_SIGNS: Final = {Operator.GREATER_THAN: ">", Operator.LESS_THAN: "<"}
_EXACT: Final = frozenset({Operator.EQUALS, Operator.DOUBLE_EQUALS})
_SETS: Final = frozenset({Operator.IN, Operator.NOT_IN})


@dataclass(frozen=True, slots=True)
class Requirement:
    """One comma-separated part of a selector; values are sorted and distinct."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels satisfy the requirement."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.EQUALS | Operator.DOUBLE_EQUALS | Operator.IN:
                return value in self.values
            case Operator.NOT_EQUALS | Operator.NOT_IN:
                return value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        left, right = _integer(value), _integer(self.values[0])
        if left is None or right is None:
            return False
        return left > right if self.operator is Operator.GREATER_THAN else left < right

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.key} {self.operator} ({','.join(self.values)})"
            case _:
                sign = _SIGNS.get(self.operator, self.operator.value)
                return f"{self.key}{sign}{','.join(self.values)}"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; none means everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Whether an object with these labels is selected."""
        labels = labels or {}
        return all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def empty(self) -> bool:
        return not self.requirements

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


EVERYTHING: Final = LabelSelector()


def _integer(text: str | None) -> int | None:
    # strconv.ParseInt(text, 10, 64): no blanks, no underscores, 64 bits.
    if text is None or not re.fullmatch(r"[+-]?[0-9]+", text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


# -- grammar --------------------------------------------------------------------------


def parse(text: str) -> LabelSelector:
    """Read a selector.

    Raises:
        SelectorSyntaxError: with the sentence that the API server answers.
    """
    if not text:
        return EVERYTHING
    requirements = _Parser(list(tokens(text))).selector()
    return LabelSelector(tuple(sorted(requirements, key=lambda each: each.key)))


def _fail(found: str, expected: str) -> NoReturn:
    raise SelectorSyntaxError(f"found '{found}', expected: {expected}")


@dataclass(slots=True)
class _Parser:
    tokens: list[Token]
    position: int = field(default=0)

    def peek(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def selector(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while True:
            token = self.peek()
            if token.kind is TokenKind.END:
                return requirements
            if not token.opens_requirement:
                _fail(token.text, "!, identifier, or 'end of string'")
            requirements.append(self.requirement_in_words())
            token = self.take()
            if token.kind is TokenKind.END:
                return requirements
            if not token.is_symbol(","):
                _fail(token.text, "',' or 'end of string'")
            if not self.peek().opens_requirement:
                _fail(self.peek().text, "identifier after ','")

    def requirement_in_words(self) -> Requirement:
        try:
            return self.requirement()
        except SelectorSyntaxError as err:
            raise SelectorSyntaxError(f"unable to parse requirement: {err}") from None

    def requirement(self) -> Requirement:
        key, operator = self.key()
        if operator is not None:
            return new_requirement(key, operator, ())
        operator = self.operator()
        values = self.value_set() if operator in _SETS else self.exact_value()
        return new_requirement(key, operator, values)

    def key(self) -> tuple[str, Operator | None]:
        token = self.take()
        operator = None
        if token.is_symbol("!"):
            operator = Operator.DOES_NOT_EXIST
            token = self.take()
        if not token.is_name:
            _fail(token.text, "identifier")
        complaints = qualified_name(token.text)
        if complaints:
            error = invalid(Path(), token.text, "; ".join(complaints))
            raise SelectorSyntaxError(str(error))
        if operator is None and self.peek().ends_requirement:
            operator = Operator.EXISTS
        return token.text, operator

    def operator(self) -> Operator:
        token = self.take()
        operator = _OPERATORS.get(token.text)
        if token.kind is TokenKind.IDENTIFIER or operator is None:
            _fail(token.text, _BINARY)
        return operator

    def exact_value(self) -> tuple[str, ...]:
        if self.peek().ends_requirement:
            return ("",)
        token = self.take()
        if not token.is_name:
            _fail(token.text, "identifier")
        return (token.text,)

    def value_set(self) -> tuple[str, ...]:
        token = self.take()
        if not token.is_symbol("("):
            raise SelectorSyntaxError(f"found '{token.text}' expected: '('")
        first = self.peek()
        if first.is_symbol(")"):
            self.take()
            return ("",)
        if not (first.is_name or first.is_symbol(",")):
            _fail(first.text, "',', ')' or identifier")
        values = self.values()
        if not self.take().is_symbol(")"):
            _fail(first.text, "')'")
        return tuple(sorted(values))

    def values(self) -> set[str]:
        """A list where a missing identifier is the empty value: ``(,a,,b,)``."""
        values: set[str] = set()
        while True:
            token = self.take()
            if token.is_name:
                values.add(token.text)
                after = self.peek()
                if after.is_symbol(")"):
                    return values
                if not after.is_symbol(","):
                    _fail(after.text, "',' or ')'")
            elif token.is_symbol(","):
                if not values:
                    values.add("")
                if self.peek().is_symbol(")"):
                    values.add("")
                    return values
                if self.peek().is_symbol(","):
                    self.take()
                    values.add("")
            else:
                _fail(token.text, "',', or identifier")


_OPERATORS: Final = {
    "in": Operator.IN,
    "notin": Operator.NOT_IN,
    "=": Operator.EQUALS,
    "==": Operator.DOUBLE_EQUALS,
    "!=": Operator.NOT_EQUALS,
    ">": Operator.GREATER_THAN,
    "<": Operator.LESS_THAN,
}


# -- building -------------------------------------------------------------------------


def new_requirement(
    key: str, operator: Operator, values: Iterable[str], path: Path | None = None
) -> Requirement:
    """A checked requirement.

    Raises:
        SelectorSyntaxError: key, operator and values do not fit together.
    """
    values = tuple(values)
    errors = list(_requirement_errors(key, operator, values, path or Path()))
    if errors:
        raise SelectorSyntaxError(aggregate(errors))
    return Requirement(key, operator, tuple(sorted(set(values))))


def _requirement_errors(
    key: str, operator: Operator, values: tuple[str, ...], path: Path
) -> Iterator[FieldError]:
    complaints = qualified_name(key)
    if complaints:
        yield invalid(path.child("key"), key, "; ".join(complaints))
    at = path.child("values")
    if operator in _SETS and not values:
        text = "for 'in', 'notin' operators, values set can't be empty"
        yield invalid(at, list(values), text)
    if operator in (Operator.GREATER_THAN, Operator.LESS_THAN):
        text = "for 'Gt', 'Lt' operators, the value must be an integer"
        for position, value in enumerate(values):
            if _integer(value) is None:
                yield invalid(at.index(position), value, text)
    for position, value in enumerate(values):
        complaints = label_value(value)
        if complaints:
            where = at.index(position).key(key)
            yield invalid(where, value, "; ".join(complaints))


def selector_from_map(labels: Mapping[str, str] | None) -> LabelSelector:
    """Match exactly these labels: the selector of a Service."""
    items = sorted((labels or {}).items())
    return LabelSelector(
        tuple(Requirement(key, Operator.EQUALS, (value,)) for key, value in items)
    )


_OBJECT_OPERATORS: Final = {
    "In": Operator.IN,
    "NotIn": Operator.NOT_IN,
    "Exists": Operator.EXISTS,
    "DoesNotExist": Operator.DOES_NOT_EXIST,
}
NOTHING: Final = LabelSelector((Requirement("nothing", Operator.IN, ()),))


def selector_from_object(selector: JsonObject | None) -> LabelSelector:
    """Read ``{matchLabels, matchExpressions}``; None selects nothing.

    Raises:
        SelectorSyntaxError: an operator is unknown or its values do not fit.
    """
    if selector is None:
        return NOTHING
    requirements = [
        new_requirement(key, Operator.IN, (value,))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    for expression in selector.get("matchExpressions") or ():
        name = expression.get("operator", "")
        operator = _OBJECT_OPERATORS.get(name)
        if operator is None:
            raise SelectorSyntaxError(
                f'"{name}" is not a valid label selector operator'
            )
        values = expression.get("values") or ()
        requirements.append(
            new_requirement(expression.get("key", ""), operator, values)
        )
    return LabelSelector(tuple(sorted(requirements, key=lambda each: each.key)))
