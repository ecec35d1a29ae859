"""One probe of one container: did it succeed, and what did it say?

Source: kubernetes/kubernetes pkg/kubelet/prober/prober.go, pkg/probe/{exec,http,tcp,
grpc}/*.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hops.clock import answer_timeout
from hops.dial import ConnectError, dial_connection
from hops.hop import Hop
from kubelet.cri import CriError
from kubelet.expansion import expand
from kubelet.grpc_health import GrpcHealthError, check_health
from kubelet.http_action import HttpActionError, http_action
from kubelet.ports import PortError, resolve_port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apimachinery.types import JsonObject
    from hops.hops import Hops
    from kubelet.runtime import ExecResult

__all__ = ["ProbeError", "ProbeOutcome", "ProbeTarget", "Prober"]

_MAX_OUTPUT = 10 * 1024


class ExecRuntime(Protocol):
    async def exec_sync(
        self, container_id: str, command: Sequence[str], seconds: int = 0
    ) -> ExecResult: ...


class ProbeError(Exception):
    """The probe itself could not be made: neither success nor failure."""


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    success: bool
    output: str = ""


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """A running container and where its pod is."""

    container: JsonObject
    container_id: str
    pod_ip: str


class Prober:
    """Runs probes of every kind."""

    def __init__(self, hops: Hops, runtime: ExecRuntime, user_agent: str) -> None:
        self._hops = hops
        self._runtime = runtime
        self._user_agent = user_agent

    async def probe(self, probe: JsonObject, target: ProbeTarget) -> ProbeOutcome:
        """Run once.

        Raises:
            ProbeError
        """
        seconds = float(probe.get("timeoutSeconds") or 1)
        try:
            if action := probe.get("exec"):
                return await self._exec(action, target, seconds)
            if action := probe.get("httpGet"):
                return await self._http(action, target, seconds)
            if action := probe.get("tcpSocket"):
                return await self._tcp(action, target, seconds)
            if action := probe.get("grpc"):
                return await self._grpc(action, target, seconds)
        except PortError as err:
            raise ProbeError(str(err)) from err
        raise ProbeError(f"missing probe handler for {target.container['name']}")

    async def _exec(
        self, action: JsonObject, target: ProbeTarget, seconds: float
    ) -> ProbeOutcome:
        environment = {
            v["name"]: v.get("value", "") for v in target.container.get("env") or []
        }
        command = [expand(word, environment) for word in action.get("command") or []]
        try:
            result = await self._runtime.exec_sync(
                target.container_id, command, int(seconds)
            )
        except CriError as err:
            if err.code == "DEADLINE_EXCEEDED":
                words = " ".join(command)
                text = f'command timed out: "{words}" timed out after {int(seconds)}s'
                return ProbeOutcome(False, text)
            raise ProbeError(str(err)) from err
        output = (result.stdout + result.stderr)[:_MAX_OUTPUT]
        return ProbeOutcome(result.exit_code == 0, output.decode("utf-8", "replace"))

    async def _http(
        self, action: JsonObject, target: ProbeTarget, seconds: float
    ) -> ProbeOutcome:
        try:
            answer = await http_action(
                self._hops,
                action,
                target.container,
                target.pod_ip,
                user_agent=self._user_agent,
                seconds=seconds,
            )
        except HttpActionError as err:
            return ProbeOutcome(False, str(err))
        if 200 <= answer.status < 400:
            return ProbeOutcome(True, answer.body)
        text = f"HTTP probe failed with statuscode: {answer.status}"
        return ProbeOutcome(False, text)

    async def _tcp(
        self, action: JsonObject, target: ProbeTarget, seconds: float
    ) -> ProbeOutcome:
        host = action.get("host") or target.pod_ip
        address = (host, resolve_port(action["port"], target.container))
        try:
            async with answer_timeout(seconds):
                connection = await dial_connection(self._hops, Hop.KUBELET_POD, address)
        except TimeoutError:
            where = f"{address[0]}:{address[1]}"
            return ProbeOutcome(False, f"dial tcp {where}: i/o timeout")
        except ConnectError as err:
            return ProbeOutcome(False, str(err))
        connection.close()
        return ProbeOutcome(True)

    async def _grpc(
        self, action: JsonObject, target: ProbeTarget, seconds: float
    ) -> ProbeOutcome:
        port = resolve_port(action["port"], target.container)
        address = f"{target.pod_ip}:{port}"
        try:
            await check_health(address, action.get("service") or "", seconds)
        except GrpcHealthError as err:
            return ProbeOutcome(False, str(err))
        return ProbeOutcome(True)
