"""How often something may be done again: the longer it takes, the rarer."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Pace"]

_SHARE: Final = 0.1  # of all time, at most


class Pace:
    """Keeps a task below a tenth of the time. `ready` says whether it may run."""

    def __init__(self, least: float = 0.0) -> None:
        self._least = least
        self._next = 0.0

    @property
    def ready(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self._next

    @contextmanager
    def run(self) -> Iterator[None]:
        """Around the task."""
        begun = time.monotonic()
        try:
            yield
        finally:
            now = time.monotonic()
            self._next = now + max(self._least, (now - begun) / _SHARE)
