"""Commands run in a container: their pipes or terminal are made here, the fork is the shim's."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cri_runtime import ids
from cri_runtime.environment import terminal_env
from cri_runtime.errors import CriError
from cri_runtime.scripts.scripts import NoSuchCommand
from cri_runtime.shim_client import ShimError
from cri_runtime.stdio import set_size
from rpc import cri_v1_pb2 as cri

if TYPE_CHECKING:
    from cri_runtime.records import Container, Process, Sandbox
    from cri_runtime.sandboxes import Sandboxes
    from cri_runtime.scripts.scripts import Scripts
    from cri_runtime.shim.protocol import Message
    from cri_runtime.shim_client import ShimClient
    from wire.remotecommand import StreamOptions
    from wire.terminal import TerminalSize

__all__ = ["Execs", "RunningExec", "Streams"]

logger = logging.getLogger(__name__)

_KILLED = 137


@dataclass(slots=True)
class Streams:
    """Our ends of a process's streams, by name; a terminal's master is stdin and stdout."""

    ends: dict[str, int] = field(default_factory=dict)
    theirs: dict[str, int] = field(default_factory=dict)

    @classmethod
    def pipes(cls, options: StreamOptions) -> Streams:
        """A pipe for each stream that is wanted."""
        streams = cls()
        try:
            if options.stdin:
                streams.theirs["stdin"], streams.ends["stdin"] = _pipe()
            for name in ("stdout", "stderr"):
                if getattr(options, name):
                    streams.ends[name], streams.theirs[name] = _pipe()
        except BaseException:
            streams.close()
            raise
        return streams

    @classmethod
    def terminal(cls, options: StreamOptions, size: TerminalSize | None) -> Streams:
        """A terminal, of the given size from the start."""
        master, slave = os.openpty()
        streams = cls({"terminal": master}, {"tty": slave})
        if size is not None:
            set_size(master, size.width, size.height)
        # The output is read even if nobody wants it, or the process would block.
        streams.ends["stdout"] = os.dup(master)
        if options.stdin:
            streams.ends["stdin"] = os.dup(master)
        return streams

    def readable(self) -> list[int]:
        """Our ends that have something to read, for the shim to keep."""
        return [self.ends[name] for name in ("stdout", "stderr") if name in self.ends]

    def close_theirs(self) -> None:
        """Held open here, they would keep end-of-file from ever coming."""
        _close_all(self.theirs)

    def close(self) -> None:
        """Close all that was not taken."""
        _close_all(self.theirs)
        _close_all(self.ends)


@dataclass(slots=True)
class RunningExec:
    """A command that runs. Whoever takes a stream out of `streams` has to close it."""

    id: str
    shim: ShimClient
    streams: Streams
    exited: asyncio.Future[int]

    def resize(self, size: TerminalSize) -> None:
        """Set the size of its terminal."""
        if "terminal" in self.streams.ends:
            set_size(self.streams.ends["terminal"], size.width, size.height)

    async def kill(self) -> None:
        """SIGKILL to it and all below it."""
        try:
            await self.shim.request("kill_exec", exec=self.id)
        except ShimError as error:
            logger.debug("kill: %s", error, extra={"exec": self.id})


class Execs:
    """Starts commands and waits for their ends."""

    def __init__(self, sandboxes: Sandboxes, scripts: Scripts) -> None:
        self._sandboxes = sandboxes
        self._scripts = scripts
        self._running: dict[str, tuple[str, asyncio.Future[int]]] = {}
        sandboxes.on_event["exec_exited"] = self._on_exited
        sandboxes.on_gone.append(self._on_gone)

    @property
    def running(self) -> int:
        """How many commands have not ended."""
        return len(self._running)

    async def start(
        self,
        container: Container,
        command: list[str],
        options: StreamOptions,
        size: TerminalSize | None = None,
    ) -> RunningExec:
        """Start a command with the streams that `options` asks for.

        Raises:
            CriError: the container does not run, or the command cannot be started.
        """
        check_running(container)
        shim = self._sandboxes.shim(container.sandbox_id)
        try:
            process = self._scripts.plan(
                container, self._sandboxes.find(container.sandbox_id), command
            )
        except NoSuchCommand as error:
            raise _not_started(ids.new_id(), error) from error
        make = (
            Streams.terminal(options, size) if options.tty else Streams.pipes(options)
        )
        return await self._start(shim, container, process, make, tty=options.tty)

    async def start_on_socket(
        self, container: Container, command: list[str], descriptor: int
    ) -> RunningExec:
        """Start a command of the machine whose stdin and stdout are a connected socket.

        The descriptor is ours from now on.

        Raises:
            CriError: the container does not run, or the command cannot be started.
        """
        streams = Streams(theirs={"stdin": descriptor, "stdout": os.dup(descriptor)})
        process = replace(container.process, argv=command)
        try:
            check_running(container)
            shim = self._sandboxes.shim(container.sandbox_id)
        except BaseException:
            streams.close()
            raise
        return await self._start(shim, container, process, streams, tty=False)

    def attachment(self, container: Container) -> list[str] | None:
        """What plays in place of the main process' output to who attaches; or None."""
        sandbox = self._sandboxes.find(container.sandbox_id)
        return self._scripts.attachment(container, sandbox)

    async def start_unscripted(
        self, container: Container, command: list[str], options: StreamOptions
    ) -> RunningExec:
        """Start a command of the machine, whatever the container's script says.

        Raises:
            CriError: the container does not run, or the command cannot be started.
        """
        check_running(container)
        shim = self._sandboxes.shim(container.sandbox_id)
        process = replace(container.process, argv=command)
        streams = Streams.pipes(options)
        return await self._start(shim, container, process, streams, tty=False)

    async def _start(
        self,
        shim: ShimClient,
        container: Container,
        process: Process,
        streams: Streams,
        *,
        tty: bool,
    ) -> RunningExec:
        running = RunningExec(
            ids.new_id(), shim, streams, asyncio.get_running_loop().create_future()
        )
        self._running[running.id] = (container.sandbox_id, running.exited)
        try:
            await self._request(running, container, process, tty=tty)
        except BaseException:
            self._running.pop(running.id, None)
            streams.close()
            raise
        streams.close_theirs()
        return running

    async def _request(
        self,
        running: RunningExec,
        container: Container,
        process: Process,
        *,
        tty: bool,
    ) -> None:
        streams = running.streams
        try:
            await running.shim.request(
                "exec",
                descriptors=[*streams.theirs.values(), *streams.readable()],
                streams=list(streams.theirs),
                exec=running.id,
                container=container.id,
                argv=process.argv,
                env=terminal_env(process.env) if tty else process.env,
                cwd=process.cwd,
                user=process.user,
                tty=tty,
            )
        except ShimError as error:
            raise _not_started(running.id, error) from error

    def _on_exited(self, event: Message) -> None:
        _sandbox, exited = self._running.pop(event["exec"], ("", None))
        if exited is not None and not exited.done():
            exited.set_result(event["code"])

    def _on_gone(self, sandbox: Sandbox) -> None:
        """The shim is gone, and its children were killed with it."""
        for identity, (owner, exited) in list(self._running.items()):
            if owner == sandbox.id:
                del self._running[identity]
                if not exited.done():
                    exited.set_result(_KILLED)


def _not_started(identity: str, reason: Exception) -> CriError:
    return CriError(
        f'failed to start exec "{identity}": OCI runtime exec failed: exec '
        f"failed: unable to start container process: {reason}"
    )


def check_running(container: Container) -> None:
    """Raises CriError unless the container runs."""
    if container.state != cri.CONTAINER_RUNNING:
        raise CriError(f"container is in {container.state_name} state")


def _pipe() -> tuple[int, int]:
    return os.pipe2(os.O_CLOEXEC)


def _close_all(descriptors: dict[str, int]) -> None:
    for descriptor in descriptors.values():
        os.close(descriptor)
    descriptors.clear()
