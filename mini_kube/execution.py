"""Running a command in a container: the streams as bytes, the outcome as a value.

The session is a `v5.channel.k8s.io` WebSocket, as kubectl's. A server that refuses it
(an emulated version before WebSockets) is left to mini-kubectl, which knows SPDY.
"""

from __future__ import annotations

import os
import select
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mini_kube.errors import ApiError, ExecError
from wire.errors import RemoteProtocolError
from wire.exit_status import decode
from wire.remotecommand import (
    Closed,
    RemoteCommandClient,
    StatusReceived,
    StderrReceived,
    StdoutReceived,
    StreamOptions,
)
from wire.websocket_handshake import check_client_handshake, client_handshake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hops.blocking.connection import BlockingConnection
    from mini_kube.api import Api

__all__ = ["ExecResult", "Refused", "open_exec", "run_exec"]

_SUBPROTOCOL: Final = "v5.channel.k8s.io"
_CHUNK: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a command said, and how it ended."""

    stdout: bytes
    stderr: bytes
    exit_code: int

    @property
    def text(self) -> str:
        """Its output, as text."""
        return self.stdout.decode(errors="replace")


class Refused(Exception):  # noqa: N818 - an answer
    """The server does not speak the WebSocket protocol; `error` is what it said."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class _Opened:
    connection: BlockingConnection
    core: RemoteCommandClient
    leftover: bytes


def open_exec(
    api: Api, pod_path: str, command: Sequence[str], container: str | None, *, tty: bool
) -> _Opened:
    """Ask for the session.

    Raises:
        Refused: there is no WebSocket here, or the request is refused.
        ApiError: no answer came.
    """
    query = [("command", word) for word in command]
    query += [("stdin", "true"), ("stdout", "true")]
    query += [("tty", "true")] if tty else [("stderr", "true")]
    if container:
        query.append(("container", container))
    key = b64encode(os.urandom(16)).decode()
    headers = client_handshake(key, [_SUBPROTOCOL])
    answer = api.upgrade(f"{pod_path}/exec", query, headers)
    if isinstance(answer, ApiError):
        raise Refused(answer)
    try:
        check_client_handshake(answer.head, key, [_SUBPROTOCOL])
    except RemoteProtocolError as err:
        answer.connection.close()
        raise Refused(ApiError(str(err), 101)) from None
    options = StreamOptions(stdin=True, stdout=True, stderr=not tty, tty=tty)
    core = RemoteCommandClient(_SUBPROTOCOL, options)
    return _Opened(answer.connection, core, answer.leftover)


def run_exec(opened: _Opened, stdin: bytes, timeout: float) -> ExecResult:
    """Give the command its input, collect what it says, wait for its end.

    Raises:
        ExecError: it could not be run, or the connection broke.
        TimeoutError: it has not ended within `timeout` seconds; it may go on running.
    """
    session = _Session(opened, stdin)
    try:
        return session.run(time.monotonic() + timeout)
    finally:
        opened.connection.close()


class _Session:
    def __init__(self, opened: _Opened, stdin: bytes) -> None:
        self._connection = opened.connection
        self._core = opened.core
        self._leftover = opened.leftover
        self._stdin = memoryview(stdin)
        self._stdin_open = True
        self._sending: list[memoryview] = []
        self._output: dict[type, bytearray] = {
            StdoutReceived: bytearray(),
            StderrReceived: bytearray(),
            StatusReceived: bytearray(),
        }
        self._closed: Closed | None = None

    def run(self, deadline: float) -> ExecResult:
        self._connection.set_timeout(0)
        self._handle(self._leftover)
        while self._closed is None:
            self._send()
            self._wait(deadline)
            self._receive()
        return self._result(self._closed)

    def _wait(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the command has not ended in time")
        if self._connection.pending:
            return
        events = select.POLLIN | (select.POLLOUT if self._sending else 0)
        poller = select.poll()
        poller.register(self._connection.fileno(), events)
        poller.poll(left * 1000)

    def _send(self) -> None:
        """Write until the socket is full, with one piece of the input at a time."""
        while True:
            if not self._sending:
                self._feed()
            if not self._sending:
                return
            try:
                sent = self._connection.send(self._sending[0])
            except BlockingIOError:
                return
            except OSError:
                # What the server said before it left comes first.
                self._sending.clear()
                self._stdin_open = False
                return
            rest = self._sending[0][sent:]
            self._sending[:1] = [rest] if rest else []

    def _feed(self) -> None:
        if self._stdin_open:
            if self._stdin:
                self._core.send_stdin(self._stdin[:_CHUNK])
                self._stdin = self._stdin[_CHUNK:]
            else:
                self._stdin_open = False
                self._core.close_stdin()
        if data := b"".join(self._core.data_to_send()):
            self._sending.append(memoryview(data))

    def _receive(self) -> None:
        try:
            data = self._connection.receive()
        except BlockingIOError:
            return
        except OSError as err:
            raise ExecError(f"the connection broke: {err}") from err
        self._handle(data, ended=not data)

    def _handle(self, data: bytes, *, ended: bool = False) -> None:
        core = self._core
        for event in core.receive_eof() if ended else core.receive_data(data):
            match event:
                case StdoutReceived(piece) | StderrReceived(piece):
                    self._output[type(event)] += piece
                case StatusReceived(payload):
                    self._output[StatusReceived] += payload
                case Closed():
                    self._closed = event

    def _result(self, closed: Closed) -> ExecResult:
        status = bytes(self._output[StatusReceived])
        if closed.code != 1000 or not status:
            reason = f": {closed.reason}" if closed.reason else ""
            raise ExecError(
                f"the session was closed with {closed.code}{reason}, "
                f"{'after' if status else 'without'} a status"
            )
        result = decode(status)
        if not result.success and not result.is_exit_code:
            raise ExecError(result.message)
        stdout = bytes(self._output[StdoutReceived])
        return ExecResult(stdout, bytes(self._output[StderrReceived]), result.code)
