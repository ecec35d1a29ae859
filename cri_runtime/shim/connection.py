"""The listening side of the runtime's Unix sockets: requests in, answers and events out."""

from __future__ import annotations

import os
import socket
from array import array
from collections import deque
from collections.abc import Callable

from cri_runtime.shim.loop import READ, WRITE, Loop
from cri_runtime.shim.protocol import Message, MessageDecoder, encode
from cri_runtime.shim.spawn import SpawnError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Connection", "Server"]

_READ = 64 * 1024  # what is larger malloc(3) takes from the kernel for every read
_MAX_DESCRIPTORS = 16
_ANCILLARY_SPACE = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array("i").itemsize)


class Connection:
    """One client: the runtime, or a tool that stops everything."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self._server = server
        self._socket = sock
        self._decoder = MessageDecoder()
        self._descriptors: deque[int] = deque()
        self._unsent = bytearray()
        self.closed = False
        sock.setblocking(False)
        server.loop.register(sock.fileno(), READ, self._on_event)

    def send(self, message: Message) -> None:
        """Queue an answer or an event."""
        if self.closed:
            return
        self._unsent += encode(message)
        self._flush()

    def take(self, count: int) -> list[int]:
        """The next descriptors that came; they are the caller's to close."""
        return [self._descriptors.popleft() for _ in range(count)]

    def close(self) -> None:
        """Hang up. Idempotent."""
        if self.closed:
            return
        self.closed = True
        self._server.loop.unregister(self._socket.fileno())
        self._socket.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()
        self._server.forget(self)

    def _on_event(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if not self.closed and events & ~WRITE:
            self._receive()

    def _receive(self) -> None:
        try:
            data, ancillary, _, _ = self._socket.recvmsg(
                _READ, _ANCILLARY_SPACE, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        for level, kind, payload in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array("i")
                numbers.frombytes(payload)
                self._descriptors.extend(numbers)
        if not data:
            self.close()
            return
        try:
            messages = self._decoder.receive_data(data)
        except ValueError:
            self.close()  # what runs here runs on
            return
        for message in messages:
            self._server.answer(self, message)

    def _flush(self) -> None:
        try:
            del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        self._server.loop.modify(
            self._socket.fileno(), READ | WRITE if self._unsent else READ
        )


Handler: TypeAlias = Callable[[Connection, Message], Message]


class Server:
    """Accepts connections and answers each request by the handler that its `do` names."""

    def __init__(self, loop: Loop, listener: socket.socket) -> None:
        self.loop = loop
        self.handlers: dict[str, Handler] = {}
        self.connections: set[Connection] = set()
        self.on_leave: Callable[[Connection], None] = lambda _connection: None
        self._listener = listener
        listener.setblocking(False)
        loop.register(listener.fileno(), READ, self._accept)

    def answer(self, connection: Connection, message: Message) -> None:
        """Run the handler and send what it gives back, or why it could not."""
        try:
            result = {"ok": self.handlers[message["do"]](connection, message)}
        except SpawnError as failure:
            result = {"error": {"errno": failure.errno, "text": failure.text}}
        except OSError as failure:
            result = {"error": {"errno": failure.errno or 0, "text": str(failure)}}
        except (KeyError, IndexError, TypeError, ValueError) as failure:
            result = {"error": {"errno": 0, "text": f"bad request: {failure!r}"}}
        connection.send({"id": message.get("id"), **result})

    def forget(self, connection: Connection) -> None:
        """A connection has closed."""
        self.connections.discard(connection)
        self.on_leave(connection)

    def close(self) -> None:
        """Stop listening and hang up on everybody."""
        self.loop.unregister(self._listener.fileno())
        self._listener.close()
        for connection in list(self.connections):
            connection.close()

    def _accept(self, _events: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        self.connections.add(Connection(self, sock))
