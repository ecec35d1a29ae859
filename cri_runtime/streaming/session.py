"""One exec or attach session: a client's connection on one side, a process on the other.

Callbacks all the way: output goes from the pipe to the transport, input from the transport to
the pipe, and either side waits when the other is full.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from cri_runtime.stdio import OutputPipe, StdinPipe
from hops.linger import close_in_stages
from wire.remotecommand import (
    PeerClosed,
    RemoteCommandServer,
    Resized,
    ServerEvent,
    StdinClosed,
    StdinReceived,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wire.exit_status import ExitResult
    from wire.terminal import TerminalSize

__all__ = ["Session"]

# Bytes that may wait for a slow client: enough that the socket never runs dry.
_HIGH_WATER = 512 * 1024
_LOW_WATER = 128 * 1024

# Input that may wait for a process that is only being started.
_EARLY_INPUT = 256 * 1024


class Session(asyncio.Protocol):
    """Takes over a transport after the upgrade.

    Args:
        drains: what becomes of the output when the client has left: an exec's is read to its
            end, so that the command does not notice; an attachment is cut.
        idle_timeout: seconds without data either way until the connection is cut.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        server: RemoteCommandServer,
        *,
        drains: bool,
        idle_timeout: float,
    ) -> None:
        self.left = asyncio.Event()
        self.outputs_ended = asyncio.Event()
        self.stdin_ended = asyncio.Event()
        self.on_resize: Callable[[TerminalSize], None] | None = None
        self._transport = transport
        self._server = server
        self._drains = drains
        self._loop = asyncio.get_running_loop()
        self._stdin: StdinPipe | None = None
        self._early: list[StdinReceived | StdinClosed] = []
        self._outputs: list[OutputPipe] = []
        self._blocked = False
        self._sized = asyncio.Event()
        self._size: TerminalSize | None = None
        self._idle_timeout = idle_timeout
        self._last_data = self._loop.time()
        self._idle_timer = self._loop.call_later(idle_timeout, self._check_idle)
        transport.set_write_buffer_limits(_HIGH_WATER, _LOW_WATER)

    def start(self, leftover: bytes = b"") -> None:
        """Say "ready", and take what came right behind the request."""
        self._transport.set_protocol(self)
        self._server.start()
        self._flush()
        if leftover:
            self.data_received(leftover)

    async def first_size(self, patience: float) -> TerminalSize | None:
        """The size of the client's terminal, if it says so within `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._sized.wait()
        return self._size

    def connect(self, ends: dict[str, int]) -> None:
        """Join the process's streams to the client's; they are ours from now on."""
        if "stdin" in ends:
            self._stdin = StdinPipe(ends.pop("stdin"), self._on_stdin_full)
        senders = {
            "stdout": self._server.send_stdout,
            "stderr": self._server.send_stderr,
        }
        for name, send in senders.items():
            if name in ends:
                self._read(ends.pop(name), send)
        if not self._outputs:
            self.outputs_ended.set()
        self._replay()
        if self.left.is_set():
            self._let_go()

    def finish(self, result: ExitResult, *, translated: bool = False) -> None:
        """Send the outcome, and close.

        `translated`: in the form that the translators of kubelet and API server give it.
        """
        self._idle_timer.cancel()
        if self._stdin is not None:
            self._stdin.close()
        for pipe in self._outputs:
            pipe.close()
        if not self.left.is_set() and not self._server.closed:
            self._server.send_result(result, "metav1" if translated else "compact")
            self._server.close()
            self._flush()
        close_in_stages(
            self._transport, self.connection_lost, peer_ended=self.left.is_set()
        )

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        for event in self._server.receive_data(data):
            self._handle(event)
        self._flush()

    def eof_received(self) -> bool:
        """Called by the transport: half a WebSocket is none."""
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the transport, once."""
        for event in self._server.receive_eof():
            self._handle(event)
        self._leave()

    def pause_writing(self) -> None:
        """Called by the transport: the client is slow."""
        self._blocked = True
        if not self.left.is_set():
            for pipe in self._outputs:
                pipe.pause()

    def resume_writing(self) -> None:
        """Called by the transport."""
        self._blocked = False
        for pipe in self._outputs:
            pipe.resume()

    # from the client

    def _handle(self, event: ServerEvent) -> None:
        match event:
            case StdinReceived() | StdinClosed():
                self._last_data = self._loop.time()
                self._on_stdin(event)
            case Resized(size):
                self._last_data = self._loop.time()
                self._on_size(size)
            case PeerClosed():
                self._flush()
                self._transport.close()
                self._leave()
            case _:
                pass

    def _on_stdin(self, event: StdinReceived | StdinClosed) -> None:
        if self._stdin is None:
            self._early.append(event)
            waiting = sum(
                len(e.data) for e in self._early if isinstance(e, StdinReceived)
            )
            if waiting > _EARLY_INPUT:
                self._transport.pause_reading()
        elif isinstance(event, StdinReceived):
            self._stdin.write(event.data)
        else:
            self._end_stdin(self._stdin)

    def _end_stdin(self, stdin: StdinPipe) -> None:
        self.stdin_ended.set()
        if self._server.options.tty and not self.left.is_set() and self._drains:
            stdin.end_of_terminal()
        else:
            stdin.end()

    def _replay(self) -> None:
        """What the client typed before there was a process."""
        early, self._early = self._early, []
        if self._stdin is None:
            return
        for event in early:
            self._on_stdin(event)
        if not self._stdin.full:
            self._resume_reading()

    def _on_stdin_full(self, full: bool) -> None:
        if full:
            self._transport.pause_reading()
        else:
            self._resume_reading()

    def _resume_reading(self) -> None:
        if not self._transport.is_closing() and not self._transport.is_reading():
            self._transport.resume_reading()

    def _on_size(self, size: TerminalSize) -> None:
        # containerd: a size with a zero in it is ignored
        if size.width < 1 or size.height < 1:
            return
        self._size = size
        self._sized.set()
        if self.on_resize is not None:
            self.on_resize(size)

    def _leave(self) -> None:
        """The client is gone."""
        if self.left.is_set():
            return
        self.left.set()
        self._idle_timer.cancel()
        self._sized.set()  # there is none to wait for
        self._let_go()

    def _let_go(self) -> None:
        if self._stdin is not None:
            self._stdin.close()
        self.stdin_ended.set()
        for pipe in self._outputs:
            if self._drains:
                pipe.on_data = _discard
                pipe.resume()
            else:
                pipe.close()
        if not self._drains:
            self.outputs_ended.set()

    # from the process

    def _read(self, descriptor: int, send: Callable[[bytes], None]) -> None:
        def pass_on(data: bytes) -> None:
            self._last_data = self._loop.time()
            send(data)
            self._flush()

        pipe = OutputPipe(descriptor, pass_on, self._on_output_end)
        self._outputs.append(pipe)
        if self._blocked:
            pipe.pause()

    def _on_output_end(self) -> None:
        if all(pipe.ended for pipe in self._outputs):
            self.outputs_ended.set()

    def _flush(self) -> None:
        buffers = self._server.data_to_send()
        if buffers and not self._transport.is_closing():
            self._transport.writelines(buffers)

    def _check_idle(self) -> None:
        remaining = self._last_data + self._idle_timeout - self._loop.time()
        if remaining <= 0:
            self._transport.abort()
        else:
            self._idle_timer = self._loop.call_later(remaining, self._check_idle)


def _discard(_data: bytes) -> None:
    """Nobody is there to see it."""
