"""Connections into a pod, for port-forward.

Source: containerd/containerd internal/cri/server/sandbox_portforward_linux.go for what is
said when nobody listens. There the pod's network namespace is entered and its `localhost`
dialled. Here the port map and the sockets of the pod's processes say where to go.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar, cast

from cri_runtime.errors import CriError
from cri_runtime.listeners import Listeners
from hops.dial import ConnectError, dial
from hops.hop import Hop

if TYPE_CHECKING:
    from collections.abc import Callable

    from cri_runtime.port_rules import PortRules
    from cri_runtime.ports import PortMap
    from cri_runtime.records import Sandbox
    from cri_runtime.sandboxes import Sandboxes
    from hops.hops import Hops

__all__ = ["PodPorts"]

_P = TypeVar("_P", bound=asyncio.BaseProtocol)
_LOOPBACK = "127.0.0.1"
_MAX_PORT = 65535
_REFUSED = "connect: connection refused"


class PodPorts:
    """Finds what listens in a pod, and connects."""

    def __init__(
        self, hops: Hops, sandboxes: Sandboxes, port_map: PortMap, rules: PortRules
    ) -> None:
        self._rules = rules
        self._hops = hops
        self._sandboxes = sandboxes
        self._port_map = port_map
        self._listeners = Listeners()

    async def connect(
        self,
        sandbox_id: str,
        port: int,
        protocol_factory: Callable[[], _P],
        turn: asyncio.Semaphore,
    ) -> _P:
        """Put a protocol on a connection to a port of a pod.

        Args:
            turn: taken while it is found out where the pod listens; not for longer,
                since a process that accepts nothing may be waited for.

        Raises:
            CriError: nobody listens, or the pod is gone; with containerd's text.
        """
        if not 0 < port <= _MAX_PORT:  # a CRI request may have any 32 bits
            raise CriError(f"invalid port {port}")
        sandbox = self._sandboxes.get(sandbox_id)
        if sandbox is None or not sandbox.ready:
            raise CriError("sandbox container is not running")
        if rule := self._rules.find(sandbox, port):
            return await self._by_rule(sandbox, rule, protocol_factory)
        actual = self._port_map.translate(sandbox_id, port)
        for address in await self._addresses(sandbox, actual, turn):
            try:
                _, protocol = await dial(
                    self._hops, Hop.CRI_POD, (address, actual), protocol_factory
                )
            except ConnectError:
                continue
            return protocol
        raise CriError(_nobody_listens(sandbox, port))

    async def _by_rule(
        self,
        sandbox: Sandbox,
        rule: dict[str, Any],
        protocol_factory: Callable[[], _P],
    ) -> _P:
        """Where KWOK's objects say."""
        target = rule.get("target")
        if target is None or rule.get("command"):
            made = await self._rules.serve(sandbox, rule, protocol_factory)
            return cast("_P", made)
        address = (str(target["address"]), int(target["port"]))
        try:
            _, protocol = await dial(self._hops, Hop.CRI_POD, address, protocol_factory)
        except ConnectError as error:
            text = f"failed to dial {address[0]}:{address[1]}: {error}"
            raise CriError(text) from None
        return protocol

    async def _addresses(
        self, sandbox: Sandbox, port: int, turn: asyncio.Semaphore
    ) -> list[str]:
        if sandbox.host_network:
            # Such a pod shares the machine's ports, whoever has them.
            return [_LOOPBACK, "::1"]
        own = sandbox.address or _LOOPBACK
        find = self._listeners.addresses
        async with turn:
            return await asyncio.to_thread(find, sandbox.shim_pid, port, own)


def _nobody_listens(sandbox: Sandbox, port: int) -> str:
    namespace = "host" if sandbox.host_network else _namespace(sandbox)
    return (
        f'failed to execute portforward in network namespace "{namespace}": '
        f"failed to connect to localhost:{port} inside namespace "
        f'"{sandbox.id}", IPv4: dial tcp4 {_LOOPBACK}:{port}: {_REFUSED} '
        f"IPv6 dial tcp6 [::1]:{port}: {_REFUSED} "
    )


def _namespace(sandbox: Sandbox) -> str:
    """The name that a network namespace of this pod would have."""
    digits = sandbox.id[:32]
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32])
    return f"/var/run/netns/cni-{'-'.join(parts)}"
