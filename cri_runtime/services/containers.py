"""RuntimeService: containers.

Source: containerd/containerd internal/cri/server/container_*.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cri_runtime.errors import Code, CriError, invalid
from cri_runtime.statuses import (
    container_item,
    container_matches,
    container_status,
    verbose_info,
)
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from cri_runtime.containers import Containers
    from cri_runtime.records import Container
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.services.registry import Context

__all__ = ["ContainerService", "find_container"]


def find_container(containers: Containers, wanted: str) -> Container:
    """A container that has to be there. Raises CriError: NotFound."""
    try:
        return containers.find(wanted)
    except CriError as error:
        text = f'an error occurred when try to find container "{wanted}"'
        raise error.within(text) from None


class ContainerService:
    """Create, start, stop, remove, look."""

    def __init__(self, sandboxes: Sandboxes, containers: Containers) -> None:
        self._sandboxes = sandboxes
        self._containers = containers

    async def create_container(
        self, request: cri.CreateContainerRequest, _context: Context
    ) -> cri.CreateContainerResponse:
        wanted = request.pod_sandbox_id
        try:
            sandbox = self._sandboxes.find(wanted)
        except CriError as error:
            raise error.within(f'failed to find sandbox id "{wanted}"') from None
        if not request.config.metadata.name:
            raise invalid("container config must include metadata")
        container = await self._containers.create(sandbox, request.config)
        return cri.CreateContainerResponse(container_id=container.id)

    async def start_container(
        self, request: cri.StartContainerRequest, _context: Context
    ) -> cri.StartContainerResponse:
        await self._containers.start(self._find(request.container_id))
        return cri.StartContainerResponse()

    async def stop_container(
        self, request: cri.StopContainerRequest, _context: Context
    ) -> cri.StopContainerResponse:
        container = self._find_to_end(request.container_id)
        if container is not None:
            await self._containers.stop(container, request.timeout)
        return cri.StopContainerResponse()

    async def remove_container(
        self, request: cri.RemoveContainerRequest, _context: Context
    ) -> cri.RemoveContainerResponse:
        container = self._find_to_end(request.container_id)
        if container is not None:
            await self._containers.remove(container)
        return cri.RemoveContainerResponse()

    async def list_containers(
        self, request: cri.ListContainersRequest, _context: Context
    ) -> cri.ListContainersResponse:
        wanted = request.filter
        found = (c for c in self._containers.all() if container_matches(c, wanted))
        return cri.ListContainersResponse(containers=map(container_item, found))

    async def container_status(
        self, request: cri.ContainerStatusRequest, _context: Context
    ) -> cri.ContainerStatusResponse:
        container = self._find(request.container_id)
        return cri.ContainerStatusResponse(
            status=container_status(container),
            info=self._info(container) if request.verbose else {},
        )

    async def update_container_resources(
        self, request: cri.UpdateContainerResourcesRequest, _context: Context
    ) -> cri.UpdateContainerResourcesResponse:
        """New limits; that of memory is in force at once, the others are only reported."""
        container = self._find(request.container_id)
        await self._containers.update_resources(container, request.linux)
        return cri.UpdateContainerResourcesResponse()

    async def reopen_container_log(
        self, request: cri.ReopenContainerLogRequest, _context: Context
    ) -> cri.ReopenContainerLogResponse:
        await self._containers.reopen_log(self._find(request.container_id))
        return cri.ReopenContainerLogResponse()

    def _find(self, wanted: str) -> Container:
        return find_container(self._containers, wanted)

    def _find_to_end(self, wanted: str) -> Container | None:
        """Ending what is not there is no error; ending one of several is."""
        try:
            return self._containers.find(wanted)
        except CriError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise

    def _info(self, container: Container) -> dict[str, str]:
        return verbose_info(
            pid=container.pid,
            sandboxID=container.sandbox_id,
            root=str(self._containers.scratch(container)),
            args=container.process.argv,
            cwd=container.process.cwd,
        )
