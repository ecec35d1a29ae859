"""What a fault can be told: named values with a kind, a default and a range.

One table of them is read by everybody: the engine, the command line, the control API and
the documentation.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Kind", "Parameter", "RuleError", "read_parameters"]

Kind = Literal["int", "float", "text", "bool", "base64", "headers"]

#: What may stand in a head: RFC 9110 5.6.2, 5.5; latin-1 as `wire.http1` writes it.
HEADER_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
HEADER_VALUE = r"[\t -~\x80-\xff]*"
_NAME = re.compile(HEADER_NAME + r"\Z")
_JUNK = re.compile(r"[^\t -~\x80-\xff]")
#: toxiproxy's numbers are int64; what is larger is no time and no size, either.
_MOST = 2**63 - 1
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class RuleError(ValueError):
    """A rule cannot be; the text says what was given and what is allowed."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value of a fault.

    Attributes:
        kind: "headers" is a mapping of names to values, as text `Name: value`, lines
            divided by newlines.
        unit: for people, e.g. "ms"; values are kept in this unit.
        least, most: the range of a number; None: no bound.
        choices: the only texts that are allowed; empty: any.
        private: not shown, and not for people to give.
        required: it must be given.
        pattern: what a text, or the names and values of headers, must match.
    """

    name: str
    kind: Kind
    default: Any
    text: str
    unit: str = ""
    least: float | None = 0
    most: float | None = None
    choices: tuple[str, ...] = ()
    private: bool = False
    required: bool = False
    pattern: str = ""

    def read(self, value: Any) -> Any:
        """The value, from JSON or from the text of a command line.

        Raises:
            RuleError: not a value of this parameter.
        """
        read = _READERS[self.kind](value)
        if read is None:
            raise RuleError(f"{self.name}: {value!r} is not {_NAMES[self.kind]}")
        if isinstance(read, int | float) and not isinstance(read, bool):
            self._check_range(read)
        self._check_texts(read)
        if self.choices and read not in self.choices:
            allowed = ", ".join(self.choices)
            raise RuleError(f"{self.name}: {value!r} is none of {allowed}")
        return read

    def _check_texts(self, read: Any) -> None:
        """Header names and values, which must not end a head early."""
        if self.kind == "headers":
            bad = [n for n, v in read.items() if not _NAME.match(n) or _JUNK.search(v)]
            if bad:
                raise RuleError(f"{self.name}: {bad[0]!r} cannot stand in a head")
        if self.pattern and not re.fullmatch(self.pattern, str(read)):
            raise RuleError(f"{self.name}: {read!r} cannot stand there")

    def _check_range(self, number: float) -> None:
        low = self.least is not None and number < self.least
        high = self.most is not None and number > self.most
        if low or high:
            raise RuleError(f"{self.name}: {number} is not {self.range_text()}")

    def range_text(self) -> str:
        """The range in words."""
        if self.most is None:
            return f"at least {self.least}"
        return f"from {self.least} to {self.most}"


def _int(value: Any) -> int | None:
    number = _any_int(value)
    return number if number is not None and abs(number) <= _MOST else None


def _any_int(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value, 0) if value[:2].lower() == "0x" else int(value)
        except ValueError:
            return None
    return None


def _float(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None  # also refuses nan


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _bool(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _base64(value: Any) -> str | None:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        return None
    return str(value)


def _headers(value: Any) -> dict[str, str] | None:
    if isinstance(value, str):
        pairs = [line.partition(":") for line in value.splitlines() if line.strip()]
        if not all(name.strip() and colon for name, colon, _ in pairs):
            return None
        return {name.strip(): text.strip() for name, _, text in pairs}
    if not isinstance(value, Mapping):
        return None
    return {str(name): str(text) for name, text in value.items()}


_READERS = {
    "int": _int,
    "float": _float,
    "text": _text,
    "bool": _bool,
    "base64": _base64,
    "headers": _headers,
}
_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "text": "a text",
    "bool": "true or false",
    "base64": "base64",
    "headers": "headers (`Name: value`)",
}


def read_parameters(
    owner: str, parameters: tuple[Parameter, ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    """All values of a fault: those given, checked, and the defaults of the others.

    Raises:
        RuleError: an unknown name, or a value that is not allowed.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in by_name:
            public = [p.name for p in parameters if not p.private]
            allowed = ", ".join(public) or "it has none"
            raise RuleError(f"{owner} has no parameter {name!r}: {allowed}")
    for parameter in parameters:
        if parameter.required and not given.get(parameter.name):
            raise RuleError(f"{owner}: {parameter.name} must be given")
    values = {}
    for name, parameter in by_name.items():
        value = given.get(name)
        try:
            values[name] = parameter.default if value is None else parameter.read(value)
        except RuleError as err:
            raise RuleError(f"{owner}: {err}") from None
    return values
