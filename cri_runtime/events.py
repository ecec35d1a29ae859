"""GetContainerEvents: whoever subscribed hears of every change, with the pod as it is then."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from rpc import cri_v1_pb2 as cri

__all__ = ["EventHub"]

logger = logging.getLogger(__name__)

# More than this is waiting for one subscriber: it has hung, and a kubelet relists anyway.
_QUEUE_SIZE = 1000


class EventHub:
    """Hands events to subscribers; there is no history for those who come later."""

    def __init__(
        self,
        snapshot: Callable[[str, str, int], cri.ContainerEventResponse],
    ) -> None:
        """`snapshot` makes the event of a sandbox id, a container id and a type."""
        self._snapshot = snapshot
        self._queues: set[asyncio.Queue[cri.ContainerEventResponse]] = set()

    @property
    def subscribers(self) -> int:
        """How many listen."""
        return len(self._queues)

    def publish(self, sandbox_id: str, container_id: str, kind: int) -> None:
        """Something happened to a container, or to the sandbox itself (same id twice)."""
        if not self._queues:
            return
        event = self._snapshot(sandbox_id, container_id, kind)
        for queue in self._queues:
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                logger.warning("event dropped: a subscriber does not read")

    async def subscribe(self) -> AsyncIterator[cri.ContainerEventResponse]:
        """Events from now on, until the caller leaves."""
        queue: asyncio.Queue[cri.ContainerEventResponse] = asyncio.Queue(_QUEUE_SIZE)
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)
