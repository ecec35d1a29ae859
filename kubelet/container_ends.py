"""Wakes who waits for a container to end: followers of its log."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

__all__ = ["ContainerEnds"]


class ContainerEnds:
    """Events by container id."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watch(self, container_id: str, wake: asyncio.Event) -> Iterator[None]:
        """Have `wake` set when the container ends while the block runs."""
        self._waiting[container_id].add(wake)
        try:
            yield
        finally:
            self._waiting[container_id].discard(wake)
            if not self._waiting[container_id]:
                del self._waiting[container_id]

    def tell(self, container_id: str) -> None:
        """The runtime says that the container has ended."""
        for wake in self._waiting.get(container_id, ()):
            wake.set()
