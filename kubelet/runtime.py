"""The container runtime as the kubelet uses it: CRI in, our own types out.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime (kuberuntime_manager.go,
kuberuntime_container.go, kuberuntime_sandbox.go, labels.go).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubelet.cri import DEFAULT_TIMEOUT, SANDBOX_TIMEOUT, CriError
from kubelet.runtime_convert import (
    CONTAINER_NAME_LABEL,
    POD_NAME_LABEL,
    POD_NAMESPACE_LABEL,
    POD_UID_LABEL,
    container_status,
    sandbox_status,
)
from kubelet.runtime_status import PodRuntimeStatus
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from apimachinery.types import JsonObject
    from kubelet.cri import CriClient
    from kubelet.runtime_status import ContainerRuntimeStatus

__all__ = ["ExecResult", "Runtime", "RuntimeInfo", "RuntimeState"]

RUNTIME_API_VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """What Version said."""

    name: str
    version: str
    api_version: str


@dataclass(frozen=True, slots=True)
class RuntimeState:
    """What Status said; errors are texts for the node's Ready condition, "" for none."""

    runtime_error: str
    network_error: str
    handlers: tuple[JsonObject, ...] = ()
    supplemental_groups_policy: bool = False

    @property
    def ready(self) -> bool:
        return not self.runtime_error and not self.network_error


@dataclass(frozen=True, slots=True)
class ExecResult:
    stdout: bytes
    stderr: bytes
    exit_code: int


