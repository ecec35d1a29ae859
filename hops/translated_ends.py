"""The two ends of a translated exec or attach: WebSocket v5, and SPDY."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hops.deadline import DeadlineTimer
from hops.session_end import SessionEnd
from wire.remotecommand import (
    Closed,
    PeerClosed,
    RemoteCommandServer,
    Resized,
    StatusReceived,
    StderrReceived,
    StdinClosed,
    StdinReceived,
    StdoutReceived,
)

if TYPE_CHECKING:
    from hops.connection import Connection
    from wire.remotecommand import ClientEvent, ServerEvent
    from wire.remotecommand_spdy import SpdyRemoteCommandClient

__all__ = ["ClientEnd", "RuntimeEnd"]

# Input that may wait for a runtime that is only being dialled.
_EARLY_INPUT = 256 * 1024

# Of the error stream, which is kept until the session ends; a Status has some hundred.
_MAX_STATUS = 1024 * 1024


class ClientEnd(SessionEnd):
    """The WebSocket: we are its server.

    Args:
        core: of the session.
        idle_timeout: seconds without a message until the connection is cut.
    """

    def __init__(
        self, connection: Connection, core: RemoteCommandServer, idle_timeout: float
    ) -> None:
        super().__init__(connection)
        self.core = core
        self.left = asyncio.Event()
        self._runtime: RuntimeEnd | None = None
        self._early: list[ServerEvent] = []
        self._early_size = 0
        self._idle_timeout = idle_timeout
        self._last_data = self._loop.time()
        self._timer = DeadlineTimer(
            lambda: self._last_data + self._idle_timeout,
            lambda _now: connection.abort(),
        )
        self._timer.update()

    def join(self, runtime: RuntimeEnd) -> None:
        """There is a runtime: give it what has come meanwhile."""
        self._runtime = runtime
        early, self._early = self._early, []
        for event in early:
            runtime.pass_on(event)
        runtime.flush()
        self.holds.release("early")

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        for event in self.core.receive_data(data):
            self._handle(event)
        self.flush(is_answer=True)
        if self._runtime is not None:
            self._runtime.flush()

    def on_eof(self) -> None:
        """The client is gone."""
        for event in self.core.receive_eof():
            self._handle(event)

    def pause_writing(self) -> None:
        """Called by the transport: the client is slow."""
        super().pause_writing()
        if self._runtime is not None:
            self._runtime.holds.hold(self)

    def resume_writing(self) -> None:
        """Called by the transport."""
        super().resume_writing()
        if self._runtime is not None:
            self._runtime.holds.release(self)

    def flush(self, *, is_answer: bool = False) -> None:
        """Send what the core has."""
        buffers = self.core.data_to_send()
        if buffers:
            self._last_data = self._loop.time()
        self.send(buffers, is_answer=is_answer)

    def stop(self) -> None:
        """Let go of the timer."""
        self._timer.cancel()

    def _handle(self, event: ServerEvent) -> None:
        match event:
            case StdinReceived() | StdinClosed() | Resized():
                self._last_data = self._loop.time()
                self._pass_on(event)
            case PeerClosed():
                self.left.set()
            case _:
                pass  # pings are answered by the core

    def _pass_on(self, event: StdinReceived | StdinClosed | Resized) -> None:
        if self._runtime is not None:
            self._runtime.pass_on(event)
            return
        self._early.append(event)
        if isinstance(event, StdinReceived):
            self._early_size += len(event.data)
            if self._early_size > _EARLY_INPUT:
                self.holds.hold("early")


class RuntimeEnd(SessionEnd):
    """The SPDY connection: we are its client."""

    def __init__(
        self, connection: Connection, core: SpdyRemoteCommandClient, client: ClientEnd
    ) -> None:
        super().__init__(connection)
        self.core = core
        self.status = bytearray()
        self.closed: asyncio.Future[Closed] = self._loop.create_future()
        self._client = client
        self._timer = DeadlineTimer(core.deadline, self._expire)

    def start(self) -> None:
        """Open the streams."""
        self.flush()
        self._timer.update()
        self.take_over()

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        self._handle_all(self.core.receive_data(data, self._loop.time()))
        self.send(self.core.data_to_send(self._loop.time()), is_answer=True)
        self._timer.update()

    def on_eof(self) -> None:
        """The runtime, or who is before it, is gone."""
        self._handle_all(self.core.receive_eof())

    def pause_writing(self) -> None:
        """Called by the transport: the runtime is slow."""
        super().pause_writing()
        self._client.holds.hold(self)

    def resume_writing(self) -> None:
        """Called by the transport."""
        super().resume_writing()
        self._client.holds.release(self)

    def pass_on(self, event: ServerEvent) -> None:
        """What the client did, in the words of this side."""
        match event:
            case StdinReceived(data):
                self.core.send_stdin(data)
            case StdinClosed():
                self.core.close_stdin()
            case Resized(size):
                self.core.send_resize(size)
            case _:
                pass

    def flush(self) -> None:
        """Send what the core has."""
        self.send(self.core.data_to_send(self._loop.time()))

    def stop(self) -> None:
        """Say goodbye and close."""
        self._timer.cancel()
        self.core.close()
        self.flush()
        self.connection.close()

    def _handle_all(self, events: list[ClientEvent]) -> None:
        client = self._client
        for event in events:
            match event:
                case StdoutReceived(data):
                    client.core.send_stdout(data)
                case StderrReceived(data):
                    client.core.send_stderr(data)
                case StatusReceived(payload):
                    self.status += payload[: _MAX_STATUS - len(self.status)]
                case Closed():
                    if not self.closed.done():
                        self.closed.set_result(event)
                case _:
                    pass  # answers to our pings
        client.flush()

    def _expire(self, now: float) -> None:
        self._handle_all(self.core.expire(now))
        self.flush()
