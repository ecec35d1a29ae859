"""Putting the runtime together; the only module that knows all its parts."""

from __future__ import annotations

import fcntl
import logging
import os
from typing import TYPE_CHECKING

import grpc

from cri_runtime import statuses
from cri_runtime.containers import Containers
from cri_runtime.events import EventHub
from cri_runtime.execs import Execs
from cri_runtime.images.catalogue import Catalogue
from cri_runtime.images.store import Images
from cri_runtime.launcher_client import LauncherClient
from cri_runtime.pod_ports import PodPorts
from cri_runtime.port_rules import PortRules
from cri_runtime.ports import PortMap
from cri_runtime.sandboxes import Sandboxes
from cri_runtime.scripts.kwok import KwokConfig
from cri_runtime.scripts.scripts import Scripts
from cri_runtime.services.containers import ContainerService
from cri_runtime.services.images import ImageService
from cri_runtime.services.node import NodeService
from cri_runtime.services.pods import PodService
from cri_runtime.services.registry import handlers_for
from cri_runtime.services.stats import StatsService
from cri_runtime.services.streams import StreamService
from cri_runtime.store import RecordStore
from cri_runtime.streaming.server import StreamingServer
from hops import clock
from hops.hop import Hop
from hops.relay import Relay

if TYPE_CHECKING:
    from cri_runtime.config import Config
    from hops.hops import Hops
    from rpc import cri_v1_pb2 as cri

__all__ = ["AlreadyRunning", "Runtime"]

logger = logging.getLogger(__name__)

# kubernetes/cri-client pkg/utils.go: the kubelet takes no more
_MAX_MESSAGE = 16 * 1024 * 1024
_GRPC_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    # ExecSync alone may bring two streams of 16 MiB; it is the client that refuses them.
    ("grpc.max_send_message_length", -1),
    # A fixed window, instead of pings after each request that measure the best one.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1024 * 1024),
)
# Calls that last longer when we stop are cut: event streams never end by themselves.
_STOP_GRACE_SECONDS = 0.2


class AlreadyRunning(OSError):  # noqa: N818 - a state of affairs
    """Another runtime has this state folder."""


class Runtime:
    """A whole runtime.

    Usage: `runtime = Runtime(config, hops)`, `await runtime.start()`, `await runtime.close()`.
    Closing leaves the containers running; the next start finds them.
    """

    def __init__(self, config: Config, hops: Hops) -> None:
        self._config = config
        for folder in (config.root, config.state):
            folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._lock = _lock(config)
        self._launcher = LauncherClient(hops, config.state)
        self.sandboxes = Sandboxes(
            hops,
            config.state,
            RecordStore(config.root / "sandboxes", "sandbox.json"),
            self._launcher,
        )
        self.images = Images(
            Catalogue.load(config.catalogue),
            config.root / "images.json",
            "strict" if config.image_policy == "strict" else "permissive",
        )
        self.scripts = Scripts(KwokConfig.load(config.kwok_config))
        self.containers = Containers(
            self.sandboxes,
            self.images,
            RecordStore(config.root / "containers", "container.json"),
            self.scripts,
        )
        clock.on_advance(self.sandboxes.clock_moved)
        self.execs = Execs(self.sandboxes, self.scripts)
        self.events = EventHub(self._snapshot)
        self.sandboxes.publish = self.events.publish
        self._port_map = PortMap(self.containers)
        self.streaming = StreamingServer(
            hops,
            self.sandboxes,
            self.containers,
            self.execs,
            PodPorts(
                hops,
                self.sandboxes,
                self._port_map,
                PortRules(self.containers, self.execs, self.scripts),
            ),
            dialect=config.dialect,
            idle_timeout=config.stream_idle_timeout,
        )
        # grpcio makes its socket with the mode of the moment; so the folder is closed.
        private = config.state / "p"
        private.mkdir(mode=0o700, exist_ok=True)
        self._private_socket = str(private / "grpc.sock")
        self._server: grpc.aio.Server | None = None
        self._relay = Relay(hops, Hop.KUBELET_CRI, self.address, self._private_socket)

    @property
    def address(self) -> str:
        """The path of the CRI socket."""
        return self._config.address or str(self._config.state / "cri.sock")

    async def start(self) -> None:
        """Find what ran before, and serve.

        Raises:
            OSError: an address cannot be had.
        """
        await self._launcher.ensure()
        self.containers.recover(await self.sandboxes.recover())
        config = self._config
        await self.streaming.start(
            config.stream_server_address, config.stream_server_port
        )
        self._server = self._make_server()
        await self._server.start()
        os.chmod(self._private_socket, 0o600)
        await self._relay.start()

    async def close(self) -> None:
        """Serve no more, and let go of the containers."""
        self._relay.close()
        await self.streaming.close()
        if self._server is not None:
            await self._server.stop(_STOP_GRACE_SECONDS)
        await self._relay.wait_closed()
        self.sandboxes.close()
        self._launcher.close()
        os.close(self._lock)

    def _make_server(self) -> grpc.aio.Server:
        server = grpc.aio.server(options=_GRPC_OPTIONS)
        parts = (
            NodeService(self._config),
            PodService(self.sandboxes, self.containers, self._port_map),
            ContainerService(self.sandboxes, self.containers),
            StreamService(self.sandboxes, self.containers, self.execs, self.streaming),
            StatsService(self.sandboxes, self.containers, self.events),
        )
        images = (ImageService(self.images, self._config.root),)
        server.add_generic_rpc_handlers(
            (
                handlers_for("RuntimeService", parts),
                handlers_for("ImageService", images),
            )
        )
        server.add_insecure_port(f"unix:{self._private_socket}")
        return server

    def _snapshot(
        self, sandbox_id: str, container_id: str, kind: int
    ) -> cri.ContainerEventResponse:
        return statuses.event(
            self.sandboxes.get(sandbox_id),
            self.containers.of(sandbox_id),
            container_id,
            kind,
        )


def _lock(config: Config) -> int:
    """Keep a second runtime away from our folders, until we are gone."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(config.state / "lock", flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        text = f"another mini-cri runs with the state folder {config.state}"
        raise AlreadyRunning(text) from None
    return descriptor
