"""All controllers together: what kube-scheduler and kube-controller-manager are.

They talk to the API server over HTTPS like everyone else, as the users
system:kube-scheduler and system:kube-controller-manager, also when they run in its
process.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, TypeVar

from controllers.api import Api, Trouble
from controllers.discovery import collectable_types, deletable_types
from controllers.events import EventRecorder
from controllers.garbage_collector import GarbageCollector
from controllers.informer import Informer
from controllers.namespaces import NamespaceController
from controllers.node_lifecycle import NodeLifecycle
from controllers.pod_gc import PodGarbageCollector
from controllers.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    LEASES,
    NAMESPACES,
    NODES,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
    ResourceType,
)
from controllers.scheduler import Scheduler
from controllers.service_accounts import NamespaceFurnisher
from controllers.taint_eviction import TaintEviction
from controllers.workloads.deployments import Deployments
from controllers.workloads.jobs import Jobs
from controllers.workloads.replica_sets import ReplicaSets
from hops.clock import wall
from hops.hop import Hop
from kube_client.client import KubeClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from controllers.config import ControllersConfig
    from hops.hops import Hops

__all__ = ["run_controllers"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_USER_AGENT: Final = "mini-kube-controllers"
_RETRY: Final = 0.05
# The controllers that nobody waits for leave the processor to the kubelets first.
_SETTLE: Final = 1.0


async def run_controllers(hops: Hops, config: ControllersConfig) -> None:
    """Run them all until cancelled."""
    async with AsyncExitStack() as stack:
        scheduling = _client(hops, config.scheduler_kubeconfig)
        stack.push_async_callback(scheduling.close)
        managing = _client(hops, config.controllers_kubeconfig)
        stack.push_async_callback(managing.close)
        ca_pem = config.ca_file.read_text()
        manager = _Manager(scheduling, managing, ca_pem)
        async with asyncio.TaskGroup() as tasks:
            await manager.start(tasks)


class _Manager:
    def __init__(
        self, scheduling: KubeClient, managing: KubeClient, ca_pem: str
    ) -> None:
        self._scheduling = scheduling
        self._managing = managing
        self._api = Api(managing)
        self._ca_pem = ca_pem
        self._informers: dict[ResourceType, Informer] = {}

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        pods = self._informer(tasks, PODS)
        nodes = self._informer(tasks, NODES)
        events = _recorder(Api(self._scheduling), "default-scheduler")
        scheduler = Scheduler(Api(self._scheduling), pods, nodes, events, wall)
        tasks.create_task(scheduler.run(), name="scheduler")
        await asyncio.sleep(_SETTLE)
        await self._start_others(tasks, pods, nodes)

    async def _start_others(
        self, tasks: asyncio.TaskGroup, pods: Informer, nodes: Informer
    ) -> None:
        types = await _until_done(lambda: collectable_types(self._api))
        namespaces = self._informer(tasks, NAMESPACES)
        leases = self._informer(tasks, LEASES)
        api, clock = self._api, wall
        events = _recorder(api, "node-controller")
        evictions = _recorder(api, "taint-eviction-controller")
        present = {(item.group, item.resource) for item in types}
        config_maps, accounts = (
            self._informer(tasks, resource)
            if (resource.group, resource.resource) in present
            else None
            for resource in (CONFIG_MAPS, SERVICE_ACCOUNTS)
        )
        for controller in (
            NamespaceController(api, namespaces, lambda: deletable_types(api)),
            NamespaceFurnisher(api, namespaces, config_maps, accounts, self._ca_pem),
            NodeLifecycle(api, nodes, pods, leases, events, clock),
            TaintEviction(api, nodes, pods, evictions, clock),
            PodGarbageCollector(api, nodes, pods, clock),
            GarbageCollector(api, types, lambda item: self._informer(tasks, item)),
            *self._workloads(tasks, present, pods),
        ):
            tasks.create_task(controller.run(), name=type(controller).__name__)

    def _workloads(
        self,
        tasks: asyncio.TaskGroup,
        present: set[tuple[str, str]],
        pods: Informer,
    ) -> list[ReplicaSets | Deployments | Jobs]:
        """The controllers that make pods, for the types that the server has."""
        api, clock = self._api, wall
        controllers: list[ReplicaSets | Deployments | Jobs] = []
        if ("apps", "replicasets") in present and ("apps", "deployments") in present:
            sets = self._informer(tasks, REPLICA_SETS)
            deployments = self._informer(tasks, DEPLOYMENTS)
            events = _recorder(api, "replicaset-controller")
            controllers.append(ReplicaSets(api, sets, pods, events, clock))
            events = _recorder(api, "deployment-controller")
            controllers.append(Deployments(api, deployments, sets, pods, events, clock))
        if ("batch", "jobs") in present:
            events = _recorder(api, "job-controller")
            jobs = self._informer(tasks, JOBS)
            controllers.append(Jobs(api, jobs, pods, events, clock))
        return controllers

    def _informer(self, tasks: asyncio.TaskGroup, resource: ResourceType) -> Informer:
        """The one informer of a type, followed from its first use on."""
        informer = self._informers.get(resource)
        if informer is None:
            informer = self._informers[resource] = Informer(resource)
            name = f"informer {resource.resource}"
            tasks.create_task(informer.follow(self._managing), name=name)
        return informer


async def _until_done(attempt: Callable[[], Awaitable[_T]]) -> _T:
    """Try until the server answers: it may be starting, or starting again."""
    while True:
        try:
            return await attempt()
        except Trouble as err:
            logger.debug("the API server is not there", extra={"why": str(err)})
            await asyncio.sleep(_RETRY)


def _client(hops: Hops, kubeconfig: Path) -> KubeClient:
    return KubeClient.from_kubeconfig(
        hops, Hop.CONTROLLERS_APISERVER, kubeconfig, user_agent=_USER_AGENT
    )


def _recorder(api: Api, component: str) -> EventRecorder:
    return EventRecorder(api, component, socket.gethostname(), wall)
