"""Completing a command line: commands, flags, values of flags, arguments.

Source: spf13/cobra completions.go (getCompletions, checkIfFlagCompletion).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.commands import COMMANDS, GROUPS
from kubectl_cli.completing.found import Directive, Found
from kubectl_cli.flags import Flag, FlagError, Options, parse
from kubectl_cli.global_flags import GLOBAL_FLAGS, HELP_FLAG
from kubectl_cli.main import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

__all__ = ["complete", "subcommands"]

_REPEATABLE = ("array", "slice")


def complete(words: list[str]) -> Found:
    """What may take the place of the last word, which may be empty."""
    *before, typed = words
    path, args = find(before)
    line = _Line(path, args, typed)
    try:
        line.read()
    except FlagError as error:
        return Found(error=str(error))
    if not path and line.options.args:
        if line.options.args[0] == "help":
            return subcommands(" ".join(line.options.args[1:]), typed)
        return Found(error=f"unable to find a command for arguments: [{_text(before)}]")
    return line.complete()


def subcommands(path: str, typed: str) -> Found:
    """The commands right below one, with what they do."""
    names = set()
    for each in (*COMMANDS, *GROUPS):
        parent, _, name = each.rpartition(" ")
        if parent == path:
            names.add(name)
    if not path:
        names.add("help")
    words = [
        f"{name}\t{_summary(f'{path} {name}'.strip())}"
        for name in sorted(names)
        if name.startswith(typed)
    ]
    return Found(words, Directive.NO_FILE_COMP if names else Directive.DEFAULT)


def _summary(path: str) -> str:
    if path not in COMMANDS:
        return GROUPS.get(path, "Help about any command")
    summary = _module(path).SUMMARY
    return str(summary if isinstance(summary, str) else summary[path])


def _module(path: str) -> ModuleType:
    name = f"kubectl_cli.verbs.{COMMANDS[path]}"
    __import__(name)
    return sys.modules[name]


def _text(words: list[str]) -> str:
    return " ".join(words)


class _Line:
    """The flags of one command, and which of them stand on the line."""

    def __init__(self, path: str, args: list[str], typed: str) -> None:
        self._path = path
        self._args = args
        self._typed = typed
        module = _module(path) if path in COMMANDS else None
        self._own: tuple[Flag, ...] = module.FLAGS if module else ()
        self._required: tuple[str, ...] = getattr(module, "REQUIRED", ())
        self._flag: Flag | None = None
        self.options = Options(())

    def read(self) -> None:
        """Parse what is there; learn whether the value of a flag is being typed.

        Raises:
            FlagError: a flag that the command does not have, or a bad value.
        """
        table = (*self._own, *GLOBAL_FLAGS, HELP_FLAG)
        if "--" not in self._args:
            self._find_flag(table)
        try:
            self.options = parse(table, self._args)
        except FlagError as error:
            raise FlagError(
                f"Error while parsing flags from args [{_text(self._args)}]: {error}"
            ) from None

    def _find_flag(self, table: Iterable[Flag]) -> None:
        """`--flag=val` and `--flag val`, where `val` is being typed."""
        args, typed, equals = self._args, self._typed, ""
        if typed.startswith("-"):
            word, equals, typed = typed.partition("=")
            if not equals:
                return
        elif args and _is_flag(args[-1]) and "=" not in args[-1]:
            word, args = args[-1], args[:-1]
        else:
            return
        name = word[2:] if word.startswith("--") else word[-1]
        flag = next((f for f in table if name in (f.name, f.short)), None)
        if flag is None:
            command = self._path.rpartition(" ")[2] or "kubectl"
            raise FlagError(f"Subcommand '{command}' does not support flag '{name}'")
        if equals or flag.bare is None:
            self._flag, self._args, self._typed = flag, args, typed

    def complete(self) -> Found:
        """The candidates, in kubectl's order."""
        from kubectl_cli.completing.values import complete_arguments, complete_flag

        if self.options.flag("help"):
            return Found(directive=Directive.NO_FILE_COMP)
        if self._flag is not None:
            return complete_flag(self._flag, self.options, self._path, self._typed)
        typed = self._typed
        flags_may_follow = self.options.dash_at is None
        if typed.startswith("-") and "=" not in typed and flags_may_follow:
            words = [*self._missing()] or [*self._names(self._inherited_first())]
            return Found(words, Directive.NO_FILE_COMP)
        found = Found()
        if not self.options.args and not self._has_own():
            found = subcommands(self._path, typed)
        found.words += self._missing()
        more = complete_arguments(self._path, self.options, typed)
        if more is not None:
            found.words += more.words
            found.directive = more.directive
        return found

    def _has_own(self) -> bool:
        return any(self.options.changed(flag.name) for flag in self._own)

    def _inherited_first(self) -> Iterator[Flag]:
        own = {flag.name: flag for flag in (*self._own, HELP_FLAG)}
        inherited = {f.name: f for f in GLOBAL_FLAGS if f.name not in own}
        groups = [inherited, own] if self._path else [inherited | own]
        for group in groups:
            for name in sorted(group):
                flag = group[name]
                if not self.options.changed(name) or flag.kind in _REPEATABLE:
                    yield flag

    def _missing(self) -> Iterator[str]:
        """The flags that the command cannot do without."""
        needed = [f for f in self._own if f.name in self._required]
        return self._names(f for f in needed if not self.options.changed(f.name))

    def _names(self, flags: Iterable[Flag]) -> Iterator[str]:
        for flag in flags:
            if flag.hidden and flag is not HELP_FLAG:
                continue
            for name in (f"--{flag.name}", f"-{flag.short}" if flag.short else ""):
                if name and name.startswith(self._typed):
                    yield f"{name}\t{flag.help}"


def _is_flag(word: str) -> bool:
    if word.startswith("--"):
        return len(word) > 2
    return len(word) > 1 and word[0] == "-"
