"""The live events of all services, over their control sockets (`trace_stream`)."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Self

__all__ = ["Watcher"]

_READ = 1 << 16


class Watcher:
    """Reads the events of several services as they come.

    Raises:
        OSError: a service cannot be reached.
    """

    def __init__(self, sockets: Iterable[Path]) -> None:
        self._selector = selectors.DefaultSelector()
        self._partial: dict[int, bytes] = {}
        self._read_ahead: deque[dict[str, Any]] = deque()  # and not yet handed out
        try:
            for path in sockets:
                self._open(str(path))
        except OSError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        for key in list(self._selector.get_map().values()):
            self._forget(key.fileobj)
        self._selector.close()

    def events(self, until: float | None) -> Iterator[dict[str, Any]]:
        """Events until a monotonic time (None: without end), or until all have ended.

        The next call goes on where this one was left.
        """
        while True:
            while self._read_ahead:
                yield self._read_ahead.popleft()
            wait = None if until is None else until - time.monotonic()
            if not self._partial or (wait is not None and wait <= 0):
                return
            for key, _ in self._selector.select(wait):
                self._read(key.fileobj)

    def _open(self, path: str) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(10)
            sock.connect(path)
            sock.sendall(b'{"cmd":"trace_stream","bytes":0}\n')
            head = b""
            while b"\n" not in head:
                data = sock.recv(_READ)
                if not data:
                    raise ConnectionError(f"{path}: no trace")
                head += data
        except OSError:
            sock.close()
            raise
        self._partial[sock.fileno()] = b""
        self._selector.register(sock, selectors.EVENT_READ)
        self._take(sock.fileno(), head.partition(b"\n")[2])

    def _read(self, sock: Any) -> None:
        number = sock.fileno()
        try:
            data = sock.recv(_READ)
        except OSError:
            data = b""
        if not data:
            self._forget(sock)
            return
        self._take(number, data)

    def _take(self, number: int, data: bytes) -> None:
        *lines, rest = (self._partial[number] + data).split(b"\n")
        self._partial[number] = rest
        for line in lines:
            event = json.loads(line)
            if "layer" in event:
                self._read_ahead.append(event)

    def _forget(self, sock: Any) -> None:
        """A service has ended, as when a step kills it: the others go on."""
        self._partial.pop(sock.fileno(), None)
        self._selector.unregister(sock)
        sock.close()
