"""postStart and preStop handlers.

Source: kubernetes/kubernetes pkg/kubelet/lifecycle/handlers.go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hops.dial import ConnectError, dial_connection
from hops.hop import Hop
from kubelet.cri import CriError
from kubelet.http_action import HttpActionError, http_action
from kubelet.ports import PortError, resolve_port

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from hops.hops import Hops
    from kubelet.probe_actions import ExecRuntime

__all__ = ["HookError", "Hooks"]

_HTTP_SECONDS = 30.0


class HookError(Exception):
    """A handler failed; the text goes to the log, not to users."""


class Hooks:
    """Runs lifecycle handlers."""

    def __init__(self, hops: Hops, runtime: ExecRuntime) -> None:
        self._hops = hops
        self._runtime = runtime

    async def run(
        self, handler: JsonObject, container: JsonObject, container_id: str, pod_ip: str
    ) -> None:
        """Run a handler to its end. The caller sets the time limit.

        Raises:
            HookError
        """
        try:
            if action := handler.get("exec"):
                await self._exec(action, container_id)
            elif action := handler.get("httpGet"):
                await self._http(action, container, pod_ip)
            elif action := handler.get("tcpSocket"):
                await self._tcp(action, container, pod_ip)
            elif action := handler.get("sleep"):
                await asyncio.sleep(float(action["seconds"]))
            else:
                raise HookError(f"invalid handler: {handler}")
        except (CriError, HttpActionError, PortError, ConnectError) as err:
            raise HookError(str(err)) from err

    async def _exec(self, action: JsonObject, container_id: str) -> None:
        command = action.get("command") or []
        result = await self._runtime.exec_sync(container_id, command)
        if result.exit_code:
            words = " ".join(command)
            stderr = result.stderr.decode("utf-8", "replace")
            raise HookError(
                f"command '{words}' exited with {result.exit_code}: {stderr}"
            )

    async def _http(
        self, action: JsonObject, container: JsonObject, pod_ip: str
    ) -> None:
        answer = await http_action(
            self._hops,
            action,
            container,
            pod_ip,
            user_agent="kube-lifecycle/1.36",
            seconds=_HTTP_SECONDS,
        )
        if not 200 <= answer.status < 400:
            raise HookError(f"HTTP hook failed with statuscode: {answer.status}")

    async def _tcp(
        self, action: JsonObject, container: JsonObject, pod_ip: str
    ) -> None:
        address = (
            action.get("host") or pod_ip,
            resolve_port(action["port"], container),
        )
        connection = await dial_connection(self._hops, Hop.KUBELET_POD, address)
        connection.close()
