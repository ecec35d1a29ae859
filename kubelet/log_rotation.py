"""Rotates the logs of running containers when they have grown too large.

Every interval the runtime is asked which containers run. Each is put in a queue, once,
and workers take them from there: what is written goes to a new file of the same name,
and all but the newest of the old files are compressed. A container that has ended is
left alone: nothing would come into its new file.

Source: kubernetes/kubernetes pkg/kubelet/logs/container_log_manager.go.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from hops.clock import wall
from kubelet.cri import CriError
from kubelet.log_files import clean_up, compress, is_taken, rotated_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubelet.runtime_status import ContainerRuntimeStatus

__all__ = ["LogRotation", "RotatingRuntime", "RotationPolicy"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RotationPolicy:
    """When to rotate, and what to keep.

    Attributes:
        max_size: bytes from which a log is rotated; negative: never.
        max_files: of one container, the one being written included; at least 2.
        workers: logs that may be compressed at the same time.
        interval: seconds between two looks.
    """

    max_size: int = 10 * 1024 * 1024
    max_files: int = 5
    workers: int = 1
    interval: float = 10.0


class RotatingRuntime(Protocol):
    """What the rotation asks of the runtime; each may raise CriError."""

    async def running_container_ids(self) -> Sequence[str]: ...
    async def container_status(self, container_id: str) -> ContainerRuntimeStatus: ...
    async def reopen_log(self, container_id: str) -> None: ...


class LogRotation:
    """`run` it as a task."""

    def __init__(
        self,
        runtime: RotatingRuntime,
        policy: RotationPolicy,
        now: Callable[[], float] = wall,
    ) -> None:
        self._runtime = runtime
        self._policy = policy
        self._now = now
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        if self._policy.max_size < 0:
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(self._policy.workers):
                group.create_task(self._work())
            while True:
                await self._enqueue()
                await asyncio.sleep(self._policy.interval)

    async def rotate_if_large(self, container_id: str) -> bool:
        """Look at one container; whether its log was rotated.

        Raises:
            CriError, OSError: it could not be; the log is where it was, or a next look
                brings it back.
        """
        status = await self._runtime.container_status(container_id)
        path = status.log_path
        if not path:
            return False
        try:
            size = os.stat(path).st_size
        except FileNotFoundError:
            # A rotation was cut short between its two steps: let the runtime make the
            # file, or it goes on writing to the rotated one for ever.
            await self._runtime.reopen_log(container_id)
            size = os.stat(path).st_size
        if size < self._policy.max_size:
            return False
        rotated = rotated_name(path, self._now())
        if is_taken(rotated):
            # Unlike kubelet, where the second rotation in a second takes the first
            # one's lines.
            return False
        await asyncio.to_thread(self._make_room, path)
        await self._rotate(container_id, path, rotated)
        return True

    async def _enqueue(self) -> None:
        try:
            running = await self._runtime.running_container_ids()
        except CriError as err:
            logger.warning("containers not listed", extra={"error": str(err)})
            return
        for container_id in running:
            if container_id not in self._queued:
                self._queued.add(container_id)
                self._queue.put_nowait(container_id)

    async def _work(self) -> NoReturn:
        while True:
            container_id = await self._queue.get()
            try:
                await self.rotate_if_large(container_id)
            except (CriError, OSError) as err:
                logger.warning(
                    "log not rotated",
                    extra={"container": container_id, "error": str(err)},
                )
            finally:
                self._queued.discard(container_id)

    def _make_room(self, path: str) -> None:
        # Besides these there will be the log itself and what is rotated now.
        for name in clean_up(path, max(self._policy.max_files - 2, 0)):
            compress(name)

    async def _rotate(self, container_id: str, path: str, rotated: str) -> None:
        os.rename(path, rotated)
        try:
            await self._runtime.reopen_log(container_id)
        except BaseException:
            _put_back(rotated, path)
            raise


def _put_back(rotated: str, path: str) -> None:
    """So that the next look can try again and nothing is out of sight.

    The runtime may have made the new file all the same: a link, unlike a renaming, does
    not replace it.
    """
    with suppress(FileExistsError):
        os.link(rotated, path)
        os.unlink(rotated)
