"""What the handlers know of the kubelet they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aiohttp import web

if TYPE_CHECKING:
    import asyncio
    from contextlib import AbstractContextManager

    from apimachinery.types import JsonObject
    from hops.hops import Hops
    from kubelet.config import KubeletConfig
    from kubelet.machine import Machine
    from kubelet.probe_results import ProbeResults
    from kubelet.runtime import Runtime

__all__ = ["HOST", "Host"]


class Host(Protocol):
    """The kubelet behind the server."""

    @property
    def config(self) -> KubeletConfig: ...
    @property
    def hops(self) -> Hops: ...
    @property
    def runtime(self) -> Runtime: ...
    @property
    def machine(self) -> Machine: ...
    @property
    def probe_results(self) -> ProbeResults: ...

    def pods(self) -> list[JsonObject]:
        """All pods bound to the node, with the kubelet's own view of their status."""
        ...

    def pod_named(self, namespace: str, name: str) -> JsonObject | None: ...
    def pod_status(self, uid: str) -> JsonObject | None: ...

    def when_container_ends(
        self, container_id: str, wake: asyncio.Event
    ) -> AbstractContextManager[None]:
        """Set the event when the runtime says that the container has ended."""
        ...

    def health_checks(self) -> dict[str, str]:
        """Checks by name, each with its complaint, "" when it holds."""
        ...


HOST: web.AppKey[Host] = web.AppKey("host")
