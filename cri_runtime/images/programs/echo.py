"""The program of mini-kube/echo: sends back what it gets, byte for byte, half-close included."""

from __future__ import annotations

import select
import socket
import sys

sys.path.append(__file__.partition("/cri_runtime/images/")[0])

from cri_runtime.images.programs.serving import listen, serve

LIMIT = 256 * 1024


class Connection:
    """One client. It is not read while much waits to be sent back."""

    def __init__(self, sock: socket.socket, _peer: tuple[str, int]) -> None:
        self._socket = sock
        self._waiting = bytearray()
        self._ended = False
        self._done = False

    def wants(self) -> int:
        """Poll events; none when it is over."""
        if self._done:
            return 0
        reading = not self._ended and len(self._waiting) < LIMIT
        return (select.POLLIN if reading else 0) | (
            select.POLLOUT if self._waiting else 0
        )

    def ready(self, events: int) -> None:
        """Read, write."""
        if events & select.POLLIN:
            data = self._socket.recv(65536)
            self._waiting += data
            self._ended = not data
        elif events & (select.POLLERR | select.POLLHUP):
            self._done = True
            return
        if self._waiting:
            try:
                del self._waiting[: self._socket.send(self._waiting)]
            except BlockingIOError:
                return
        if self._ended and not self._waiting:
            self._socket.shutdown(socket.SHUT_WR)
            self._done = True


listeners = listen()
for listener in listeners:
    sys.stderr.write("echo: listening on {}:{}\n".format(*listener.getsockname()))
serve(listeners, Connection)
