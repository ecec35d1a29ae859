"""An exec client that measures: one thread, blocking reads, nothing but the protocol."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

from hops.blocking.client import BlockingClient
from hops.blocking.responses import Upgraded
from wire.exit_status import decode
from wire.remotecommand import (
    Closed,
    RemoteCommandClient,
    StatusReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.remotecommand_spdy import SPDY_PROTOCOLS, SpdyRemoteCommandClient
from wire.spdy_negotiation import spdy_handshake
from wire.websocket import client_handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hops.blocking.connection import BlockingConnection
    from hops.blocking.tls import TlsSettings
    from wire.http1 import Headers
    from wire.remotecommand import ClientEvent

__all__ = ["ExecClient", "ExecSession", "new_key", "upgrade"]

_SUBPROTOCOL = "v5.channel.k8s.io"


class ExecClient:
    """Opens sessions in one pod. The TLS context is made once, as a client's is.

    Args:
        spdy: over SPDY v4 in place of WebSocket v5.
    """

    def __init__(
        self, server: str, tls: TlsSettings, pod: str, *, spdy: bool = False
    ) -> None:
        self._spdy = spdy
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
        target = f"{self._path}?{urlencode(query)}"
        options = StreamOptions(stdin=stdin, stdout=True, tty=tty)
        if self._spdy:
            protocol = SPDY_PROTOCOLS[0]
            upgraded = upgrade(self._client, "POST", target, spdy_handshake([protocol]))
            core: RemoteCommandClient = SpdyRemoteCommandClient(
                protocol, options, ping_period=None
            )
        else:
            headers = client_handshake(new_key(), [_SUBPROTOCOL])
            upgraded = upgrade(self._client, "GET", target, headers)
            core = RemoteCommandClient(_SUBPROTOCOL, options)
        return ExecSession(upgraded.connection, core, upgraded.leftover)

    def run(self, *command: str) -> int:
        """Run a command to its end; its exit code."""
        session = self.open(*command)
        for _ in session.output():
            pass
        return session.code


def new_key() -> str:
    """A Sec-WebSocket-Key."""
    return base64.b64encode(os.urandom(16)).decode()


def upgrade(
    client: BlockingClient, method: str, target: str, headers: Headers
) -> Upgraded:
    """The connection behind a 101; RuntimeError with the body of any other answer."""
    answer = client.upgrade(method, target, headers)
    if not isinstance(answer, Upgraded):
        with answer:
            raise RuntimeError(b"".join(answer.chunks()).decode())
    return answer


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
        self._flush()  # SPDY: the client opens the streams

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
