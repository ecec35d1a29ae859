"""The filter language of sessions and frames: `verb=exec and length>1000`.

    expression   words beside each other are all wanted; `or`, `not`, parentheses
    FIELD=TEXT   is the text; `*` and `?` as in file names; case does not matter
    FIELD~REGEX  contains what the regular expression matches
    FIELD>N      as numbers, also >= < <=; N may end in k, M, ms or s
    FIELD!=TEXT  none is (also !~)
    TEXT         some field contains it

A session has several values for most fields (it passes several hops): one that fits is
enough. `FIELD=*` is true of whatever has the field at all, as in `fault=*`.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from fnmatch import translate
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Facts = Mapping[str, Sequence[str | float]]

__all__ = [
    "FIELDS",
    "Filter",
    "FilterError",
    "all_of",
    "condition",
    "expression",
    "parse_filter",
]

#: What can be asked for, and what it is.
FIELDS: Final = {
    "session": "the id of the session",
    "hop": "hops it passed, e.g. kubelet-cri",
    "client": "the program that asked, from its User-Agent",
    "pod": "name of the pod",
    "namespace": "the pod's namespace",
    "container": "name of the container",
    "verb": "exec, attach, port-forward, logs, get, list ...",
    "command": "the command of an exec",
    "subprotocol": "what was agreed on, e.g. v5.channel.k8s.io",
    "channel": "stdin, stdout, stderr, error, resize, close, data, or the number",
    "layer": "layers that were seen, e.g. websocket",
    "type": "types of frames, e.g. ping",
    "length": "bytes of payload in a frame; of a session, in its longest",
    "bytes": "bytes of payload in all, both ways",
    "status": "exit code or HTTP status; also ok, failed, refused, cut, running",
    "fault": "names of faults that acted",
    "duration": "seconds from the first frame to the last",
}

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<bracket>[()])
      | (?P<field>[A-Za-z]+)\s*(?P<op>!=|!~|>=|<=|[=~<>:])\s*
            (?:"(?P<quoted>[^"]*)"|(?P<value>[^\s()]+))
      | "(?P<phrase>[^"]*)"
      | (?P<word>[^\s()]+)
    )""",
    re.VERBOSE,
)
_DEEPEST: Final = 50  # brackets in brackets
_NUMBER: Final = re.compile(r"(-?\d+(?:\.\d+)?)(ms|s|[kKmM])?")
_SCALE: Final = {"": 1.0, "s": 1.0, "ms": 0.001, "k": 1024.0, "m": 1024.0 * 1024.0}


_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class FilterError(ValueError):
    """The expression is none; the text says where."""


class Filter(Protocol):
    """Says whether something with these facts is wanted."""

    def matches(self, facts: Facts) -> bool:
        """Facts are the values of each field."""


