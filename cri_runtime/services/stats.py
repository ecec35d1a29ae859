"""RuntimeService: usage and events.

Source: containerd/containerd internal/cri/server/{container_stats,sandbox_stats,events}*.go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cri_runtime import stats
from cri_runtime.errors import CriError
from cri_runtime.services.containers import find_container
from cri_runtime.statuses import has_labels
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cri_runtime.containers import Containers
    from cri_runtime.events import EventHub
    from cri_runtime.records import Container, Sandbox
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.services.registry import Context

__all__ = ["StatsService"]


class StatsService:
    """What containers and pods use, and what happens to them."""

    def __init__(
        self, sandboxes: Sandboxes, containers: Containers, events: EventHub
    ) -> None:
        self._sandboxes = sandboxes
        self._containers = containers
        self._events = events
        self._meter = stats.CpuMeter()

    async def container_stats(
        self, request: cri.ContainerStatsRequest, _context: Context
    ) -> cri.ContainerStatsResponse:
        container = find_container(self._containers, request.container_id)
        if container.state != cri.CONTAINER_RUNNING:
            raise CriError(
                f"failed to fetch metrics for task: container is in "
                f"{container.state_name} state"
            )
        return cri.ContainerStatsResponse(stats=await self._measure(container))

    async def list_container_stats(
        self, request: cri.ListContainerStatsRequest, _context: Context
    ) -> cri.ListContainerStatsResponse:
        wanted = request.filter
        found = [
            container
            for container in self._running()
            if container.id.startswith(wanted.id)
            and container.sandbox_id.startswith(wanted.pod_sandbox_id)
            and has_labels(container.config.labels, wanted.label_selector)
        ]
        measured = await asyncio.gather(*map(self._measure, found))
        return cri.ListContainerStatsResponse(stats=measured)

    async def pod_sandbox_stats(
        self, request: cri.PodSandboxStatsRequest, _context: Context
    ) -> cri.PodSandboxStatsResponse:
        try:
            sandbox = self._sandboxes.find(request.pod_sandbox_id)
        except CriError as error:
            raise error.within(
                "an error occurred when trying to find sandbox"
            ) from None
        return cri.PodSandboxStatsResponse(stats=await self._measure_pod(sandbox))

    async def list_pod_sandbox_stats(
        self, request: cri.ListPodSandboxStatsRequest, _context: Context
    ) -> cri.ListPodSandboxStatsResponse:
        wanted = request.filter
        found = [
            sandbox
            for sandbox in self._sandboxes.all()
            if sandbox.ready
            and sandbox.id.startswith(wanted.id)
            and has_labels(sandbox.config.labels, wanted.label_selector)
        ]
        measured = await asyncio.gather(*map(self._measure_pod, found))
        return cri.ListPodSandboxStatsResponse(stats=measured)

    async def get_container_events(
        self, _request: cri.GetEventsRequest, _context: Context
    ) -> AsyncIterator[cri.ContainerEventResponse]:
        async for event in self._events.subscribe():
            yield event

    def _running(self) -> list[Container]:
        return [c for c in self._containers.all() if c.state == cri.CONTAINER_RUNNING]

    async def _measure(self, container: Container) -> cri.ContainerStats:
        usage = stats.measure(await self._containers.pids(container))
        config, root = container.config, self._containers.scratch(container)
        size, inodes = await asyncio.to_thread(stats.disk_usage, root)
        return stats.container_stats(
            cri.ContainerAttributes(
                id=container.id,
                metadata=config.metadata,
                labels=config.labels,
                annotations=config.annotations,
            ),
            self._meter.read(container.id, usage),
            usage,
            stats.filesystem(root, size, inodes),
        )

    async def _measure_pod(self, sandbox: Sandbox) -> cri.PodSandboxStats:
        """A pod is its shim and its containers."""
        containers = [c for c in self._running() if c.sandbox_id == sandbox.id]
        pids = await asyncio.gather(*map(self._containers.pids, containers))
        everyone = [sandbox.shim_pid, *(pid for some in pids for pid in some)]
        usage = stats.measure(everyone)
        config = sandbox.config
        return cri.PodSandboxStats(
            attributes=cri.PodSandboxAttributes(
                id=sandbox.id,
                metadata=config.metadata,
                labels=config.labels,
                annotations=config.annotations,
            ),
            linux=cri.LinuxPodSandboxStats(
                cpu=self._meter.read(sandbox.id, usage),
                memory=stats.memory(usage),
                process=stats.processes(usage),
                containers=await asyncio.gather(*map(self._measure, containers)),
            ),
        )
