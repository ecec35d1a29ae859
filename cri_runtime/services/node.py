"""RuntimeService: the runtime itself.

Source: containerd/containerd internal/cri/server/{version,status,runtime_config}.go.
"""

from __future__ import annotations

import json
import logging
import platform
from typing import TYPE_CHECKING

from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from cri_runtime.config import Config
    from cri_runtime.services.registry import Context

__all__ = ["API_VERSION", "RUNTIME_NAME", "RUNTIME_VERSION", "NodeService"]

logger = logging.getLogger(__name__)

# of the kubelet's runtime API; the kubelet refuses any other
API_VERSION = "0.1.0"
RUNTIME_NAME = "mini-cri"
RUNTIME_VERSION = "v0.1.0"


class NodeService:
    """Who we are and how we do."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def version(
        self, _request: cri.VersionRequest, _context: Context
    ) -> cri.VersionResponse:
        return cri.VersionResponse(
            version=API_VERSION,
            runtime_name=RUNTIME_NAME,
            runtime_version=RUNTIME_VERSION,
            runtime_api_version="v1",
        )

    async def status(
        self, request: cri.StatusRequest, _context: Context
    ) -> cri.StatusResponse:
        """Both conditions hold as long as we answer: there is no network plugin to wait for."""
        conditions = [
            cri.RuntimeCondition(type=kind, status=True)
            for kind in ("RuntimeReady", "NetworkReady")
        ]
        return cri.StatusResponse(
            status=cri.RuntimeStatus(conditions=conditions),
            info=self._info() if request.verbose else {},
            runtime_handlers=[
                cri.RuntimeHandler(name=name, features=cri.RuntimeHandlerFeatures())
                for name in ("", "runc")
            ],
            features=cri.RuntimeFeatures(supplemental_groups_policy=False),
        )

    async def runtime_config(
        self, _request: cri.RuntimeConfigRequest, _context: Context
    ) -> cri.RuntimeConfigResponse:
        linux = cri.LinuxRuntimeConfiguration(cgroup_driver=cri.CGROUPFS)
        return cri.RuntimeConfigResponse(linux=linux)

    async def update_runtime_config(
        self, request: cri.UpdateRuntimeConfigRequest, _context: Context
    ) -> cri.UpdateRuntimeConfigResponse:
        """Taken note of. Pod addresses are loopback addresses whatever the node's CIDR is."""
        cidr = request.runtime_config.network_config.pod_cidr
        logger.info("pod CIDR announced", extra={"cidr": cidr})
        return cri.UpdateRuntimeConfigResponse()

    def _info(self) -> dict[str, str]:
        config = self._config
        shown = {
            "root": str(config.root),
            "state": str(config.state),
            "imagePolicy": config.image_policy,
            "streamIdleTimeout": config.stream_idle_timeout,
        }
        return {
            "config": json.dumps(shown),
            "python": json.dumps(platform.python_version()),
        }
