"""Brings one container from its spec to a running process.

Image, configuration, create, start, postStart: each step fails with a reason that the
container's waiting state shows.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go
(startContainer).
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kube_client.reflector import Trouble
from kubelet import pod as pods
from kubelet.container_statuses import Failure
from kubelet.cri import CriError
from kubelet.cri_config import ContainerParts, container_config, pod_log_directory
from kubelet.environment import VariableError, make_environment
from kubelet.events import pod_reference
from kubelet.field_ref import PodFacts, UnsupportedFieldError
from kubelet.hooks import HookError
from kubelet.images import ImageError
from kubelet.linux_resources import linux_resources
from kubelet.mounts import MountError, make_mounts
from kubelet.service_env import service_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from apimachinery.types import JsonObject
    from kubelet.event_texts import EventTexts
    from kubelet.events import EventRecorder
    from kubelet.hooks import Hooks
    from kubelet.images import ImageManager
    from kubelet.objects import PodObjects
    from kubelet.runtime import Runtime
    from kubelet.runtime_status import PodRuntimeStatus
    from rpc import cri_v1_pb2 as cri

__all__ = ["ContainerStarter", "NodeFacts", "PodContext", "StartError"]

logger = logging.getLogger(__name__)


class StartError(Exception):
    """The container does not run.

    Attributes:
        failure: reason and message for its waiting state.
        retry_after: seconds, None for the usual delay.
        container_id: the instance that must be stopped again, "" when there is none.
    """

    def __init__(
        self,
        failure: Failure,
        retry_after: float | None = None,
        container_id: str = "",
    ) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.retry_after = retry_after
        self.container_id = container_id


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What containers may learn about their node."""

    host_ips: tuple[str, ...]
    memory: int
    allocatable: Mapping[str, str]
    log_root: str
    services: Callable[[], Iterable[JsonObject]]


@dataclass(slots=True)
class PodContext:
    """A pod in one round of work, after its sandbox and volumes are there."""

    pod: JsonObject
    status: PodRuntimeStatus
    objects: PodObjects
    pod_directory: str
    volumes: Mapping[str, str]
    sandbox_id: str = ""
    sandbox_config: cri.PodSandboxConfig | None = None
    pod_ips: tuple[str, ...] = ()
    pull_secrets: Sequence[JsonObject] = ()


