"""One at a time: test processes that run side by side must not install the same thing."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["installing"]

_CACHE = Path(__file__).parents[2] / ".cache"


@contextmanager
def installing(what: str) -> Iterator[None]:
    """Wait until nobody else installs this."""
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
