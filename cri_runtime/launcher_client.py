"""Starting shims: by the launcher, which we find again or start.

This process speaks gRPC and therefore never forks; posix_spawn does not run a line of Python
between fork and exec.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cri_runtime.shim_client import ShimClient, ShimError, ShimGone

if TYPE_CHECKING:
    from hops.hops import Hops

__all__ = ["LauncherClient", "StartedShim"]

_PROGRAM = Path(__file__).with_name("shim")
_READY_FD = 3


class StartedShim:
    """A shim that serves at `socket`, for a pod with this address ("" with host network)."""

    __slots__ = ("address", "pid", "socket")

    def __init__(self, socket: str, pid: int, address: str) -> None:
        self.socket = socket
        self.pid = pid
        self.address = address


class LauncherClient:
    """Keeps one launcher at hand for as long as the runtime runs."""

    def __init__(self, hops: Hops, state: Path) -> None:
        self._hops = hops
        self._socket = str(state / "launcher.sock")
        self._log = state / "shim.log"
        self._client: ShimClient | None = None
        self._lock = asyncio.Lock()
        self._pid: int | None = None

    async def ensure(self) -> ShimClient:
        """The connection to the launcher, which is started if there is none."""
        async with self._lock:
            if self._client is None or self._client.gone.is_set():
                self._reap()
                self._client = await self._find() or await self._start()
            return self._client

    async def start_shim(
        self, socket: str, *, hostname: str, addresses: list[str]
    ) -> StartedShim:
        """Fork a shim that listens at `socket` and holds the first free address.

        Raises:
            ShimError: it could not be started.
        """
        arguments: dict[str, Any] = {
            "socket": socket,
            "hostname": hostname,
            "addresses": addresses,
        }
        try:
            client = await self.ensure()
            answer = await client.request("start", **arguments)
        except ShimGone:  # it was killed: the next one is as good
            client = await self.ensure()
            answer = await client.request("start", **arguments)
        return StartedShim(socket, answer["pid"], answer["address"])

    def close(self) -> None:
        """Hang up. The launcher stays while it has shims."""
        if self._client is not None:
            self._client.close()

    async def _find(self) -> ShimClient | None:
        try:
            return await ShimClient.connect(self._hops, self._socket)
        except OSError:
            return None

    async def _start(self) -> ShimClient:
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            self._pid = self._spawn(writer)
            os.close(writer)
            await _end_of(reader)
        finally:
            os.close(reader)
        client = await self._find()
        if client is None:
            raise ShimError(0, f"the launcher did not start, see {self._log}")
        return client

    def _spawn(self, ready: int) -> int:
        command = [sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM)]
        return os.posix_spawn(
            sys.executable,
            [*command, self._socket, str(_READY_FD)],
            {},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, str(self._log), _LOG_FLAGS, 0o600),
                (os.POSIX_SPAWN_DUP2, ready, _READY_FD),
            ],
            setsigmask=[],
        )

    def _reap(self) -> None:
        if self._pid is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, os.WNOHANG)
            self._pid = None


_LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND


async def _end_of(descriptor: int) -> None:
    """Wait until a pipe has no writer any more."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _settle, ended)
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
