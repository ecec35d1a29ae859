"""RuntimeService: pod sandboxes.

Source: containerd/containerd internal/cri/server/sandbox_*.go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cri_runtime.errors import Code, CriError, invalid
from cri_runtime.statuses import (
    container_status,
    sandbox_item,
    sandbox_matches,
    sandbox_status,
    verbose_info,
)
from hops.clock import wall_ns
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from cri_runtime.containers import Containers
    from cri_runtime.ports import PortMap
    from cri_runtime.records import Sandbox
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.services.registry import Context

__all__ = ["PodService"]


class PodService:
    """Run, stop, remove, look."""

    def __init__(
        self, sandboxes: Sandboxes, containers: Containers, ports: PortMap
    ) -> None:
        self._sandboxes = sandboxes
        self._containers = containers
        self._ports = ports

    async def run_pod_sandbox(
        self, request: cri.RunPodSandboxRequest, _context: Context
    ) -> cri.RunPodSandboxResponse:
        if not request.config.metadata.name:
            raise invalid("sandbox config must include metadata")
        sandbox = await self._sandboxes.run(request.config, request.runtime_handler)
        return cri.RunPodSandboxResponse(pod_sandbox_id=sandbox.id)

    async def stop_pod_sandbox(
        self, request: cri.StopPodSandboxRequest, _context: Context
    ) -> cri.StopPodSandboxResponse:
        sandbox = self._find_to_end(request.pod_sandbox_id)
        if sandbox is not None:
            await self._sandboxes.stop(sandbox)
        return cri.StopPodSandboxResponse()

    async def remove_pod_sandbox(
        self, request: cri.RemovePodSandboxRequest, _context: Context
    ) -> cri.RemovePodSandboxResponse:
        sandbox = self._find_to_end(request.pod_sandbox_id)
        if sandbox is not None:
            await self._sandboxes.stop(sandbox)
            containers = self._containers.of(sandbox.id)
            await asyncio.gather(*map(self._containers.remove, containers))
            await self._sandboxes.remove(sandbox)
        return cri.RemovePodSandboxResponse()

    async def pod_sandbox_status(
        self, request: cri.PodSandboxStatusRequest, _context: Context
    ) -> cri.PodSandboxStatusResponse:
        try:
            sandbox = self._sandboxes.find(request.pod_sandbox_id)
        except CriError as error:
            raise error.within("an error occurred when try to find sandbox") from None
        return cri.PodSandboxStatusResponse(
            status=sandbox_status(sandbox),
            info=self._info(sandbox) if request.verbose else {},
            containers_statuses=map(container_status, self._containers.of(sandbox.id)),
            timestamp=wall_ns(),
        )

    async def list_pod_sandbox(
        self, request: cri.ListPodSandboxRequest, _context: Context
    ) -> cri.ListPodSandboxResponse:
        found = (s for s in self._sandboxes.all() if sandbox_matches(s, request.filter))
        return cri.ListPodSandboxResponse(items=map(sandbox_item, found))

    def _find_to_end(self, wanted: str) -> Sandbox | None:
        """Ending what is not there is no error; ending one of several is."""
        try:
            return self._sandboxes.find(wanted)
        except CriError as error:
            if error.code is Code.NOT_FOUND:
                return None
            raise

    def _info(self, sandbox: Sandbox) -> dict[str, str]:
        return verbose_info(
            pid=sandbox.shim_pid,
            address=sandbox.address,
            shimSocket=sandbox.socket,
            ports=self._ports.of(sandbox.id),
        )
