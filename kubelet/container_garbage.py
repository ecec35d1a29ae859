"""Removes container instances that nobody will ask for again, with their logs.

The last dead instance of each container stays: `kubectl logs -p` reads it.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/kuberuntime_gc.go,
kuberuntime_container.go (pruneInitContainersBeforeStart, purgeInitContainers,
removeContainerLog).
"""

from __future__ import annotations

import asyncio
import glob
import logging
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from kubelet import pod as pods
from kubelet.cri import CriError
from kubelet.runtime_status import ContainerState

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.runtime import Runtime
    from kubelet.runtime_status import ContainerRuntimeStatus, PodRuntimeStatus

__all__ = ["ContainerGarbage"]

logger = logging.getLogger(__name__)


class ContainerGarbage:
    """Removal of what is dead."""

    def __init__(self, runtime: Runtime, log_root: str) -> None:
        self._runtime = runtime
        self._links = os.path.join(os.path.dirname(log_root), "containers")

    async def forget_old_instances(self, status: PodRuntimeStatus, name: str) -> None:
        """A container has started anew: of its dead ones only the last is kept."""
        dead = [
            c
            for c in status.containers
            if c.name == name and c.state is ContainerState.EXITED
        ]
        for instance in dead[1:]:
            await self._remove(instance)

    async def purge_init_containers(
        self, pod: JsonObject, status: PodRuntimeStatus
    ) -> None:
        """A new sandbox begins from the first init container again."""
        names = {container["name"] for container in pods.init_containers(pod)}
        for instance in status.containers:
            if instance.name in names:
                await self._remove(instance)

    async def remove_logs(self, directory: str) -> None:
        """All logs of a pod, and the links to them."""
        await asyncio.to_thread(self._remove_logs, directory)

    async def _remove(self, instance: ContainerRuntimeStatus) -> None:
        await asyncio.to_thread(_unlink_log, instance.log_path)
        try:
            await self._runtime.remove_container(instance.id)
        except CriError as err:
            # The next round tries again.
            logger.warning("container not removed", extra={"error": str(err)})

    def _remove_logs(self, directory: str) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        with suppress(FileNotFoundError):
            for name in os.listdir(self._links):
                link = os.path.join(self._links, name)
                if os.path.islink(link) and not os.path.exists(link):
                    os.unlink(link)


def _unlink_log(path: str) -> None:
    """The file and its rotated parts."""
    if not path:
        return
    for name in (path, *glob.glob(glob.escape(path) + ".*")):
        with suppress(FileNotFoundError):
            os.unlink(name)