class Runtime:
    """Calls of one CRI endpoint. Every method may raise CriError."""

    def __init__(self, client: CriClient) -> None:
        self._client = client
        self.info = RuntimeInfo("", "", "")
        #: systemd's cgroup driver wants a slice by name; the other takes "".
        self.cgroup_parent = ""

    @property
    def name(self) -> str:
        """The scheme of container ids."""
        return self.info.name

    # The runtime itself

    async def version(self) -> RuntimeInfo:
        """Ask for the version and check it as the kubelet does."""
        request = cri.VersionRequest(version=RUNTIME_API_VERSION)
        answer = await self._client.runtime("Version", request)
        fields = {
            "version": answer.version,
            "runtimeName": answer.runtime_name,
            "runtimeVersion": answer.runtime_version,
            "runtimeApiVersion": answer.runtime_api_version,
        }
        missing = ", ".join(name for name, value in fields.items() if not value)
        if missing:
            raise CriError(
                "", f"not all fields are set in VersionResponse (missing {missing})"
            )
        if answer.version != RUNTIME_API_VERSION:
            raise CriError("", "runtime api version is not supported")
        self.info = RuntimeInfo(
            answer.runtime_name, answer.runtime_version, answer.runtime_api_version
        )
        return self.info

    async def state(self) -> RuntimeState:
        """Whether runtime and network are ready."""
        answer = await self._client.runtime("Status", cri.StatusRequest())
        conditions = {c.type: c for c in answer.status.conditions}
        if len(answer.status.conditions) < 2:
            text = "RuntimeReady or NetworkReady condition are not set"
            raise CriError("", text)
        return RuntimeState(
            _complaint(conditions.get("RuntimeReady"), "container runtime not ready"),
            _complaint(
                conditions.get("NetworkReady"), "container runtime network not ready"
            ),
            tuple(map(_handler, answer.runtime_handlers)),
            answer.features.supplemental_groups_policy,
        )

    async def find_cgroup_parent(self) -> None:
        """Ask which cgroup driver is used; a runtime that does not say has cgroupfs."""
        try:
            answer = await self._client.runtime(
                "RuntimeConfig", cri.RuntimeConfigRequest()
            )
        except CriError as err:
            if not err.is_unimplemented:
                raise
            return
        if answer.HasField("linux") and answer.linux.cgroup_driver == cri.SYSTEMD:
            self.cgroup_parent = "kubepods.slice"

    async def announce_pod_cidr(self, pod_cidr: str) -> None:
        """Tell runtimes that configure their network themselves; others ignore it."""
        network = cri.NetworkConfig(pod_cidr=pod_cidr)
        config = cri.RuntimeConfig(network_config=network)
        await self._client.runtime(
            "UpdateRuntimeConfig", cri.UpdateRuntimeConfigRequest(runtime_config=config)
        )

    # Pods

    async def list_sandboxes(self, pod_uid: str = "") -> Sequence[cri.PodSandbox]:
        filter_ = cri.PodSandboxFilter(label_selector=_by_uid(pod_uid))
        request = cri.ListPodSandboxRequest(filter=filter_)
        answer = await self._client.runtime("ListPodSandbox", request)
        return [item for item in answer.items if POD_UID_LABEL in item.labels]

    async def list_containers(
        self, pod_uid: str = "", labels: dict[str, str] | None = None, **filters: Any
    ) -> Sequence[cri.Container]:
        filter_ = cri.ContainerFilter(
            label_selector={**_by_uid(pod_uid), **(labels or {})}, **filters
        )
        request = cri.ListContainersRequest(filter=filter_)
        answer = await self._client.runtime("ListContainers", request)
        return [item for item in answer.containers if POD_UID_LABEL in item.labels]

    async def running_containers(
        self, namespace: str, name: str, container: str, pod_uid: str = ""
    ) -> Sequence[cri.Container]:
        """Running instances of a container by name, newest first.

        The kubelet asks the runtime, not the API, so that an exec works while the API
        server is away.
        """
        labels = {
            POD_NAMESPACE_LABEL: namespace,
            POD_NAME_LABEL: name,
            CONTAINER_NAME_LABEL: container,
        }
        running = cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)
        found = await self.list_containers(pod_uid, labels, state=running)
        return sorted(found, key=lambda item: item.created_at, reverse=True)

    async def running_container_ids(self) -> list[str]:
        """The running containers of all pods."""
        running = cri.ContainerStateValue(state=cri.CONTAINER_RUNNING)
        return [item.id for item in await self.list_containers(state=running)]

    async def pod_status(self, uid: str, name: str, namespace: str) -> PodRuntimeStatus:
        """Everything the runtime knows of one pod, newest first."""
        sandboxes, containers = await asyncio.gather(
            self.list_sandboxes(uid), self.list_containers(uid)
        )
        sandbox_answers, container_answers = await asyncio.gather(
            _existing(self._sandbox_status(s.id) for s in sandboxes),
            _existing(self.container_status(c.id) for c in containers),
        )
        return PodRuntimeStatus(
            uid=uid,
            name=name,
            namespace=namespace,
            sandboxes=tuple(
                sorted(
                    map(sandbox_status, sandbox_answers),
                    key=lambda s: (s.created_at, s.attempt),
                    reverse=True,
                )
            ),
            containers=tuple(
                sorted(container_answers, key=lambda c: c.created_at, reverse=True)
            ),
        )

    async def _sandbox_status(self, sandbox_id: str) -> cri.PodSandboxStatus:
        request = cri.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id)
        answer = await self._client.runtime("PodSandboxStatus", request)
        status: cri.PodSandboxStatus = answer.status
        if not status.id or not status.created_at:
            raise CriError("", f'status of sandbox "{sandbox_id}" is not complete')
        return status

    async def container_status(self, container_id: str) -> ContainerRuntimeStatus:
        """One container, with its termination message read where it has ended."""
        request = cri.ContainerStatusRequest(container_id=container_id)
        answer = await self._client.runtime("ContainerStatus", request)
        if not answer.status.id or not answer.status.created_at:
            raise CriError("", f'status of container "{container_id}" is not complete')
        return container_status(answer.status)

    # Sandboxes

    async def run_sandbox(
        self, config: cri.PodSandboxConfig, runtime_handler: str = ""
    ) -> str:
        request = cri.RunPodSandboxRequest(
            config=config, runtime_handler=runtime_handler
        )
        answer = await self._client.runtime("RunPodSandbox", request, SANDBOX_TIMEOUT)
        name = config.metadata.name
        return _required(
            answer.pod_sandbox_id, f'PodSandboxId is not set for sandbox "{name}"'
        )

    async def sandbox_ips(self, sandbox_id: str) -> tuple[str, ...]:
        return sandbox_status(await self._sandbox_status(sandbox_id)).ips

    async def stop_sandbox(self, sandbox_id: str) -> None:
        request = cri.StopPodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._client.runtime("StopPodSandbox", request)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        request = cri.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id)
        await self._client.runtime("RemovePodSandbox", request)

    # Containers

    async def create_container(
        self,
        sandbox_id: str,
        config: cri.ContainerConfig,
        sandbox_config: cri.PodSandboxConfig,
    ) -> str:
        request = cri.CreateContainerRequest(
            pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox_config
        )
        answer = await self._client.runtime("CreateContainer", request)
        return _required(
            answer.container_id,
            f'ContainerId is not set for container "{config.metadata.name}"',
        )

    async def start_container(self, container_id: str) -> None:
        request = cri.StartContainerRequest(container_id=container_id)
        await self._client.runtime("StartContainer", request)

    async def stop_container(self, container_id: str, grace_period: int) -> None:
        request = cri.StopContainerRequest(
            container_id=container_id, timeout=grace_period
        )
        await self._client.runtime(
            "StopContainer", request, DEFAULT_TIMEOUT + grace_period
        )

    async def remove_container(self, container_id: str) -> None:
        request = cri.RemoveContainerRequest(container_id=container_id)
        await self._client.runtime("RemoveContainer", request)

    async def reopen_log(self, container_id: str) -> None:
        """Have the runtime go on in a new file under the log's name."""
        request = cri.ReopenContainerLogRequest(container_id=container_id)
        await self._client.runtime("ReopenContainerLog", request)

    # Ways in

    async def exec_sync(
        self, container_id: str, command: Sequence[str], seconds: int = 0
    ) -> ExecResult:
        """Run a command; `seconds` is its time limit, 0 for none."""
        request = cri.ExecSyncRequest(
            container_id=container_id, cmd=command, timeout=seconds
        )
        limit = DEFAULT_TIMEOUT + seconds if seconds else None
        answer = await self._client.runtime("ExecSync", request, limit)
        return ExecResult(answer.stdout, answer.stderr, answer.exit_code)

    async def exec_url(
        self, container_id: str, command: Sequence[str], **streams: bool
    ) -> str:
        """A URL that serves the exec once; streams: stdin, stdout, stderr, tty."""
        request = cri.ExecRequest(container_id=container_id, cmd=command, **streams)
        answer = await self._client.runtime("Exec", request)
        return _required(answer.url, "URL is not set")

    async def attach_url(self, container_id: str, **streams: bool) -> str:
        request = cri.AttachRequest(container_id=container_id, **streams)
        answer = await self._client.runtime("Attach", request)
        return _required(answer.url, "URL is not set")

    async def port_forward_url(self, sandbox_id: str, ports: Sequence[int]) -> str:
        request = cri.PortForwardRequest(pod_sandbox_id=sandbox_id, port=ports)
        answer = await self._client.runtime("PortForward", request)
        return _required(answer.url, "URL is not set")

    # Statistics

    async def container_stats(self) -> Sequence[cri.ContainerStats]:
        request = cri.ListContainerStatsRequest()
        answer = await self._client.runtime("ListContainerStats", request)
        return list(answer.stats)

    # Images

    async def image_status(self, image: cri.ImageSpec) -> cri.Image | None:
        """The image if it is there."""
        request = cri.ImageStatusRequest(image=image)
        answer = await self._client.image("ImageStatus", request)
        if not answer.HasField("image"):
            return None
        if not answer.image.id or not answer.image.size:
            text = f'Id or size of image "{image.image}" is not set'
            raise CriError("", text)
        found: cri.Image = answer.image
        return found

    async def pull_image(
        self,
        image: cri.ImageSpec,
        auth: cri.AuthConfig | None,
        sandbox: cri.PodSandboxConfig,
    ) -> str:
        request = cri.PullImageRequest(image=image, auth=auth, sandbox_config=sandbox)
        answer = await self._client.image("PullImage", request, None)
        return _required(
            answer.image_ref, f'imageRef of image "{image.image}" is not set'
        )

    async def list_images(self) -> Sequence[cri.Image]:
        answer = await self._client.image("ListImages", cri.ListImagesRequest())
        return list(answer.images)

    async def image_fs_info(self) -> cri.ImageFsInfoResponse:
        answer = await self._client.image("ImageFsInfo", cri.ImageFsInfoRequest())
        info: cri.ImageFsInfoResponse = answer
        return info


async def _existing(calls: Iterable[Any]) -> list[Any]:
    """All answers; what vanished between list and look is left out."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    kept = []
    for result in results:
        if isinstance(result, CriError) and result.is_not_found:
            continue
        if isinstance(result, BaseException):
            raise result
        kept.append(result)
    return kept


def _by_uid(pod_uid: str) -> dict[str, str]:
    return {POD_UID_LABEL: pod_uid} if pod_uid else {}


def _required(value: str, complaint: str) -> str:
    if not value:
        raise CriError("", complaint)
    return value


def _complaint(condition: cri.RuntimeCondition | None, prefix: str) -> str:
    """As Go prints a condition inside the node's message."""
    if condition is None:
        return f"{prefix}: condition is not set"
    if condition.status:
        return ""
    return (
        f"{prefix}: {condition.type}=false reason:{condition.reason}"
        f" message:{condition.message}"
    )


def _handler(handler: cri.RuntimeHandler) -> JsonObject:
    features = {
        "recursiveReadOnlyMounts": handler.features.recursive_read_only_mounts,
        "userNamespaces": handler.features.user_namespaces,
    }
    return {"name": handler.name, "features": features}
