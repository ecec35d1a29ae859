"""Sessions in Markdown pages: found, played in a shell, and compared with what came.

A fence of `console` is a session: lines with `$ ` are commands, what follows is their
output, standard error included. Compared are the words: numbers, identifiers, times and
addresses may differ, and so may the width of gaps. A line of `…` stands for any lines; a
`…` inside a line for anything in it.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Shell", "Step", "matches", "steps_of"]

_FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANY = "…"
_SAME = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"[-=_]{4,}", "----"),
    (r"(/[\w.@-]+)+/(mini-kube|\.local)(/[\w.@-]+)*", "PATH"),
    (r"\b[0-9a-f]{12,64}\b", "ID"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID"),
    (r"\b[0-9a-f]{8}\b", "ID"),
    (r"\d+(\.\d+)*", "N"),
    (r"\bN ?(ms|s|µs|min)\b", "N s"),
    (r"\s+", " "),
)


@dataclass(slots=True)
class Step:
    """A command, and what it should print."""

    command: str
    expected: list[str] = field(default_factory=list)


def steps_of(page: str) -> Iterator[Step]:
    """The commands of all sessions of a page, in their order."""
    for fence in _FENCE.finditer(page):
        step: Step | None = None
        for line in fence[1].splitlines():
            if line.startswith("$ "):
                if step is not None:
                    yield step
                step = Step(line[2:])
            elif step is None:
                raise ValueError(f"output before the first command: {line!r}")
            elif line.startswith("> "):
                step.command += "\n" + line[2:]
            else:
                step.expected.append(line)
        if step is not None:
            yield step


def matches(expected: list[str], actual: list[str]) -> bool:
    """Whether what came is what the page shows."""
    wanted = [_plain(line) for line in expected if line.strip()]
    came = [_plain(line) for line in actual if line.strip()]
    return _match(wanted, came)


def _match(wanted: list[str], came: list[str]) -> bool:
    if not wanted:
        return not came
    if wanted[0] == _ANY:
        return any(_match(wanted[1:], came[at:]) for at in range(len(came) + 1))
    if not came:
        return False
    pattern = ".*".join(map(re.escape, wanted[0].split(_ANY)))
    if not re.fullmatch(pattern, came[0]):
        return False
    return _match(wanted[1:], came[1:])


def _plain(line: str) -> str:
    for pattern, replacement in _SAME:
        line = re.sub(pattern, replacement, line)
    return line.strip()


class Shell:
    """One bash that all commands of a page are typed into. Use it in a `with`."""

    _END = "--- that was all, with "

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        self._bash.communicate("exit\n", timeout=60)

    def run(self, command: str) -> list[str]:
        """The lines that a command prints. Its standard input is empty."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        typed = f"{{ {command}\n}} < /dev/null; echo; echo '{self._END}'$?\n"
        self._bash.stdin.write(typed)
        self._bash.stdin.flush()
        lines = []
        for line in self._bash.stdout:
            if line.startswith(self._END):
                break
            lines.append(line.rstrip("\n"))
        return lines[:-1] if lines and not lines[-1] else lines
