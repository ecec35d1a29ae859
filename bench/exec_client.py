"""An exec client that measures: one thread, blocking reads, nothing but the protocol."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from hops.blocking import BlockingClient, TlsSettings, Upgraded
from wire.exit_status import decode
from wire.remotecommand import (
    Closed,
    RemoteCommandClient,
    StatusReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.websocket import client_handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hops.blocking import BlockingConnection
    from wire.remotecommand import ClientEvent

__all__ = ["ExecClient", "ExecSession"]

_SUBPROTOCOL = "v5.channel.k8s.io"


class ExecClient:
    """Opens sessions in one pod. The TLS context is made once, as a client's is."""

    def __init__(self, server: str, tls: TlsSettings, pod: str) -> None:
        self._client = BlockingClient(server, tls=tls, timeout=60)
        self._path = f"/api/v1/namespaces/default/pods/{pod}/exec"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def open(
        self, *command: str, stdin: bool = False, tty: bool = False
    ) -> ExecSession:
        """Start a command; its standard error is not asked for."""
        query = [("command", part) for part in command] + [("stdout", "true")]
        query += [("stdin", "true")] if stdin else []
        query += [("tty", "true")] if tty else []
        key = base64.b64encode(os.urandom(16)).decode()
        answer = self._client.upgrade(
            "GET",
            f"{self._path}?{urlencode(query)}",
            client_handshake(key, [_SUBPROTOCOL]),
        )
        if not isinstance(answer, Upgraded):
            with answer:
                raise RuntimeError(b"".join(answer.chunks()).decode())
        options = StreamOptions(stdin=stdin, stdout=True, tty=tty)
        core = RemoteCommandClient(_SUBPROTOCOL, options)
        return ExecSession(answer.connection, core, answer.leftover)

    def run(self, *command: str) -> int:
        """Run a command to its end; its exit code."""
        session = self.open(*command)
        for _ in session.output():
            pass
        return session.code


class ExecSession:
    """A command that runs. `code` is known once `output` has ended."""

    def __init__(
        self, connection: BlockingConnection, core: RemoteCommandClient, leftover: bytes
    ) -> None:
        self._connection = connection
        self._core = core
        self._pending = core.receive_data(leftover) if leftover else []
        self._status = b""
        self.code = -1

    def send(self, data: bytes) -> None:
        self._core.send_stdin(data)
        self._flush()

    def end_input(self) -> None:
        self._core.close_stdin()
        self._flush()

    def output(self) -> Iterator[bytes]:
        """What the command prints, until it has ended and the connection is closed."""
        while True:
            events, self._pending = self._pending, []
            closed = False
            for event in events:
                if isinstance(event, StdoutReceived):
                    yield event.data
                closed |= self._take(event)
            if closed:
                self.close()
                return
            data = self._connection.receive()
            self._pending = (
                self._core.receive_data(data) if data else self._core.receive_eof()
            )
            self._flush()

    def close(self) -> None:
        self._connection.close()

    def _take(self, event: ClientEvent) -> bool:
        if isinstance(event, StatusReceived):
            self._status += event.payload
        elif isinstance(event, Closed):
            self.code = decode(self._status).code
            return True
        return False

    def _flush(self) -> None:
        buffers = self._core.data_to_send()
        if buffers:
            self._connection.send_all(b"".join(buffers))
