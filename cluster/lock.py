"""One `up` or `down` at a time for each cluster."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["exclusive"]


@contextmanager
def exclusive(
    path: Path, on_wait: Callable[[], None], make: Callable[[], None] | None = None
) -> Iterator[None]:
    """Hold the lock file; call `on_wait` when somebody else holds it.

    `make` makes its folder, also when a `delete` that was waited for has removed it.
    The kernel drops the lock with the process, however it ends.
    """
    while True:
        if make is not None:
            make()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _await_turn(descriptor, on_wait)
            if make is not None and not _is_at(path, descriptor):
                continue
            yield
            return
        finally:
            os.close(descriptor)


def _await_turn(descriptor: int, on_wait: Callable[[], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
