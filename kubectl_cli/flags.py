"""Command line flags with the rules and the error texts of spf13/pflag.

A command declares a table of `Flag`s; `parse` splits an argument list by it into an
`Options`. Written by hand because argparse costs more than half of what Python's
own start does, and says other sentences.

Source: spf13/pflag flag.go (parseLongArg, parseSingleShortArg, failf texts).
"""

from __future__ import annotations

from kubectl_cli.errors import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Value = str | bool | int | float | list[str]

__all__ = ["Flag", "FlagError", "Options", "parse", "read_bool"]


class FlagError(CommandError):
    """A flag that does not exist or does not parse."""


class Flag:
    """One flag: its name, kind of value, default, shorthand and a line of help.

    `bare` is the value the flag takes when it stands without one (pflag's
    NoOptDefVal); a bool has it by nature.
    """

    __slots__ = ("bare", "default", "help", "hidden", "kind", "name", "short")

    def __init__(
        self,
        name: str,
        kind: str = "string",
        default: Value | None = None,
        *,
        short: str = "",
        help: str = "",
        bare: str | None = None,
        hidden: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.default: Value = _ZEROS[kind] if default is None else default
        self.short = short
        self.help = help
        self.bare = "true" if kind == "bool" else bare
        self.hidden = hidden

    @property
    def spelling(self) -> str:
        """How an error names the flag: `-w, --watch` or `--tail`."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


class Options:
    """The parsed command line: typed values by flag name, and the other arguments."""

    def __init__(self, flags: Iterable[Flag]) -> None:
        self._values: dict[str, Value] = {flag.name: flag.default for flag in flags}
        self._changed: set[str] = set()
        self.args: list[str] = []
        self.dash_at: int | None = None  # how many args stood before `--`

    def put(self, name: str, value: Value) -> None:
        self._values[name] = value
        self._changed.add(name)

    def changed(self, name: str) -> bool:
        """Whether the user gave the flag."""
        return name in self._changed

    def has(self, name: str) -> bool:
        """Whether the command knows the flag at all."""
        return name in self._values

    def is_text(self, name: str) -> bool:
        """Whether `text` may be asked: a command's flag may hide one of another kind."""
        return isinstance(self._values.get(name), str)

    def text(self, name: str) -> str:
        value = self._values[name]
        assert isinstance(value, str), name  # noqa: S101 - a wrong table
        return value

    def flag(self, name: str) -> bool:
        return self._values.get(name) is True

    def number(self, name: str) -> int:
        value = self._values[name]
        assert isinstance(value, int), name  # noqa: S101
        return value

    def seconds(self, name: str) -> float:
        """A duration flag, in seconds."""
        value = self._values[name]
        assert isinstance(value, int | float), name  # noqa: S101
        return float(value)

    def items(self, name: str) -> list[str]:
        value = self._values[name]
        assert isinstance(value, list), name  # noqa: S101
        return value

    def pairs(self, name: str) -> dict[str, str]:
        """A flag of `key=value` pairs; the last one of a key counts."""
        return {
            key: value for key, _, value in (p.partition("=") for p in self.items(name))
        }


def parse(flags: Iterable[Flag], argv: list[str]) -> Options:
    """Read `argv` by the table; arguments may stand between flags, `--` ends them."""
    table = _Table(flags)
    options = Options(table.by_name.values())
    rest = list(argv)
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            options.dash_at = len(options.args)
            options.args += rest
            break
        if len(argument) < 2 or argument[0] != "-":
            options.args.append(argument)
        elif argument.startswith("--"):
            _long(table, options, argument[2:], rest)
        else:
            _shorts(table, options, argument[1:], rest)
    return options


class _Table:
    def __init__(self, flags: Iterable[Flag]) -> None:
        self.by_name: dict[str, Flag] = {}
        for flag in flags:
            # A command's own flag hides a global one of its name.
            self.by_name.setdefault(flag.name, flag)
        self.by_short = {f.short: f for f in self.by_name.values() if f.short}


def _long(table: _Table, options: Options, text: str, rest: list[str]) -> None:
    name, equals, value = text.partition("=")
    if not name or name[0] in "-=":
        raise FlagError(f"bad flag syntax: --{text}")
    # kubernetes/component-base cli/flag: an underscore is as good as a dash
    flag = table.by_name.get(name.replace("_", "-"))
    if flag is None:
        raise FlagError(f"unknown flag: --{name}")
    if not equals:
        if flag.bare is not None:
            value = flag.bare
        elif rest:
            value = rest.pop(0)
        else:
            raise FlagError(f"flag needs an argument: --{name}")
    _set(options, flag, value)


def _shorts(table: _Table, options: Options, letters: str, rest: list[str]) -> None:
    while letters:
        group = letters  # errors show what is left of the group
        letter, letters = letters[0], letters[1:]
        flag = table.by_short.get(letter)
        if flag is None:
            raise FlagError(f"unknown shorthand flag: '{letter}' in -{group}")
        if len(letters) > 1 and letters[0] == "=":
            value, letters = letters[1:], ""
        elif flag.bare is not None:
            value = flag.bare
        elif letters:
            value, letters = letters, ""
        elif rest:
            value = rest.pop(0)
        else:
            raise FlagError(f"flag needs an argument: '{letter}' in -{group}")
        _set(options, flag, value)


def _set(options: Options, flag: Flag, text: str) -> None:
    try:
        value: Value = _READERS[flag.kind](text)
    except ValueError as error:
        raise FlagError(
            f'invalid argument {_quote(text)} for "{flag.spelling}" flag: {error}'
        ) from None
    if isinstance(value, list) and options.changed(flag.name):
        value = options.items(flag.name) + value
    options.put(flag.name, value)


_TRUE = {"1", "t", "T", "true", "TRUE", "True"}
_FALSE = {"0", "f", "F", "false", "FALSE", "False"}


def read_bool(text: str) -> bool:
    """strconv.ParseBool; a ValueError has its text."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(f"strconv.ParseBool: parsing {_quote(text)}: invalid syntax")


def _int(text: str, bits: int = 64) -> int:
    problem = "invalid syntax"
    try:
        value = int(text, 0)
    except ValueError:
        pass
    else:
        if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            return value
        problem = "value out of range"
    raise ValueError(f"strconv.ParseInt: parsing {_quote(text)}: {problem}")


def _quote(text: str) -> str:
    from apimachinery.go_text import quote  # not on the way of a good command line

    return quote(text)


def _string(text: str) -> str:
    return text


def _one(text: str) -> list[str]:
    return [text]


def _slice(text: str) -> list[str]:
    """A comma separated list; a quoted item may hold commas."""
    if '"' not in text:
        return text.split(",") if text else []
    import csv

    return next(csv.reader([text]))


def _pairs(text: str) -> list[str]:
    """pflag's StringToString: one pair, or several with commas; as `key=value` each."""
    if text.count("=") == 1:
        pairs = [text.strip('"')]
    else:
        pairs = _slice(text) if "=" in text else [text]
    for pair in pairs:
        if "=" not in pair:
            raise ValueError(f"{pair} must be formatted as key=value")
    return pairs


def _duration(text: str) -> float:
    from apimachinery.go_duration import parse_duration

    return parse_duration(text)


_READERS: dict[str, Callable[[str], Value]] = {
    "string": _string,
    "bool": read_bool,
    "int": _int,
    "int32": lambda text: _int(text, 32),
    "array": _one,
    "slice": _slice,
    "pairs": _pairs,
    "duration": _duration,
}
_ZEROS: dict[str, Value] = {
    "string": "",
    "bool": False,
    "int": 0,
    "int32": 0,
    "array": [],
    "slice": [],
    "pairs": [],
    "duration": 0.0,
}