class ContainerStarter:
    """Starts containers of any pod."""

    def __init__(
        self,
        runtime: Runtime,
        images: ImageManager,
        hooks: Hooks,
        recorder: EventRecorder,
        texts: EventTexts,
        node: NodeFacts,
    ) -> None:
        self._runtime = runtime
        self._images = images
        self._hooks = hooks
        self._recorder = recorder
        self._texts = texts
        self._node = node

    async def start(self, context: PodContext, container: JsonObject) -> str:
        """The id of the running container.

        Raises:
            StartError
        """
        image_ref = await self._image(context, container)
        config = await self._configure(context, container, image_ref)
        container_id = await self._create(context, container, config)
        await self._run(context, container, container_id)
        self._link_log(context.pod, container["name"], container_id, config)
        await self._post_start(context, container, container_id)
        return container_id

    async def _image(self, context: PodContext, container: JsonObject) -> str:
        assert context.sandbox_config is not None  # noqa: S101 - set before any start
        try:
            return await self._images.ensure(
                context.pod, container, context.sandbox_config, context.pull_secrets
            )
        except ImageError as err:
            self._failed(context, container, f"Error: {err.failure.reason}")
            raise StartError(err.failure, err.retry_after) from err

    async def _configure(
        self, context: PodContext, container: JsonObject, image_ref: str
    ) -> cri.ContainerConfig:
        try:
            return await self._config(context, container, image_ref)
        except (
            VariableError,
            UnsupportedFieldError,
            MountError,
            ValueError,
            *Trouble,
        ) as err:
            text = str(err)
            self._failed(context, container, f"Error: {text}")
            raise StartError(Failure("CreateContainerConfigError", text)) from err

    async def _config(
        self, context: PodContext, container: JsonObject, image_ref: str
    ) -> cri.ContainerConfig:
        pod, node = context.pod, self._node
        links = pod["spec"].get("enableServiceLinks") is not False
        services = service_variables(node.services(), pods.namespace(pod), links=links)
        facts = PodFacts(node.host_ips, context.pod_ips)
        environment = await make_environment(
            pod, container, facts, services, context.objects, node.allocatable
        )
        self._warn_of_skipped(context, container, environment.skipped)
        count = self._restart_count(context, container)
        directory = f"{pod_log_directory(node.log_root, pod)}/{container['name']}"
        mounts = await asyncio.to_thread(
            _prepare_files, context, container, environment.variables, directory
        )
        parts = ContainerParts(
            image_ref=image_ref,
            restart_count=count,
            variables=environment.variables,
            mounts=mounts,
            resources=linux_resources(pod, container, node.memory),
            target_id=_target_id(context, container),
        )
        return container_config(pod, container, parts)

    def _restart_count(self, context: PodContext, container: JsonObject) -> int:
        """One more than the last instance; by the log files if that is gone."""
        latest = context.status.latest(container["name"])
        if latest is not None:
            return latest.restart_count + 1
        directory = pod_log_directory(self._node.log_root, context.pod)
        return _count_from_logs(f"{directory}/{container['name']}")

    async def _create(
        self, context: PodContext, container: JsonObject, config: cri.ContainerConfig
    ) -> str:
        assert context.sandbox_config is not None  # noqa: S101 - set before any start
        try:
            container_id = await self._runtime.create_container(
                context.sandbox_id, config, context.sandbox_config
            )
        except CriError as err:
            self._failed(context, container, f"Error: {err.details}")
            raise StartError(Failure("CreateContainerError", err.details)) from err
        self._normal(
            context, container, "Created", self._texts.created(container["name"])
        )
        return container_id

    async def _run(
        self, context: PodContext, container: JsonObject, container_id: str
    ) -> None:
        try:
            await self._runtime.start_container(container_id)
        except CriError as err:
            self._failed(context, container, f"Error: {err.details}")
            raise StartError(Failure("RunContainerError", err.details)) from err
        self._normal(
            context, container, "Started", self._texts.started(container["name"])
        )

    async def _post_start(
        self, context: PodContext, container: JsonObject, container_id: str
    ) -> None:
        handler = (container.get("lifecycle") or {}).get("postStart")
        if not handler:
            return
        ip = context.pod_ips[0] if context.pod_ips else ""
        try:
            await self._hooks.run(handler, container, container_id, ip)
        except HookError as err:
            logger.warning("postStart hook failed", extra={"error": str(err)})
            self._recorder.warning(
                pod_reference(context.pod, container["name"]),
                "FailedPostStartHook",
                "PostStartHook failed",
            )
            failure = Failure("PostStartHookError", "PostStartHook failed")
            raise StartError(failure, container_id=container_id) from err

    def _link_log(
        self,
        pod: JsonObject,
        name: str,
        container_id: str,
        config: cri.ContainerConfig,
    ) -> None:
        """The name under which log collectors look: …/containers/POD_NS_C-ID.log."""
        target = f"{pod_log_directory(self._node.log_root, pod)}/{config.log_path}"
        directory = os.path.join(os.path.dirname(self._node.log_root), "containers")
        link = f"{pods.full_name(pod)}_{name}-{container_id}"[:251] + ".log"
        with suppress(OSError):
            os.makedirs(directory, exist_ok=True)
            os.symlink(target, os.path.join(directory, link))

    def _warn_of_skipped(
        self,
        context: PodContext,
        container: JsonObject,
        skipped: Iterable[tuple[str, tuple[str, ...]]],
    ) -> None:
        for where, keys in skipped:
            noun, _, name = where.partition(" ")
            self._recorder.warning(
                pod_reference(context.pod, container["name"]),
                "InvalidEnvironmentVariableNames",
                f"Keys [{', '.join(keys)}] from the EnvFrom {_ENV_NOUNS[noun]} {name}"
                " were skipped since they are considered invalid environment variable"
                " names.",
            )

    def _failed(self, context: PodContext, container: JsonObject, message: str) -> None:
        reference = pod_reference(context.pod, container["name"])
        self._recorder.warning(reference, "Failed", message)

    def _normal(
        self, context: PodContext, container: JsonObject, reason: str, message: str
    ) -> None:
        reference = pod_reference(context.pod, container["name"])
        self._recorder.normal(reference, reason, message)


_ENV_NOUNS = {"ConfigMap": "configMap", "Secret": "secret"}


def _prepare_files(
    context: PodContext,
    container: JsonObject,
    variables: Mapping[str, str],
    log_directory: str,
) -> list[cri.Mount]:
    os.makedirs(log_directory, mode=0o755, exist_ok=True)
    return make_mounts(
        context.pod,
        container,
        context.volumes,
        variables,
        context.pod_directory,
        context.pod_ips,
    )


def _target_id(context: PodContext, container: JsonObject) -> str:
    """The container whose processes an ephemeral container asks to see."""
    wanted = container.get("targetContainerName")
    target = context.status.latest(wanted) if wanted else None
    return target.id if target else ""


def _count_from_logs(directory: str) -> int:
    """One more than the highest N of N.log, 0 when there is none."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return 0
    counts = [int(n) for name in names if (n := name.partition(".")[0]).isdigit()]
    return max(counts, default=-1) + 1
