"""Starting shims: by the launcher, which we find again or start.

This process speaks gRPC and therefore never forks: subprocess uses vfork when it is given no
code to run in the child, and nothing of gRPC's runs between that and exec.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cri_runtime.limits import descriptor_limit
from cri_runtime.shim_client import ShimClient, ShimError, ShimGone
from cri_runtime.stop_all import abandon

if TYPE_CHECKING:
    from hops.hops import Hops

__all__ = ["LauncherClient", "StartedShim"]

_PROGRAM = Path(__file__).with_name("shim")


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
        self._process: subprocess.Popen[bytes] | None = None

    async def ensure(self) -> ShimClient:
        """The connection to the launcher, which is started if there is none."""
        async with self._lock:
            if self._client is None or self._client.gone.is_set():
                self._let_go()
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
            abandon(socket)  # or cut off, when it had started the shim
            client = await self.ensure()
            answer = await client.request("start", **arguments)
        return StartedShim(socket, answer["pid"], answer["address"])

    def close(self) -> None:
        """Hang up. The launcher stays while it has shims."""
        self._let_go()
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
            self._process = self._spawn(writer)
        finally:
            os.close(writer)
        try:
            await _end_of(reader)
        finally:
            os.close(reader)
        client = await self._find()
        if client is None:
            # It would wait for us, and has nothing of its own yet.
            self._process.kill()
            self._process.wait()
            raise ShimError(0, f"the launcher did not start, see {self._log}")
        return client

    def _spawn(self, ready: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", "-X", "utf8", str(_PROGRAM)]
        with open(self._log, "ab", opener=_private) as log:
            return subprocess.Popen(
                [*command, self._socket, str(ready), str(descriptor_limit())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=_environment(),
                pass_fds=[ready],
                start_new_session=True,
            )

    def _let_go(self) -> None:
        """The launcher is meant to outlive us, which subprocess takes for a mistake."""
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0
        self._process = None


def _environment() -> dict[str, str]:
    """Nothing, but what the interpreter may need to find its own library."""
    name = "LD_LIBRARY_PATH"
    return {name: os.environ[name]} if name in os.environ else {}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


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