@dataclass(frozen=True, slots=True)
class _Everything:
    def matches(self, facts: Facts) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class _All:
    parts: tuple[Filter, ...]

    def matches(self, facts: Facts) -> bool:
        return all(part.matches(facts) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Any:
    parts: tuple[Filter, ...]

    def matches(self, facts: Facts) -> bool:
        return any(part.matches(facts) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Not:
    part: Filter

    def matches(self, facts: Facts) -> bool:
        return not self.part.matches(facts)


@dataclass(frozen=True, slots=True)
class _Some:
    """One value of the field passes the test."""

    field: str
    test: Callable[[str | float], bool]

    def matches(self, facts: Facts) -> bool:
        return any(self.test(value) for value in facts.get(self.field, ()))


@dataclass(frozen=True, slots=True)
class _Contains:
    text: str

    def matches(self, facts: Facts) -> bool:
        return any(
            self.text in str(value).lower()
            for values in facts.values()
            for value in values
        )


EVERYTHING: Final[Filter] = _Everything()


def all_of(parts: Sequence[Filter]) -> Filter:
    """What all of them want; everything when there is none."""
    return parts[0] if len(parts) == 1 else _All(tuple(parts))


def condition(field: str, text: str) -> Filter:
    """`--length '>1000'`: the field with an operator before its value, or `=`.

    Raises:
        FilterError: there is no such field, or the value is none for the operator.
    """
    return _atom(field, *_split(text))


def expression(field: str, text: str) -> str:
    """The same as an expression."""
    op, value = _split(text)
    return f'{field}{op}"{value}"'


def parse_filter(text: str) -> Filter:
    """Read an expression; the empty one wants everything.

    Raises:
        FilterError: what is wrong, in words for the user.
    """
    tokens = list(_tokens(text))
    if not tokens:
        return EVERYTHING
    parser = _Parser(tokens)
    result = parser.either()
    if parser.peek() is not None:
        raise FilterError("a ')' that closes nothing")
    return result


def _tokens(text: str) -> Iterator[str | Filter]:
    """Brackets and the words and, or, not as text; everything else as its filter."""
    end = 0
    text = text.rstrip()
    while end < len(text):
        match = _TOKEN.match(text, end)
        if match is None:
            raise FilterError(f"what is meant by {text[end:]!r}?")
        end = match.end()
        if match["bracket"]:
            yield match["bracket"]
        elif match["field"]:
            value = match["quoted"] if match["quoted"] is not None else match["value"]
            yield _atom(match["field"].lower(), match["op"], value)
        elif match["phrase"] is not None:
            yield _Contains(match["phrase"].lower())
        elif match["word"].lower() in ("and", "or", "not"):
            yield match["word"].lower()
        elif match["word"][-1] in "=~<>:" and match["word"].rstrip("!=~<>:") in FIELDS:
            raise FilterError(f"{match['word']} what? A value is missing")
        else:
            yield _Contains(match["word"].lower())


def _split(text: str) -> tuple[str, str]:
    """The operator before a value, `=` when there is none; and the value."""
    match = re.match(r"\s*(!=|!~|>=|<=|[=~<>])?\s*(.*)\Z", text, re.DOTALL)
    assert match is not None  # noqa: S101 - both parts may be empty
    return match[1] or "=", match[2]


class _Parser:
    """`or` binds weaker than `and`, `and` weaker than `not`."""

    def __init__(self, tokens: list[str | Filter]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def peek(self) -> str | Filter | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def either(self) -> Filter:
        parts = [self._both()]
        while self.peek() == "or":
            self._at += 1
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else _Any(tuple(parts))

    def _both(self) -> Filter:
        parts = [self._single()]
        while self.peek() not in (None, "or", ")"):
            if self.peek() == "and":
                self._at += 1
            parts.append(self._single())
        return all_of(parts)

    def _single(self) -> Filter:
        token = self.peek()
        if token is None or token in ("and", "or", ")"):
            raise FilterError(
                "something is missing at the end"
                if token is None
                else f"something is missing before {token!r}"
            )
        self._at += 1
        if not isinstance(token, str):
            return token
        self._depth += 1
        if self._depth > _DEEPEST:
            raise FilterError("too many '(' and 'not' in one another")
        result = _Not(self._single()) if token == "not" else self._bracket()  # noqa: S105 - a word of the language
        self._depth -= 1
        return result

    def _bracket(self) -> Filter:
        inner = self.either()
        if self.peek() != ")":
            raise FilterError("a '(' that is not closed")
        self._at += 1
        return inner


def _atom(field: str, op: str, value: str) -> Filter:
    if field not in FIELDS:
        raise FilterError(f"no field {field!r}: there are {', '.join(FIELDS)}")
    if op in ("!=", "!~"):
        return _Not(_atom(field, op[1], value))
    if op == "~":
        return _Some(field, _matching(value))
    if op in ("=", ":"):
        return _Some(field, _equal_to(value))
    return _Some(field, _compared(op, _number(field, value)))


def _matching(pattern: str) -> Callable[[str | float], bool]:
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as err:
        raise FilterError(f"{pattern!r} is no regular expression: {err}") from None
    return lambda value: compiled.search(str(value)) is not None


def _equal_to(text: str) -> Callable[[str | float], bool]:
    pattern = re.compile(translate(text), re.IGNORECASE)
    number = _NUMBER.fullmatch(text)
    wanted = _scaled(number) if number else None

    def test(value: str | float) -> bool:
        if isinstance(value, str) or wanted is None:
            return pattern.match(str(value)) is not None
        return value == wanted

    return test


def _compared(op: str, wanted: float) -> Callable[[str | float], bool]:
    compare = _COMPARISONS[op]

    def test(value: str | float) -> bool:
        try:
            return compare(float(value), wanted)
        except ValueError:
            return False

    return test


def _number(field: str, text: str) -> float:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise FilterError(f"{field}: {text!r} is no number")
    return _scaled(match)


def _scaled(match: re.Match[str]) -> float:
    return float(match[1]) * _SCALE[(match[2] or "").lower()]
