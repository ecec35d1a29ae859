"""`--help`: what a command does and takes, in the layout of kubectl."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.go_duration import format_duration
from kubectl_cli.commands import COMMANDS, GROUPS, suggest
from kubectl_cli.errors import CommandError, UsageError
from kubectl_cli.flags import FlagError, parse
from kubectl_cli.global_flags import GLOBAL_FLAGS, HELP_FLAG

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from kubectl_cli.flags import Flag

__all__ = [
    "command_help",
    "describe_flags",
    "no_command",
    "show_command",
    "unexpected_words",
]

_OPTIONS_HINT = (
    'Use "kubectl options" for a list of global command-line options (applies to all'
    " commands)."
)
_TITLE = "mini-kubectl talks to a Kubernetes API server, as kubectl does."


def show_command(path: str, module: ModuleType) -> int:
    """Print the help of one command."""
    print(command_help(path, module))
    return 0


def unexpected_words(path: str, module: ModuleType, words: list[str]) -> CommandError:
    """Print the help of a `config` command; the error to end it with.

    Source: kubernetes/kubectl pkg/cmd/config/config.go (helpErrorf).
    """
    show_command(path, module)
    return CommandError(f"Unexpected args: [{' '.join(words)}]")


def command_help(path: str, module: ModuleType) -> str:
    """What the command does, its flags, its usage line."""
    summary, use = (
        text if isinstance(text, str) else text[path]
        for text in (module.SUMMARY, module.USE)
    )
    parts = [summary, ""]
    if examples := getattr(module, "EXAMPLES", ""):
        parts += ["Examples:", *(f"  {line}" for line in examples.splitlines()), ""]
    below = [name for name in COMMANDS if name.startswith(f"{path} ")]
    if below:
        parts += ["Available Commands:", *_summaries(below), ""]
    if module.FLAGS:
        parts += ["Options:", describe_flags(module.FLAGS), ""]
    return "\n".join(
        [*parts, "Usage:", f"  kubectl {use} [options]", "", _OPTIONS_HINT]
    )


def describe_flags(flags: Iterable[Flag]) -> str:
    """Each flag with its default, and below it what it means."""
    lines = []
    for flag in sorted(flags, key=lambda each: each.name):
        if not flag.hidden:
            lines += [f"    {flag.spelling}={_default(flag)}:", f"\t{flag.help}", ""]
    return "\n".join(lines).rstrip("\n")


def _default(flag: Flag) -> str:
    match flag.kind, flag.default:
        case "string", str(text):
            return f"'{text}'"
        case "duration", float(seconds):
            return format_duration(seconds)
        case (("array" | "slice" | "pairs"), list(items)):
            return "[" + ",".join(items) + "]"
        case "bool", value:
            return str(value).lower()
        case _, value:
            return str(value)


def _summaries(paths: Iterable[str]) -> list[str]:
    rows = []
    for path in paths:
        module = __import__(f"kubectl_cli.verbs.{COMMANDS[path]}", fromlist=["SUMMARY"])
        summary = module.SUMMARY
        rows.append((path, summary if isinstance(summary, str) else summary[path]))
    names = [path.rpartition(" ")[2] for path, _ in rows]
    width = max(map(len, names))
    return [
        f"  {name.ljust(width)}   {text.partition(chr(10))[0]}"
        for name, (_, text) in zip(names, rows, strict=True)
    ]


def no_command(path: str, rest: list[str]) -> int:
    """There is no command in `rest`: say what there is, or what is wrong with it.

    Source: kubernetes/kubectl pkg/cmd/util/helpers.go (DefaultSubCommandRun), of which
    pkg/cmd/certificates is the one that has none, and rollout gives it stdout.
    """
    command = f"kubectl {path}".strip()
    try:
        options = parse((*GLOBAL_FLAGS, HELP_FLAG), rest)
    except FlagError as error:
        raise FlagError(f"{error}\nSee '{command} --help' for usage.") from None
    words = options.args
    if not path and words[:1] == ["help"]:
        return _help_of(words[1:])
    if words and path != "certificate" and not options.flag("help"):
        if path:
            unknown = f'unknown command "{" ".join(words)}"'
            raise UsageError(unknown, command)
        raise CommandError(_unknown(words[0]))
    if not path or path == "certificate" or options.flag("help"):
        print(_group_help(path) if path else _root_help())
        return 0
    # kubectl: a group without a command is not a success
    stream = sys.stdout if path == "rollout" else sys.stderr
    print(_group_help(path), file=stream)
    return 1


def _help_of(words: list[str]) -> int:
    path = " ".join(words)
    if not words:
        print(_root_help())
    elif path in COMMANDS:
        module = __import__(f"kubectl_cli.verbs.{COMMANDS[path]}", fromlist=["USE"])
        return show_command(path, module)
    elif path in GROUPS:
        print(_group_help(path))
    else:
        sys.stdout.write(f'Unknown help topic "{path}". Run "kubectl help".\n')
    return 0


def _unknown(word: str) -> str:
    text = f'unknown command "{word}" for "kubectl"'
    top = sorted({path.partition(" ")[0] for path in COMMANDS})
    if found := suggest(word, top):
        text += "\n\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in found)
    return text.rstrip("\n")


def _root_help() -> str:
    top = [path for path in COMMANDS if " " not in path]
    groups = [name for name in GROUPS if " " not in name]
    width = max(map(len, top))
    lines = [_TITLE, "", "Commands:", *_summaries(top)]
    lines += [f"  {name.ljust(width)}   {GROUPS[name]}" for name in groups]
    usage = ["", "Usage:", "  kubectl [flags] [options]", ""]
    hint = 'Use "kubectl <command> --help" for more information about a given command.'
    return "\n".join([*lines, *usage, hint, _OPTIONS_HINT])


def _group_help(path: str) -> str:
    below = [name for name in COMMANDS if name.startswith(f"{path} ")]
    hint = f'Use "kubectl {path} <command> --help" for more information about a given command.'
    usage = ["Usage:", f"  kubectl {path} SUBCOMMAND [options]", ""]
    lines = [GROUPS[path], "", "Available Commands:", *_summaries(below), ""]
    return "\n".join([*lines, *usage, hint, _OPTIONS_HINT])
