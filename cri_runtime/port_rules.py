"""Ports of a pod that KWOK's PortForward objects answer, in place of the pod's processes.

A target is dialled. A command, or a small HTTP server for routes, is run for each
connection, with the connection as its stdin and stdout, in a container of the pod.

Source: kubernetes-sigs/kwok pkg/kwok/server/debugging_port_forword.go.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
from typing import TYPE_CHECKING, Any

from cri_runtime.errors import CriError
from cri_runtime.scripts.scripts import program
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from collections.abc import Callable

    from cri_runtime.containers import Containers
    from cri_runtime.execs import Execs
    from cri_runtime.records import Container, Sandbox
    from cri_runtime.scripts.scripts import Scripts

__all__ = ["PortRules"]

JsonObject = dict[str, Any]


class PortRules:
    """Asked before a pod's own ports are looked for."""

    def __init__(
        self,
        containers: Containers,
        execs: Execs,
        scripts: Scripts,
    ) -> None:
        self._containers = containers
        self._execs = execs
        self._scripts = scripts

    def find(self, sandbox: Sandbox, port: int) -> JsonObject | None:
        """What is to be done with a connection to a port; None: as with any pod.

        Raises:
            CriError: KWOK's objects say that the port is not there.
        """
        return self._scripts.forward(sandbox, port)

    async def serve(
        self,
        sandbox: Sandbox,
        rule: JsonObject,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
    ) -> asyncio.BaseProtocol:
        """Put a protocol on a connection to the command, or to the server, of a rule.

        Raises:
            CriError: no container of the pod runs, or the command cannot be started.
        """
        container = self._running(sandbox)
        command = list(rule.get("command") or ()) or self._http(container, rule)
        ours, theirs = socket.socketpair()
        try:
            await self._execs.start_on_socket(container, command, theirs.detach())
        except BaseException:
            ours.close()
            raise
        ours.setblocking(False)
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_connection(protocol_factory, sock=ours)
        return protocol

    def _running(self, sandbox: Sandbox) -> Container:
        for container in self._containers.of(sandbox.id):
            if container.state == cri.CONTAINER_RUNNING:
                return container
        raise CriError("no container of the pod is running")

    def _http(self, container: Container, rule: JsonObject) -> list[str]:
        """The server for its routes, which are matched exactly."""
        routes = [
            {
                "path": re.escape(route["location"]),
                "status": route["code"],
                "body": route.get("body", ""),
                "headers": {h["name"]: h["value"] for h in route.get("headers") or ()},
            }
            for route in rule["httpRoutes"]
        ]
        name = "-".join(map(str, rule.get("ports") or ("all",)))
        path = self._containers.directory(container) / f"http-{name}.json"
        path.write_text(json.dumps({"http": routes}))
        return program("http", str(path))
