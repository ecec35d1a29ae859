"""Keeps an eye on the runtime: is it there, is it ready, which images has it?

Source: kubernetes/kubernetes pkg/kubelet/kubelet.go (updateRuntimeUp),
pkg/kubelet/runtime.go (30 seconds without an answer make the node NotReady).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from hops.clock import on_advance
from kubelet.cri import CriError

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kubelet.runtime import Runtime, RuntimeState
    from rpc import cri_v1_pb2 as cri

__all__ = ["RuntimeMonitor"]

logger = logging.getLogger(__name__)

_PERIOD = 5.0
_FIRST_RETRY = 0.02
_DOWN_AFTER = 30.0
_IMAGES_PERIOD = 30.0


class RuntimeMonitor:
    """Attributes:
    answered: set once the runtime has said how it is.
    state: what it said last, None before.
    images: as the node's status lists them.
    """

    def __init__(self, runtime: Runtime, on_change: Callable[[], None]) -> None:
        self._runtime = runtime
        self._on_change = on_change
        self._last_answer = 0.0
        self.answered = asyncio.Event()
        self.state: RuntimeState | None = None
        self.images: list[JsonObject] = []

    async def run(self) -> None:
        on_advance(self._clock_moved)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_state())
            group.create_task(self._watch_images())

    def complaint(self) -> str:
        """Why the node is not ready, "" when it is."""
        if self.state is None:
            return "container runtime status check may not have completed yet"
        if asyncio.get_running_loop().time() - self._last_answer > _DOWN_AFTER:
            return "container runtime is down"
        complaints = [self.state.runtime_error, self.state.network_error]
        return _aggregate([text for text in complaints if text])

    def network_error(self) -> str:
        """Why pods with a network of their own cannot start, "" when they can."""
        return self.state.network_error if self.state else ""

    async def _clock_moved(self, seconds: float, _everywhere: bool) -> None:
        """It was not the runtime that was silent meanwhile."""
        self._last_answer += seconds

    async def _watch_state(self) -> None:
        delay = _FIRST_RETRY
        while True:
            try:
                await self._look()
            except CriError as err:
                logger.debug("no answer from the runtime", extra={"error": str(err)})
                # Until the first answer the runtime may be just starting.
                delay = min(delay * 1.5, 1.0 if self.state is None else _PERIOD)
                self._on_change()
            else:
                delay = _PERIOD
            await asyncio.sleep(delay)

    async def _look(self) -> None:
        before = self.complaint()
        if not self._runtime.info.name:
            await asyncio.gather(
                self._runtime.version(), self._runtime.find_cgroup_parent()
            )
        self.state = await self._runtime.state()
        self._last_answer = asyncio.get_running_loop().time()
        self.answered.set()
        if self.complaint() != before:
            self._on_change()

    async def _watch_images(self) -> None:
        await self.answered.wait()
        while True:
            try:
                found = await self._runtime.list_images()
            except CriError as err:
                logger.debug("images not listed", extra={"error": str(err)})
            else:
                images = sorted(map(_image, found), key=lambda i: -i["sizeBytes"])
                if images != self.images:
                    self.images = images
                    self._on_change()
            await asyncio.sleep(_IMAGES_PERIOD)


def _image(image: cri.Image) -> JsonObject:
    """Digests before tags, at most five names (nodestatus.MaxNamesPerImageInNodeStatus)."""
    names = [*image.repo_digests, *image.repo_tags] or [
        "<none>@<none>",
        "<none>:<none>",
    ]
    return {"names": names[:5], "sizeBytes": int(image.size)}


def _aggregate(errors: list[str]) -> str:
    """As Go prints several errors."""
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]" if errors else ""
