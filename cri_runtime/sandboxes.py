"""Pod sandboxes: each is one shim, READY as long as that lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from cri_runtime import ids
from cri_runtime.addresses import candidates
from cri_runtime.errors import Code, CriError
from cri_runtime.records import Sandbox, sandbox_name
from cri_runtime.shim_client import ShimClient, ShimError, ShimGone
from cri_runtime.stop_all import abandon
from hops import clock
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from pathlib import Path

    from cri_runtime.launcher_client import LauncherClient
    from cri_runtime.shim.protocol import Message
    from cri_runtime.store import RecordStore
    from hops.hops import Hops

__all__ = ["Sandboxes"]

logger = logging.getLogger(__name__)

Publish = Callable[[str, str, int], None]


class Sandboxes:
    """Runs, stops, forgets and finds again."""

    def __init__(
        self, hops: Hops, state: Path, store: RecordStore, launcher: LauncherClient
    ) -> None:
        self._hops = hops
        self._sockets = state / "s"
        self._sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = store
        self._launcher = launcher
        self._sandboxes: dict[str, Sandbox] = {}
        self._names: dict[str, str] = {}
        self._shims: dict[str, ShimClient] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self.publish: Publish = lambda _sandbox, _container, _kind: None
        #: What to do with an event of a shim, by its name.
        self.on_event: dict[str, Callable[[Message], None]] = {}
        #: Called when a shim is gone, whatever the reason.
        self.on_gone: list[Callable[[Sandbox], None]] = []

    def all(self) -> list[Sandbox]:
        """All sandboxes."""
        return list(self._sandboxes.values())

    def get(self, identity: str) -> Sandbox | None:
        """By full id."""
        return self._sandboxes.get(identity)

    def find(self, wanted: str) -> Sandbox:
        """By id or unique prefix. Raises CriError: NotFound."""
        return ids.find(wanted, self._sandboxes)

    def shim(self, identity: str) -> ShimClient:
        """The connection to a READY sandbox's shim. Raises CriError: not running."""
        sandbox = self._sandboxes.get(identity)
        shim = self._shims.get(identity)
        if sandbox is None or not sandbox.ready or shim is None:
            raise CriError(f'sandbox container "{identity}" is not running')
        return shim

    async def run(self, config: cri.PodSandboxConfig, handler: str) -> Sandbox:
        """Make a sandbox and bring it to READY.

        Raises:
            CriError: the name is taken, the handler unknown, or the shim did not start.
        """
        if handler not in ("", "runc"):
            text = f'no runtime for "{handler}" is configured'
            raise CriError(f"unable to get OCI runtime for sandbox: {text}")
        sandbox = Sandbox(ids.new_id(), config, handler)
        self._reserve(sandbox)
        try:
            await self._start(sandbox)
        except BaseException as error:
            self._names.pop(sandbox.name, None)
            abandon(sandbox.socket)
            if isinstance(error, (ShimError, OSError)):
                text = f'failed to start sandbox "{sandbox.id}": {error}'
                raise CriError(text) from error
            raise
        for kind in (cri.CONTAINER_CREATED_EVENT, cri.CONTAINER_STARTED_EVENT):
            self.publish(sandbox.id, sandbox.id, kind)
        return sandbox

    async def stop(self, sandbox: Sandbox) -> None:
        """Kill all that runs in it, and end its shim. Idempotent."""
        async with self._lock(sandbox):
            shim = self._shims.get(sandbox.id)
            if shim is None:
                return
            try:
                await shim.request("shutdown")
            except ShimError as error:
                logger.debug("shutdown: %s", error, extra={"sandbox": sandbox.id})
            await shim.gone.wait()

    async def remove(self, sandbox: Sandbox) -> None:
        """Forget a stopped sandbox. Idempotent."""
        async with self._lock(sandbox):
            if self._sandboxes.pop(sandbox.id, None) is None:
                return
            self._names.pop(sandbox.name, None)
            await asyncio.to_thread(self._store.remove, sandbox.id)
            self._locks.pop(sandbox.id, None)
        self.publish(sandbox.id, sandbox.id, cri.CONTAINER_DELETED_EVENT)

    async def recover(self) -> dict[str, list[Message]]:
        """Find the sandboxes of an earlier run; returns what their shims say they hold.

        A sandbox whose shim is gone is in the answer with an empty list.
        """
        for document in self._store.load().values():
            sandbox = Sandbox.from_document(document)
            self._sandboxes[sandbox.id] = sandbox
            self._names[sandbox.name] = sandbox.id
        ready = [sandbox for sandbox in self._sandboxes.values() if sandbox.ready]
        described = await asyncio.gather(*map(self._reconnect, ready))
        await self._end_strangers()
        return {s.id: told for s, told in zip(ready, described, strict=True)}

    async def clock_moved(self, _seconds: float, _everywhere: bool) -> None:
        """Tell the shims, who put the time into logs and exits."""
        for shim in list(self._shims.values()):
            with contextlib.suppress(ShimError):
                await shim.request("clock", ahead=clock.ahead_ns())

    def close(self) -> None:
        """Hang up on all shims; they and what runs in them stay."""
        for shim in list(self._shims.values()):
            shim.on_gone = lambda: None
            shim.close()
        self._shims.clear()

    def _reserve(self, sandbox: Sandbox) -> None:
        name = sandbox_name(sandbox.config.metadata)
        if holder := self._names.get(name):
            raise CriError(
                f'failed to reserve sandbox name "{name}": name "{name}" is reserved '
                f'for "{holder}"',
                Code.FAILED_PRECONDITION,
            )
        self._names[name] = sandbox.id

    async def _start(self, sandbox: Sandbox) -> None:
        addresses = [] if sandbox.host_network else candidates(sandbox.id)
        sandbox.socket = str(self._sockets / sandbox.id[:12])
        started = await self._launcher.start_shim(
            sandbox.socket,
            hostname=sandbox.config.hostname,
            addresses=addresses,
        )
        sandbox.address, sandbox.shim_pid = started.address, started.pid
        sandbox.created_at = clock.wall_ns()
        await self._connect(sandbox)
        self._sandboxes[sandbox.id] = sandbox
        self._save(sandbox)

    async def _connect(self, sandbox: Sandbox) -> list[Message]:
        shim = await ShimClient.connect(self._hops, sandbox.socket)
        shim.on_event = lambda event: self.on_event[event["event"]](event)
        told = await shim.request("hello", ahead=clock.ahead_ns())
        if shim.gone.is_set():
            raise ShimGone
        # Only now: a shim that dies before has no sandbox to take with it.
        shim.on_gone = lambda: self._gone(sandbox)
        self._shims[sandbox.id] = shim
        containers: list[Message] = told["containers"]
        return containers

    async def _reconnect(self, sandbox: Sandbox) -> list[Message]:
        try:
            return await self._connect(sandbox)
        except (OSError, ShimError) as error:
            logger.warning("shim lost: %s", error, extra={"sandbox": sandbox.id})
            self._mark_not_ready(sandbox)
            return []

    async def _end_strangers(self) -> None:
        """Shims that were started but never recorded: we were killed in between."""
        known = {s.socket for s in self._sandboxes.values() if s.ready}
        for path in self._sockets.iterdir():
            if str(path) in known:
                continue
            try:
                shim = await ShimClient.connect(self._hops, str(path))
                await shim.request("shutdown")
                shim.close()
            except (OSError, ShimError):
                path.unlink(missing_ok=True)

    def _gone(self, sandbox: Sandbox) -> None:
        self._shims.pop(sandbox.id, None)
        self._mark_not_ready(sandbox)
        for callback in self.on_gone:
            callback(sandbox)
        self.publish(sandbox.id, sandbox.id, cri.CONTAINER_STOPPED_EVENT)

    def _mark_not_ready(self, sandbox: Sandbox) -> None:
        sandbox.ready = False
        abandon(sandbox.socket)
        if sandbox.id in self._sandboxes:
            self._save(sandbox)

    def _save(self, sandbox: Sandbox) -> None:
        self._store.save(sandbox.id, sandbox.to_document())

    def _lock(self, sandbox: Sandbox) -> asyncio.Lock:
        return self._locks.setdefault(sandbox.id, asyncio.Lock())
