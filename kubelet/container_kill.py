"""Stops containers, with their preStop hooks and inside their grace periods.

Source: kubernetes/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go
(killContainer, killContainersWithSyncResult), kuberuntime_termination_order.go.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from hops.clock import monotonic
from kubelet import pod as pods
from kubelet.cri import CriError
from kubelet.events import pod_reference
from kubelet.hooks import HookError
from kubelet.pod_actions import KillReason

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from apimachinery.types import JsonObject
    from kubelet.events import EventRecorder
    from kubelet.hooks import Hooks
    from kubelet.runtime import Runtime
    from kubelet.runtime_status import ContainerRuntimeStatus, PodRuntimeStatus

__all__ = ["MINIMUM_GRACE_PERIOD", "ContainerKiller", "grace_period"]

logger = logging.getLogger(__name__)

MINIMUM_GRACE_PERIOD = 2
_PROBES = {KillReason.LIVENESS: "livenessProbe", KillReason.STARTUP: "startupProbe"}


def grace_period(
    pod: JsonObject | None, container: JsonObject | None, reason: KillReason
) -> int:
    """Seconds between the stop signal and the kill."""
    if pod is None:
        return MINIMUM_GRACE_PERIOD
    asked = pods.deletion_grace_period(pod)
    if asked is not None:
        return asked
    probe = (container or {}).get(_PROBES.get(reason, ""))
    own = (probe or {}).get("terminationGracePeriodSeconds")
    return pods.termination_grace_period(pod) if own is None else int(own)


class ContainerKiller:
    """Stops containers of any pod."""

    def __init__(self, runtime: Runtime, hooks: Hooks, recorder: EventRecorder) -> None:
        self._runtime = runtime
        self._hooks = hooks
        self._recorder = recorder

    async def kill(
        self,
        pod: JsonObject | None,
        running: ContainerRuntimeStatus,
        message: str = "",
        reason: KillReason = KillReason.NONE,
        *,
        override: int | None = None,
        pod_ip: str = "",
    ) -> None:
        """Stop one container and wait for its end.

        Args:
            pod: None when only the runtime still knows it.
            message: of the Killing event, by default that it is being stopped.
            override: a grace period that wins over the pod's.

        Raises:
            CriError
        """
        container = pods.container_named(pod, running.name) if pod else None
        grace = override
        if grace is None:
            grace = grace_period(pod, container, reason)
        self._tell(pod, running, message)
        if grace > 0:
            grace -= await self._pre_stop(pod, container, running, grace, pod_ip)
        try:
            # "always give containers a minimal shutdown window"
            grace = max(grace, MINIMUM_GRACE_PERIOD)
            await self._runtime.stop_container(running.id, grace)
        except CriError as err:
            if not err.is_not_found:
                raise

    async def kill_all(
        self,
        pod: JsonObject | None,
        status: PodRuntimeStatus,
        *,
        override: int | None = None,
    ) -> None:
        """Stop every container of a pod: sidecars last, in reverse order of their start.

        Raises:
            CriError: of the first that could not be stopped.
        """
        began = monotonic()
        ip = status.ips[0] if status.ips else ""
        specs = pods.init_containers(pod) if pod else []
        sidecars = [c["name"] for c in specs if pods.is_sidecar(c)]
        running = [c for c in status.containers if _may_run(c)]
        main = [c for c in running if c.name not in sidecars]
        await _all(self.kill(pod, c, override=override, pod_ip=ip) for c in main)
        for name in reversed(sidecars):
            # What the main containers took is taken from what sidecars have left.
            spent = int(monotonic() - began)
            total = grace_period(pod, None, KillReason.NONE)
            left = max((total if override is None else override) - spent, 0)
            await _all(
                self.kill(pod, c, override=left, pod_ip=ip)
                for c in running
                if c.name == name
            )

    def _tell(
        self, pod: JsonObject | None, running: ContainerRuntimeStatus, message: str
    ) -> None:
        if pod is not None:
            text = message or f"Stopping container {running.name}"
            reference = pod_reference(pod, running.name)
            self._recorder.normal(reference, "Killing", text)

    async def _pre_stop(
        self,
        pod: JsonObject | None,
        container: JsonObject | None,
        running: ContainerRuntimeStatus,
        grace: int,
        pod_ip: str,
    ) -> int:
        """Run the hook; the whole seconds it took."""
        handler = (container or {}).get("lifecycle", {}).get("preStop")
        if not handler and running.pre_stop:
            handler = json.loads(running.pre_stop)
        if not handler:
            return 0
        began = monotonic()
        try:
            async with asyncio.timeout(grace):
                await self._hooks.run(handler, container or {}, running.id, pod_ip)
        except TimeoutError:
            logger.warning("preStop hook took the whole grace period")
        except HookError as err:
            logger.warning("preStop hook failed", extra={"error": str(err)})
            if pod is not None:
                self._recorder.warning(
                    pod_reference(pod, running.name),
                    "FailedPreStopHook",
                    "PreStopHook failed",
                )
        return int(monotonic() - began)


def _may_run(container: ContainerRuntimeStatus) -> bool:
    return container.state.value in ("running", "unknown")


async def _all(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Every call to its end, then the first error."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
