"""mini-kubectl: find the command, parse its flags, run it, say how it ended."""

from __future__ import annotations

import gc
import os
import sys

from kubectl_cli.commands import ALIASES, COMMANDS, GROUPS
from kubectl_cli.flags import FlagError, parse
from kubectl_cli.global_flags import GLOBAL_FLAGS, HELP_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["main", "run"]


def main() -> int:
    """The console script; the exit code is kubectl's for the same command line."""
    # A command is over before its garbage matters; collecting costs it 5 ms.
    gc.set_threshold(100_000)
    _fill_standard_descriptors()
    for stream in (sys.stdout, sys.stderr):
        # Bytes of file names and of servers pass through; Go does not look at locales.
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        return _die_of("SIGPIPE")
    except KeyboardInterrupt:
        return _die_of("SIGINT")
    # All is closed and given back: taking the interpreter apart is 4 ms for nothing.
    os._exit(code)


def _fill_standard_descriptors() -> None:
    """Stand /dev/null where stdin, stdout or stderr was closed, as Go does.

    Else the next socket would be one of them, and be read and written as such.
    Source: golang/go src/runtime/fds_unix.go (checkfds).
    """
    for number, name, mode in (
        (0, "stdin", "r"),
        (1, "stdout", "w"),
        (2, "stderr", "w"),
    ):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is taken, and those below are open.
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115


def run(argv: list[str]) -> int:
    """Carry out one command line; errors become text on stderr and a code."""
    try:
        return _dispatch(argv)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - the top: every error has a text
        from kubectl_cli.failures import report

        return report(error)


def _dispatch(argv: list[str]) -> int:
    if argv and argv[0] in ("__complete", "__completeNoDesc"):
        from kubectl_cli.completing.request import answer

        return answer(argv[1:], describes=argv[0] == "__complete")
    path, rest = find(argv)
    if path not in COMMANDS:
        return _group(path, rest)
    module = _load(path)
    try:
        options = parse((*module.FLAGS, *GLOBAL_FLAGS, HELP_FLAG), rest)
    except FlagError as error:
        raise FlagError(f"{error}\nSee 'kubectl {path} --help' for usage.") from None
    if options.flag("help"):
        from kubectl_cli.help import show_command

        return show_command(path, module)
    required = getattr(module, "REQUIRED", ())
    missing = [name for name in required if not options.changed(name)]
    if missing:
        names = '", "'.join(missing)
        raise FlagError(f'required flag(s) "{names}" not set')
    from kubectl_cli.client.factory import Factory

    factory = Factory(options, path)
    try:
        if options.has("explain") and options.flag("explain"):
            from kubectl_cli.streams.explaining import run_explained

            return run_explained(module.run, options, factory)
        return int(module.run(options, factory) or 0)
    finally:
        factory.close()


def _load(path: str) -> ModuleType:
    name = f"kubectl_cli.verbs.{COMMANDS[path]}"
    __import__(name)
    return sys.modules[name]


def find(argv: list[str]) -> tuple[str, list[str]]:
    """The command that `argv` names, and the arguments without its words.

    Source: spf13/cobra command.go Find and stripFlags: flags may stand before the
    name; one that takes a value swallows the next word.
    """
    path, rest = "", list(argv)
    while True:
        index = _next_word(rest)
        if index is None or not rest[index]:
            return path, rest
        word = f"{path} {rest[index]}".strip()
        word = ALIASES.get(word, word)
        if word not in COMMANDS and word not in GROUPS:
            return path, rest
        path = word
        del rest[index]


def _next_word(argv: list[str]) -> int | None:
    bare = {f"--{f.name}" for f in GLOBAL_FLAGS if f.bare} | {"-h", "--help"}
    index = 0
    while index < len(argv):
        word = argv[index]
        if word == "--":
            return None
        if not word.startswith("-") or word == "-":
            return index
        takes_next = "=" not in word and word not in bare
        if not word.startswith("--"):
            takes_next = takes_next and len(word) == 2
        index += 2 if takes_next else 1
    return None


def _group(path: str, rest: list[str]) -> int:
    """No command: help, or why the word is none."""
    from kubectl_cli.help import no_command

    return no_command(path, rest)


def _die_of(name: str) -> int:
    """End by this signal, so that a shell sees what it would see of kubectl."""
    import signal

    number = signal.Signals[name]
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


if __name__ == "__main__":
    raise SystemExit(main())
