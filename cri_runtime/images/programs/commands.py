"""The commands of a container that has files and no programs: cat, ls, tar and the like.

They know what `kubectl cp` and tests need of them, in the words of GNU coreutils and tar.
Paths are the container's: `/etc/motd` is the file below its root, and no link leads out.
"""

from __future__ import annotations

import json
import os
import stat
import sys

from cri_runtime.images.programs.root import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run"]


def run(root: str, command: list[str]) -> int:
    """Run one; the exit code."""
    name = os.path.basename(command[0])
    with open(os.path.join(os.path.dirname(root), "mounts.json")) as file:
        mounts = json.load(file)
    return _COMMANDS[name](Root(root, mounts), command[1:])


def _say(text: str) -> None:
    sys.stdout.write(text)


def _complain(text: str) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")
    return 1


def _cat(root: Root, arguments: list[str]) -> int:
    code = 0
    sys.stdout.flush()
    for path in arguments or ["-"]:
        try:
            source = 0 if path == "-" else os.open(root.real(path), os.O_RDONLY)
            while data := os.read(source, 65536):
                while data:
                    data = data[os.write(1, data) :]
        except OSError as error:
            code = _complain(f"cat: {path}: {error.strerror}")
    return code


def _ls(root: Root, arguments: list[str]) -> int:
    flags = "".join(a[1:] for a in arguments if a.startswith("-"))
    paths = [a for a in arguments if not a.startswith("-")] or ["."]
    files: list[tuple[str, str]] = []
    folders: list[tuple[str, str]] = []
    code = 0
    for path in paths:
        real = root.real(path)
        try:
            is_folder = stat.S_ISDIR(os.stat(real).st_mode) and "d" not in flags
        except OSError as error:
            _complain(f"ls: cannot access '{path}': {error.strerror}")
            code = 2
            continue
        (folders if is_folder else files).append((path, real))
    for path, real in files:
        _say_entry(real, path, flags)
    for number, (path, real) in enumerate(folders):
        if len(paths) > 1:
            _say("\n" if number or files else "")
            _say(f"{path}:\n")
        for name in sorted(os.listdir(real)):
            if not name.startswith(".") or set("aA") & set(flags):
                _say_entry(os.path.join(real, name), name, flags)
    return code


def _say_entry(path: str, name: str, flags: str) -> None:
    _say(f"{_long(path)}{name}\n" if "l" in flags else f"{name}\n")


def _long(path: str) -> str:
    import time

    facts = os.lstat(path)
    when = time.strftime("%b %e %H:%M", time.gmtime(facts.st_mtime))
    mode = stat.filemode(facts.st_mode)
    return f"{mode} {facts.st_nlink} root root {facts.st_size:>8} {when} "


def _test(root: Root, arguments: list[str]) -> int:
    words = [word for word in arguments if word != "]"]
    negated = words[:1] == ["!"]
    words = words[1:] if negated else words
    return int(_holds(root, words) == negated)


def _holds(root: Root, words: list[str]) -> bool:
    if len(words) == 3 and words[1] in ("=", "==", "!="):
        return (words[0] == words[2]) != (words[1] == "!=")
    if len(words) != 2:
        return bool(words and words[0])
    kind, path = words
    if kind in ("-n", "-z"):
        return bool(path) == (kind == "-n")
    if kind in ("-h", "-L"):
        return os.path.islink(root.real(path, follow=False))
    try:
        facts = os.stat(root.real(path))
    except OSError:
        return False
    checks: dict[str, bool] = {
        "-e": True,
        "-d": stat.S_ISDIR(facts.st_mode),
        "-f": stat.S_ISREG(facts.st_mode),
        "-s": facts.st_size > 0,
        "-r": True,
        "-w": True,
        "-x": bool(facts.st_mode & 0o111),
    }
    return checks.get(kind, False)


def _echo(_root: Root, arguments: list[str]) -> int:
    bare = arguments[:1] == ["-n"]
    _say(" ".join(arguments[1:] if bare else arguments) + ("" if bare else "\n"))
    return 0


def _pwd(_root: Root, _arguments: list[str]) -> int:
    _say("/\n")
    return 0


def _env(_root: Root, arguments: list[str]) -> int:
    for name in arguments:
        if name not in os.environ:
            return 1
        _say(f"{os.environ[name]}\n")
    if not arguments:
        for name, value in os.environ.items():
            _say(f"{name}={value}\n")
    return 0


def _tar(root: Root, arguments: list[str]) -> int:
    from cri_runtime.images.programs.tar_command import tar

    return tar(root, arguments)


_COMMANDS: dict[str, Callable[[Root, list[str]], int]] = {
    "[": _test,
    "cat": _cat,
    "echo": _echo,
    "env": _env,
    "false": lambda _root, _arguments: 1,
    "ls": _ls,
    "printenv": _env,
    "pwd": _pwd,
    "tar": _tar,
    "test": _test,
    "true": lambda _root, _arguments: 0,
}
