"""One kubelet, put together: the only file that knows all the parts.

Start-up order is what decides how soon the node is Ready: the server listens, the
runtime is asked and the API server is dialled at the same time; the node is registered
as soon as all three have happened, and everything else comes after.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING

from apimachinery.meta import micro_time
from hops.clock import wall
from hops.hop import Hop
from hops.serve import serve_application
from hops.tasks import cancel_and_wait, spawn
from hops.tls.contexts import server_context
from kube_client.reflector import Reflector
from kube_client.resources import PODS, SERVICES
from kubelet import pod as pods
from kubelet.backoff import Backoff
from kubelet.config import WEBHOOK
from kubelet.container_ends import ContainerEnds
from kubelet.container_garbage import ContainerGarbage
from kubelet.container_kill import ContainerKiller
from kubelet.container_start import ContainerStarter, NodeFacts
from kubelet.cri import CriClient
from kubelet.dns_config import DnsSettings, parse_resolv_conf
from kubelet.event_texts import EventTexts
from kubelet.events import EventRecorder, node_reference
from kubelet.hooks import Hooks
from kubelet.images import ImageManager
from kubelet.lease import LeaseKeeper
from kubelet.log_rotation import LogRotation, RotationPolicy
from kubelet.machine import read_machine
from kubelet.mirror_pods import MirrorPods
from kubelet.node import NodeRegistration
from kubelet.node_status import capacity
from kubelet.node_view import NodeView
from kubelet.objects import ObjectCache
from kubelet.pleg import Pleg
from kubelet.pod_sync import PodSyncer
from kubelet.pod_workers import PodWorkers
from kubelet.probe_actions import Prober
from kubelet.probe_results import ProbeResults
from kubelet.probes import ProbeManager
from kubelet.runtime import Runtime
from kubelet.runtime_monitor import RuntimeMonitor
from kubelet.server.app import (
    healthz_application,
    main_application,
    read_only_application,
)
from kubelet.server.auth import Authorizer, auth_middleware
from kubelet.server.users import Authenticator
from kubelet.static_pods import StaticPods
from kubelet.status_manager import StatusManager
from kubelet.sync_loop import SyncLoop
from kubelet.sync_parts import SyncParts
from kubelet.tokens import TokenManager
from kubelet.volumes import Volumes

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from contextlib import AbstractContextManager
    from typing import Any

    from apimachinery.types import JsonObject
    from hops.hops import Hops
    from hops.serve import ServedApplication
    from kube_client.client import KubeClient
    from kubelet.config import KubeletConfig
    from kubelet.machine import Machine

__all__ = ["Kubelet"]

logger = logging.getLogger(__name__)

_RUNTIME_PATIENCE = 2.0


class Kubelet:
    """`start` it inside a running loop, `close` it; containers stay."""

    def __init__(self, config: KubeletConfig, hops: Hops, client: KubeClient) -> None:
        self._config = config
        self._hops = hops
        self._client = client
        self._tasks: list[asyncio.Task[Any]] = []
        self._listeners: list[ServedApplication] = []
        os.makedirs(config.root_dir, mode=0o750, exist_ok=True)
        os.makedirs(config.pod_logs_dir, mode=0o755, exist_ok=True)
        self._machine = read_machine(config.root_dir)
        self._host_ips = (config.node_ip or _own_address(config),)
        if config.runtime_endpoint != config.container_runtime_endpoint:
            logger.warning(
                "Using this endpoint is deprecated, please consider using full URL"
                ' format: endpoint="%s" URL="%s"',
                config.container_runtime_endpoint,
                config.runtime_endpoint,
            )
        self._cri = CriClient(config.runtime_endpoint)
        self._runtime = Runtime(self._cri)
        self._ends = ContainerEnds()
        self._recorder = EventRecorder(client, config.node_name)
        self._results = ProbeResults(
            lambda uid, kind, success: self._loop.probe_changed(uid, kind, success)
        )
        self._statuses = StatusManager(client)
        prober = Prober(hops, self._runtime, f"kube-probe/{config.emulate_version}")
        self._probes = ProbeManager(
            prober, self._results, self._recorder, self._statuses.status
        )
        self._statuses.on_status = self._probes.poke
        self._volumes = Volumes(config.root_dir)
        self._monitor = RuntimeMonitor(self._runtime, self._node_changed)
        self._services = Reflector(client, SERVICES, lambda kind, service: None)
        self._allocatable = capacity(self._machine, config.max_pods)
        syncer = self._make_syncer()
        self._workers = PodWorkers(syncer, ObjectCache(client), self._recorder)
        self._mirrors = MirrorPods(
            client,
            config.node_name,
            lambda: self._node.uid if self._node else "",
            self._statuses.observe_mirror,
        )
        self._loop = SyncLoop(
            self._workers,
            syncer,
            self._statuses,
            self._runtime,
            self._recorder,
            self._labels,
            self._allocatable,
            self._mirrors,
        )
        self._static = StaticPods(self._workers, self._mirrors, self._loop.pod_event)
        self._pods = Reflector(
            client,
            PODS,
            self._loop.pod_event,
            field_selector=f"spec.nodeName={config.node_name}",
        )
        self._pleg = Pleg(
            self._runtime, self._cri, self._loop.pod_changed, self._ends.tell
        )
        self._view = NodeView(
            config,
            self._machine,
            self._host_ips,
            self._runtime,
            self._monitor,
            self._pleg,
        )
        policy = RotationPolicy(
            config.container_log_bytes(),
            config.container_log_max_files,
            config.container_log_max_workers,
            config.container_log_monitor_interval,
        )
        self._rotation = LogRotation(self._runtime, policy)
        self._node: NodeRegistration | None = None

    def _make_syncer(self) -> PodSyncer:
        config, runtime, recorder = self._config, self._runtime, self._recorder
        hooks = Hooks(self._hops, runtime)
        texts = EventTexts(config.minor)
        node = NodeFacts(
            host_ips=self._host_ips,
            memory=self._machine.memory,
            allocatable=self._allocatable,
            log_root=config.pod_logs_dir,
            services=self._services.items.values,
        )
        images = ImageManager(
            runtime, recorder, texts, serialize=config.serialize_image_pulls
        )
        return PodSyncer(
            SyncParts(
                runtime=runtime,
                starter=ContainerStarter(runtime, images, hooks, recorder, texts, node),
                killer=ContainerKiller(runtime, hooks, recorder),
                garbage=ContainerGarbage(runtime, config.pod_logs_dir),
                volumes=self._volumes,
                tokens=TokenManager(self._client),
                statuses=self._statuses,
                probes=self._probes,
                results=self._results,
                recorder=recorder,
                backoff=Backoff(),
                node=node,
                dns=_host_dns(config.resolv_conf),
                network_error=self._monitor.network_error,
                cluster_dns=config.cluster_dns,
                cluster_domain=config.cluster_domain,
            )
        )

    # Life

    async def start(self, known_node: asyncio.Task[JsonObject | None]) -> None:
        """Serve, register, run pods. Returns once the server listens.

        Args:
            known_node: the node as the API server has it, asked for while we loaded.

        Raises:
            OSError: a port is taken, or a certificate cannot be read.
        """
        self._spawn("runtime monitor", self._monitor.run())
        await self._serve()
        self._node = node = NodeRegistration(
            self._client,
            self._view.identity(self.port),
            self._view.moment,
            self._recorder,
            self._tell_pod_cidr,
            self._config.node_status_update_frequency,
        )
        self._spawn("node", self._run_node(node, known_node))
        self._spawn("pods", self._pods.run())
        self._begin_static_pods()
        self._spawn(
            "mirror pods",
            self._mirrors.run(self._static.read, self._pods.synced, node.registered),
        )
        self._spawn("services", self._services.run())
        self._spawn("pleg", self._pleg.run())
        self._spawn("lease", self._run_lease(node))
        self._spawn("log rotation", self._rotation.run())
        self._spawn("pod resources", self._serve_pod_resources(node))
        self._tasks.append(self._recorder.start())
        directories = await asyncio.to_thread(self._volumes.known_pods)
        self._spawn(
            "orphans",
            self._loop.clean_up_orphans(
                (self._pods.synced, self._static.read), self._pleg, directories
            ),
        )
        reference = node_reference(self._config.node_name)
        self._recorder.normal(reference, "Starting", "Starting kubelet.")

    async def close(self) -> None:
        """Stop serving and watching. What runs goes on running."""
        for listener in self._listeners:
            listener.close()
        await cancel_and_wait(*self._tasks)
        await self._static.stop()
        await self._workers.stop()
        self._probes.stop()
        await self._statuses.stop()
        for listener in self._listeners:
            await listener.wait_closed()
        await self._cri.close()
        await self._client.close()

    @property
    def port(self) -> int:
        """The port of the HTTPS server."""
        return self._listeners[0].port

    @property
    def address(self) -> str:
        """The URL of the HTTPS server."""
        return f"https://{self._config.address}:{self.port}"

    def _spawn(self, name: str, coro: Coroutine[Any, Any, Any]) -> None:
        self._tasks.append(spawn(f"kubelet {name}", coro))

    async def _serve(self) -> None:
        config = self._config
        auth = auth_middleware(
            Authenticator(
                anonymous=config.anonymous_auth,
                client=self._client if config.authentication_token_webhook else None,
            ),
            Authorizer(
                config.node_name,
                self._client if config.authorization_mode == WEBHOOK else None,
            ),
            config.minor,
        )
        tls = server_context(
            config.tls_cert_file,
            config.tls_private_key_file,
            client_ca=config.client_ca_file or None,
        )
        await self._listen(
            main_application(self, auth), config.address, config.port, tls
        )
        if config.read_only_port:
            await self._listen(
                read_only_application(self), config.address, config.read_only_port
            )
        if config.healthz_port:
            await self._listen(
                healthz_application(self),
                config.healthz_bind_address,
                config.healthz_port,
            )

    async def _listen(self, app: Any, address: str, port: int, tls: Any = None) -> None:
        listener = await serve_application(
            self._hops, Hop.APISERVER_KUBELET, app, (address, port), tls=tls
        )
        self._listeners.append(listener)

    def _begin_static_pods(self) -> None:
        config = self._config
        if not config.pod_manifest_path:
            self._static.update(())
            return
        from kubelet.manifests import Manifests  # validation need not be loaded else

        manifests = Manifests(
            os.path.abspath(config.pod_manifest_path),
            config.node_name,
            config.file_check_frequency,
            self._static.update,
            lambda: micro_time(wall()),
        )
        self._spawn("static pods", manifests.run())

    # The node

    def _node_changed(self) -> None:
        if self._node is not None:
            self._node.refresh()

    def _tell_pod_cidr(self, pod_cidr: str) -> None:
        self._spawn("pod CIDR", self._runtime.announce_pod_cidr(pod_cidr))

    def _labels(self) -> Mapping[str, str]:
        return self._node.labels if self._node else self._config.node_labels

    async def _run_node(
        self, node: NodeRegistration, known_node: asyncio.Task[JsonObject | None]
    ) -> None:
        # A node that registers Ready at once needs no second request.
        try:
            async with asyncio.timeout(_RUNTIME_PATIENCE):
                await self._monitor.answered.wait()
        except TimeoutError:
            logger.warning("the runtime does not answer: registering as not ready")
        await node.run(await known_node)

    async def _run_lease(self, node: NodeRegistration) -> None:
        await node.registered.wait()
        lease = LeaseKeeper(self._client, self._config.node_name, lambda: node.uid)
        await lease.run()

    async def _serve_pod_resources(self, node: NodeRegistration) -> None:
        await node.registered.wait()
        # Node agents can wait: a node that is Ready a little sooner is worth more.
        from kubelet.podresources import PodResourcesServer

        path = self._config.pod_resources_socket or os.path.join(
            self._config.root_dir, "pod-resources", "kubelet.sock"
        )
        server = PodResourcesServer(
            path, self._machine, self._workers.active_pods, time.monotonic
        )
        try:
            await server.start()
            await asyncio.Event().wait()
        finally:
            await server.close()

    # kubelet.server.host.Host

    @property
    def config(self) -> KubeletConfig:
        return self._config

    @property
    def hops(self) -> Hops:
        return self._hops

    @property
    def runtime(self) -> Runtime:
        return self._runtime

    @property
    def machine(self) -> Machine:
        return self._machine

    @property
    def probe_results(self) -> ProbeResults:
        return self._results

    def pods(self) -> list[JsonObject]:
        return [
            {**pod, "status": self.pod_status(pods.uid(pod)) or pods.status_of(pod)}
            for pod in self._workers.pods()
        ]

    def pod_named(self, namespace: str, name: str) -> JsonObject | None:
        return self._workers.pod_named(namespace, name)

    def pod_status(self, uid: str) -> JsonObject | None:
        return self._statuses.status(uid)

    def when_container_ends(
        self, container_id: str, wake: asyncio.Event
    ) -> AbstractContextManager[None]:
        return self._ends.watch(container_id, wake)

    def health_checks(self) -> dict[str, str]:
        return {"ping": "", "log": "", "syncloop": self._pleg.complaint()}


def _host_dns(path: str) -> DnsSettings:
    try:
        with open(path, encoding="utf-8") as file:
            return parse_resolv_conf(file.read())
    except OSError:
        return DnsSettings()


def _own_address(config: KubeletConfig) -> str:
    """The address others reach this machine under."""
    if config.address not in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return config.address
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the kernel only picks the address it would send from.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
