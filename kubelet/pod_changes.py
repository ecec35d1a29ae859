"""Carries out what `compute_pod_actions` decided, once, for one pod.

Kill, then sandbox, then ephemeral, init and regular containers, in this order. What
cannot be done now is noted with the time after which to try again.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go (SyncPod,
doBackOff).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apimachinery.status import not_found
from kube_client.reflector import Trouble
from kubelet import pod as pods
from kubelet.container_start import StartError
from kubelet.container_statuses import Failure
from kubelet.cri import CriError
from kubelet.cri_config import sandbox_config
from kubelet.dns_config import pod_dns
from kubelet.events import pod_reference
from kubelet.runtime_status import ContainerState

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubelet.container_start import PodContext
    from kubelet.pod_actions import PodActions
    from kubelet.pod_work import PodWork
    from kubelet.runtime_status import ContainerRuntimeStatus, PodRuntimeStatus
    from kubelet.sync_parts import SyncParts
    from rpc import cri_v1_pb2 as cri

__all__ = ["PodChanges"]


class PodChanges:
    """One round of changes.

    Attributes:
        delays: seconds after which what failed may be tried again.
    """

    def __init__(
        self,
        parts: SyncParts,
        work: PodWork,
        context: PodContext,
        actions: PodActions,
    ) -> None:
        self._parts = parts
        self._work = work
        self._pod = work.pod
        self._context = context
        self._actions = actions
        self.delays: list[float] = []

    async def carry_out(self) -> bool:
        """Do what the actions say; True when something was changed.

        Raises:
            CriError: something could not be stopped.
        """
        if self._actions.kill_pod:
            await self._kill_pod()
            if not self._actions.create_sandbox:
                return True
        await self._kill_containers()
        if not self._has_something_to_start():
            return bool(self._actions.containers_to_kill)
        config = self._sandbox_config()
        self._context.sandbox_config = config
        if not await self._ensure_sandbox(config):
            self.delays.append(self._work.next_retry())
            return True
        self._context.pull_secrets = await self._pull_secrets()
        await self._start_containers()
        return True

    # Killing

    async def _kill_pod(self) -> None:
        parts, status = self._parts, self._context.status
        if self._actions.create_sandbox and self._actions.sandbox_id:
            text = "Pod sandbox changed, it will be killed and re-created."
            parts.recorder.normal(pod_reference(self._pod), "SandboxChanged", text)
        await parts.killer.kill_all(self._pod, status)
        for sandbox in status.sandboxes:
            await parts.runtime.stop_sandbox(sandbox.id)
        if self._actions.create_sandbox:
            await parts.garbage.purge_init_containers(self._pod, status)

    async def _kill_containers(self) -> None:
        ips = self._context.pod_ips
        for container_id, kill in self._actions.containers_to_kill.items():
            await self._parts.killer.kill(
                self._pod,
                _by_id(self._context.status, container_id),
                kill.message,
                kill.reason,
                pod_ip=ips[0] if ips else "",
            )

    # The sandbox

    def _has_something_to_start(self) -> bool:
        actions = self._actions
        return bool(
            actions.create_sandbox
            or actions.init_containers_to_start
            or actions.containers_to_start
            or actions.ephemeral_containers_to_start
        )

    def _sandbox_config(self) -> cri.PodSandboxConfig:
        parts = self._parts
        return sandbox_config(
            self._pod,
            self._actions.attempt,
            parts.node.log_root,
            pod_dns(self._pod, parts.dns, parts.cluster_dns, parts.cluster_domain),
            parts.runtime.cgroup_parent,
        )

    async def _ensure_sandbox(self, config: cri.PodSandboxConfig) -> bool:
        context, runtime = self._context, self._parts.runtime
        if not self._actions.create_sandbox:
            context.sandbox_id = self._actions.sandbox_id
            return True
        try:
            handler = await self._runtime_handler()
            context.sandbox_id = await runtime.run_sandbox(config, handler)
            ips = await runtime.sandbox_ips(context.sandbox_id)
        except (CriError, *Trouble) as err:
            text = f"Failed to create pod sandbox: {err}"
            reference = pod_reference(self._pod)
            self._parts.recorder.warning(reference, "FailedCreatePodSandBox", text)
            return False
        if not pods.uses_host_network(self._pod):
            context.pod_ips = ips
        return True

    async def _runtime_handler(self) -> str:
        """What the pod's RuntimeClass names; the runtime's default without one."""
        name = self._pod["spec"].get("runtimeClassName")
        if not name:
            return ""
        found = await self._work.objects.runtime_class(name)
        if found is None:
            raise not_found("runtimeclasses.node.k8s.io", name)
        return str(found["handler"])

    async def _pull_secrets(self) -> list[JsonObject]:
        found = []
        namespace = pods.namespace(self._pod)
        for reference in self._pod["spec"].get("imagePullSecrets") or []:
            secret = await self._work.objects.secret(namespace, reference["name"])
            if secret is not None:
                found.append(secret)
        return found

    # Containers

    async def _start_containers(self) -> None:
        pod, actions = self._pod, self._actions
        for index in actions.ephemeral_containers_to_start:
            await self._start(pods.ephemeral_containers(pod)[index])
        for index in actions.init_containers_to_start:
            spec = pods.init_containers(pod)[index]
            if not await self._start(spec) and not pods.is_sidecar(spec):
                return
        for index in actions.containers_to_start:
            await self._start(pods.containers(pod)[index])

    async def _start(self, container: JsonObject) -> bool:
        name = container["name"]
        remaining = self._back_off(container)
        if remaining:
            self.delays.append(remaining)
            return False
        try:
            await self._parts.starter.start(self._context, container)
        except StartError as err:
            self._work.failures[name] = err.failure
            self.delays.append(err.retry_after or self._work.next_retry())
            await self._stop_half_started(err)
            return False
        self._work.failures.pop(name, None)
        await self._parts.garbage.forget_old_instances(self._context.status, name)
        return True

    def _back_off(self, container: JsonObject) -> float:
        """Seconds this container must still wait; notes the try when it need not."""
        name, backoff = container["name"], self._parts.backoff
        last = _last_exit(self._context.status, name)
        if last is None:
            return 0.0
        pod = pods.describe(self._pod)
        key = f"{pod}_{name}_{container.get('image', '')}"
        ended, now = last.finished_at / 1e9, self._parts.clock()
        remaining = backoff.remaining_since(key, ended, now)
        if not remaining:
            backoff.advance(key, ended, now)
            return 0.0
        self._parts.recorder.warning(
            pod_reference(self._pod, name),
            "BackOff",
            f"Back-off restarting failed container {name} in pod {pod}",
        )
        self._work.failures[name] = Failure(
            "CrashLoopBackOff",
            f"back-off {_go_seconds(backoff.delay(key))} restarting failed"
            f" container={name} pod={pod}",
        )
        return remaining

    async def _stop_half_started(self, err: StartError) -> None:
        """postStart failed: the container must not go on running."""
        if not err.container_id:
            return
        running = await self._parts.runtime.container_status(err.container_id)
        await self._parts.killer.kill(self._pod, running, "FailedPostStartHook")


def _by_id(status: PodRuntimeStatus, container_id: str) -> ContainerRuntimeStatus:
    return next(c for c in status.containers if c.id == container_id)


def _last_exit(status: PodRuntimeStatus, name: str) -> ContainerRuntimeStatus | None:
    for container in status.containers:
        if container.name == name and container.state is ContainerState.EXITED:
            return container
    return None


def _go_seconds(seconds: float) -> str:
    """Go's duration: 10s, 1m20s, 5m0s."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
