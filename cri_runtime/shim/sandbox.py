"""The shim of one pod sandbox: parent and reaper of all that runs in it.

Every main process and every exec'd command is a child of ours and a subreaper itself, as
process 1 of a container is. So a process always stands below the one it came from, whatever
sessions it opened, until that one ends; then its orphans come to us, and are known to be of
the container whose process has just ended.
"""

from __future__ import annotations

import os
import signal

from cri_runtime.shim import clock, linux, memory
from cri_runtime.shim.connection import Connection, Server
from cri_runtime.shim.container import Container, process_spec
from cri_runtime.shim.execs import Exec
from cri_runtime.shim.loop import Loop
from cri_runtime.shim.processes import children, descendants, environment, kill_trees
from cri_runtime.shim.protocol import CONTAINER_VARIABLE, Message
from cri_runtime.shim.spawn import spawn
from cri_runtime.shim.waiting import next_dead

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

__all__ = ["Sandbox"]

# seconds between two looks at a container whose last processes will not die
_RETRY = 0.1

# seconds between looks at the socket, while no runtime is connected
_SOCKET_INTERVAL = 5.0


class Sandbox:
    """Serves the runtime's requests until `shutdown`."""

    def __init__(self, listener: socket.socket, path: str, hostname: str) -> None:
        self._path = path
        linux.set_name("mini-cri-shim")
        linux.become_subreaper()
        if hostname:
            linux.own_hostname(hostname)
        self._loop = Loop()
        self._containers: dict[str, Container] = {}
        self._execs: dict[int, Exec] = {}
        self._commands: set[Exec] = set()
        self._adopted: dict[int, str] = {}
        self._listeners: set[Connection] = set()
        self._kernel_kills = memory.KernelKills()
        self._stopping = False
        self._server = Server(self._loop, listener)
        self._server.on_leave = self._on_leave
        self._server.handlers = {
            "hello": self._hello,
            "start": self._start,
            "exec": self._exec,
            "attach": self._attach,
            "resize": self._resize,
            "signal": self._signal,
            "kill_exec": self._kill_exec,
            "limit_memory": self._limit_memory,
            "reopen_log": self._reopen_log,
            "pids": self._pids,
            "forget": self._forget,
            "clock": self._clock,
            "shutdown": self._shutdown,
        }
        self._loop.on_child(self._reap)
        self._loop.on_tick(self._watch_memory)
        self._loop.on_tick(self._retry)
        self._loop.on_tick(self._look_for_socket)

    def run(self) -> None:
        """Serve."""
        signal.signal(signal.SIGTERM, lambda *_: self.stop())
        signal.signal(signal.SIGINT, lambda *_: self.stop())
        self._loop.run()
        self._server.close()

    def stop(self) -> None:
        """Kill all that runs here, and end when nothing is left."""
        self._stopping = True
        for container in self._containers.values():
            if container.exit is None:
                container.signal(signal.SIGKILL)
        self._sweep()

    # ---- requests

    def _hello(self, connection: Connection, message: Message) -> Message:
        """Subscribe to exits; the answer holds those that happened before."""
        self._listeners.add(connection)
        clock.set_ahead(message.get("ahead", 0))
        described = [container.describe() for container in self._containers.values()]
        return {"pid": os.getpid(), "containers": described}

    def _start(self, _connection: Connection, message: Message) -> Message:
        if self._stopping:
            raise OSError("the sandbox is being stopped")
        container = Container(self._loop, message)
        self._containers[container.id] = container
        return {"pid": container.pid, "started_at": container.started_at}

    def _exec(self, connection: Connection, message: Message) -> Message:
        descriptors = connection.take(message["fds"])
        streams: list[str] = message["streams"]
        theirs, kept = descriptors[: len(streams)], descriptors[len(streams) :]
        try:
            container = self._running(message["container"])
            pid = self._spawn_exec(message, dict(zip(streams, theirs, strict=True)))
        except BaseException:
            _close_all(kept)
            raise
        finally:
            _close_all(theirs)
        identity = (message["exec"], container.id)
        command = Exec(self._loop, connection, identity, self._commands.discard)
        self._commands.add(command)
        self._execs[pid] = command
        command.keep(kept)
        return {"pid": pid}

    def _attach(self, connection: Connection, message: Message) -> Message:
        descriptors = connection.take(message["fds"])
        try:
            container = self._containers[message["container"]]
        except KeyError:
            _close_all(descriptors)
            raise
        container.attach(descriptors, message)
        return {}

    def _resize(self, _connection: Connection, message: Message) -> Message:
        container = self._containers[message["container"]]
        container.resize(message["width"], message["height"])
        return {}

    def _signal(self, _connection: Connection, message: Message) -> Message:
        self._containers[message["container"]].signal(message["signal"])
        return {}

    def _kill_exec(self, _connection: Connection, message: Message) -> Message:
        pids = [pid for pid, e in self._execs.items() if e.id == message["exec"]]
        kill_trees(pids)
        return {}

    def _limit_memory(self, _connection: Connection, message: Message) -> Message:
        self._running(message["container"]).memory_limit = message["bytes"]
        return {}

    def _reopen_log(self, _connection: Connection, message: Message) -> Message:
        self._running(message["container"]).reopen_log()
        return {}

    def _pids(self, _connection: Connection, message: Message) -> Message:
        return {"pids": list(descendants(self._roots(message["container"])))}

    def _forget(self, _connection: Connection, message: Message) -> Message:
        container = self._containers.get(message["container"])
        if container is not None and container.exit and not container.dying:
            del self._containers[container.id]
        return {}

    def _clock(self, _connection: Connection, message: Message) -> Message:
        clock.set_ahead(message["ahead"])
        return {}

    def _shutdown(self, _connection: Connection, _message: Message) -> Message:
        self.stop()
        return {}

    def _on_leave(self, connection: Connection) -> None:
        self._listeners.discard(connection)
        for command in list(self._commands):
            if command.connection is connection:
                command.runtime_left()

    # ---- processes

    def _running(self, identity: str) -> Container:
        container = self._containers[identity]
        if container.exit is not None:
            raise OSError("the container is not running")
        return container

    def _spawn_exec(self, message: Message, streams: dict[str, int]) -> int:
        if message.get("tty"):
            return spawn(process_spec(message), [streams["tty"]])
        with open(os.devnull, "r+b", buffering=0) as nothing:
            names = ("stdin", "stdout", "stderr")
            stdio = [streams.get(name, nothing.fileno()) for name in names]
            return spawn(process_spec(message), stdio)

    def _reap(self) -> None:
        """Take in the dead, then their orphans, then finish containers that are empty."""
        bereaved: list[str] = []
        while (ended := next_dead()) is not None:
            if owner := self._process_ended(*ended):
                bereaved.append(owner)
        self._adopt(bereaved)
        self._sweep()

    def _process_ended(self, pid: int, status: int) -> str | None:
        """Note one death; returns the container it was in, if we know."""
        if (command := self._execs.pop(pid, None)) is not None:
            command.ended(status)
            return command.container
        for container in self._containers.values():
            if container.pid == pid and container.exit is None:
                container.main_process_ended(
                    status, oom=self._is_oom(container, status)
                )
                return container.id
        return self._adopted.pop(pid, None)

    def _is_oom(self, container: Container, status: int) -> bool:
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            return False
        return container.out_of_memory or (
            not container.kill_sent and self._kernel_kills.any_new()
        )

    def _adopt(self, bereaved: list[str]) -> None:
        """Find out to which containers the orphans belong that have come to us."""
        known = {c.pid for c in self._containers.values()} | self._execs.keys()
        for pid in set(children(os.getpid())) - known - self._adopted.keys():
            mark = environment(pid).get(CONTAINER_VARIABLE.encode(), b"").decode()
            likely = [mark] if mark in self._containers else bereaved
            self._adopted[pid] = next(iter(likely or self._containers), "")

    def _roots(self, identity: str) -> list[int]:
        """Our own children that belong to a container."""
        container = self._containers[identity]
        main = [container.pid] if container.exit is None else []
        commands = [pid for pid, e in self._execs.items() if e.container == identity]
        adopted = [pid for pid, owner in self._adopted.items() if owner == identity]
        return main + commands + adopted

    def _sweep(self) -> None:
        """A container's main process takes all others of the container with it."""
        for container in list(self._containers.values()):
            if not container.dying:
                continue
            self._adopt([container.id])
            if roots := self._roots(container.id):
                kill_trees(roots)
            else:
                container.finish()
                self._announce(container)
        kill_trees(self._strays())
        if self._stopping and not self._alive():
            self._loop.stop()

    def _strays(self) -> list[int]:
        """Orphans that turned up after their container was gone."""
        containers = self._containers
        return [
            pid
            for pid, owner in self._adopted.items()
            if owner not in containers or containers[owner].exit is not None
        ]

    def _alive(self) -> bool:
        return any(c.dying or c.exit is None for c in self._containers.values())

    def _announce(self, container: Container) -> None:
        event = {"event": "exited", **container.describe()}
        for connection in list(self._listeners):
            connection.send(event)

    # ---- ticks

    def _retry(self) -> float | None:
        if not any(container.dying for container in self._containers.values()):
            return None
        self._reap()
        return _RETRY

    def _look_for_socket(self) -> float | None:
        """Nobody finds back to a shim whose socket was removed: it ends."""
        if self._server.connections or self._stopping:
            return None
        if not os.path.exists(self._path):
            self.stop()
            return None
        return _SOCKET_INTERVAL

    def _watch_memory(self) -> float | None:
        limited = [
            container
            for container in self._containers.values()
            if container.memory_limit and container.exit is None
        ]
        for container in limited:
            if (
                memory.usage(descendants(self._roots(container.id)))
                > container.memory_limit
            ):
                container.out_of_memory = True
                container.signal(signal.SIGKILL)
        return memory.INTERVAL if limited else None


def _close_all(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
