"""The launcher: parent of all shims of a runtime, and their spare wheel.

It is started once, with its modules loaded, and forks: a shim costs 1 ms instead of the 40 of
a fresh interpreter, and shares its memory. As a subreaper it also gets the processes that a
killed shim leaves, and kills them. It outlives the runtime as long as there are shims.
"""

from __future__ import annotations

import gc
import os
import signal

from cri_runtime.shim import linux
from cri_runtime.shim.connection import Connection, Server
from cri_runtime.shim.loop import Loop
from cri_runtime.shim.processes import children, kill_trees
from cri_runtime.shim.sandbox import Sandbox
from cri_runtime.shim.sockets import claim_address, listen_unix
from cri_runtime.shim.spawn import IGNORED_BY_PYTHON, remember_limit
from cri_runtime.shim.waiting import next_dead

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

    from cri_runtime.shim.protocol import Message

__all__ = ["main"]

# seconds until another look at orphans that will not die
_RETRY = 0.1


class Launcher:
    """Serves `start` until the last shim and the last connection are gone."""

    def __init__(self, listener: socket.socket) -> None:
        self._shims: set[int] = set()
        self._loop = Loop()
        self._server = Server(self._loop, listener)
        self._server.on_leave = lambda _connection: self._check()
        self._server.handlers = {"start": self._start, "shims": self._list}
        self._loop.on_child(self._reap)
        self._loop.on_tick(self._retry)

    def run(self) -> None:
        """Serve."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._loop.run()
        self._server.close()

    def _start(self, _connection: Connection, message: Message) -> Message:
        """Fork the shim of a sandbox, with its socket and its address."""
        address, claim = claim_address(message["addresses"])
        listener = listen_unix(message["socket"])
        pid = os.fork()
        if pid == 0:
            self._become_shim(listener, message["socket"], message["hostname"])
        self._shims.add(pid)
        listener.close()
        if claim is not None:
            claim.close()
        return {"pid": pid, "address": address}

    def _become_shim(self, listener: socket.socket, path: str, hostname: str) -> None:
        """In the child: let go of all that is the launcher's, and never come back.

        The claim on the address stays open: it ends with the shim.
        """
        code = 1
        try:
            os.setsid()
            self._loop.close()
            self._server.on_leave = lambda _connection: None
            self._server.close()
            Sandbox(listener, path, hostname).run()
            code = 0
        finally:
            os._exit(code)

    def _list(self, _connection: Connection, _message: Message) -> Message:
        return {"pids": sorted(self._shims)}

    def _reap(self) -> None:
        while (dead := next_dead()) is not None:
            self._shims.discard(dead[0])
        kill_trees(self._orphans())
        self._check()

    def _orphans(self) -> list[int]:
        """What came to us from a shim that was killed: we have no other children."""
        return [pid for pid in children(os.getpid()) if pid not in self._shims]

    def _check(self) -> None:
        if not self._shims and not self._server.connections and not self._orphans():
            self._loop.stop()

    def _retry(self) -> float | None:
        if not self._orphans():
            return None
        self._reap()
        return _RETRY


def _heed_signals() -> None:
    """What a shell or nohup had us ignore, containers would ignore too."""
    for number in signal.valid_signals() - set(IGNORED_BY_PYTHON):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def main(path: str, ready: int, descriptors: int) -> None:
    """Listen at `path`, close the descriptor `ready` to say so, and serve.

    `descriptors` is the limit that containers get; our own is as high as it may be.
    """
    remember_limit(descriptors)
    _heed_signals()
    os.closerange(3, ready)
    os.closerange(ready + 1, os.sysconf("SC_OPEN_MAX"))
    linux.set_name("mini-cri-launch")
    linux.become_subreaper()
    launcher = Launcher(listen_unix(path))
    os.close(ready)
    gc.collect()
    gc.freeze()
    launcher.run()
