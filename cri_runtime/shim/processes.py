"""The process tree below us, as /proc has it.

The tree is walked by the kernel's own lists of children, so a process that called setsid or
left its group is found like any other.
"""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["anonymous_bytes", "children", "descendants", "environment", "kill_trees"]

_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


def _read(path: str, limit: int = 65536) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, limit)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def children(pid: int) -> list[int]:
    """The direct children of a process, zombies included; none when it is gone."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    lists = (_read(f"/proc/{pid}/task/{task}/children") for task in tasks)
    return [int(child) for text in lists for child in text.split()]


def descendants(roots: Iterable[int]) -> Iterator[int]:
    """The roots and all below them, parents before their children."""
    for root in roots:
        yield root
        yield from descendants(children(root))


def kill_trees(roots: Iterable[int]) -> None:
    """SIGKILL to the roots and all below them.

    Everything is stopped first, until a walk finds nothing new: a stopped process cannot fork
    behind our back.
    """
    roots = list(roots)
    stopped: set[int] = set()
    while fresh := set(descendants(roots)) - stopped:
        for pid in fresh:
            _signal(pid, signal.SIGSTOP)
        stopped |= fresh
    for pid in stopped:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # a set-user-ID program: not ours to stop, its parent's end has to do
        return


def environment(pid: int) -> dict[bytes, bytes]:
    """What the process was started with; empty when it is gone or not ours to read."""
    pairs = (
        item.partition(b"=") for item in _read(f"/proc/{pid}/environ").split(b"\0")
    )
    return {name: value for name, _, value in pairs if name}


def anonymous_bytes(pid: int) -> int:
    """Memory of the process that no file backs, in bytes."""
    fields = _read(f"/proc/{pid}/statm").split()
    return (int(fields[1]) - int(fields[2])) * _PAGE_SIZE if len(fields) > 2 else 0
