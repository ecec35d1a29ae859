"""One exec or attach session: a client's connection on one side, a process on the other.

Callbacks all the way: output goes from the pipe to the transport, input from the transport to
the pipe, and either side waits when the other is full.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Literal

from cri_runtime.stdio import OutputPipe, StdinPipe
from hops.deadline import DeadlineTimer
from hops.linger import abort, close_in_stages
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

    from hops.narrator import Narrator
    from wire.carrier import Buffer
    from wire.exit_status import ExitResult, StatusShape
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
        narrator: told what goes into the process and comes out of it.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        server: RemoteCommandServer,
        *,
        drains: bool,
        idle_timeout: float,
        narrator: Narrator | None = None,
    ) -> None:
        self.left = asyncio.Event()
        self.opened = asyncio.Event()
        self.outputs_ended = asyncio.Event()
        self.stdin_ended = asyncio.Event()
        self.on_resize: Callable[[TerminalSize], None] | None = None
        self._transport = transport
        self._server = server
        self._narrator = narrator
        self._drains = drains
        self._loop = asyncio.get_running_loop()
        self._stdin: StdinPipe | None = None
        self._early: list[StdinReceived | StdinClosed] = []
        self._early_size = 0
        self._outputs: list[OutputPipe] = []
        self._finished = False
        self._blocked = False
        self._answers_stuck = False
        self._sized = asyncio.Event()
        self._size: TerminalSize | None = None
        self._idle_timeout = idle_timeout
        self._last_data = self._loop.time()
        self._timer = DeadlineTimer(self._deadline, self._expire)
        transport.set_write_buffer_limits(_HIGH_WATER, _LOW_WATER)

    def start(self, leftover: bytes = b"") -> None:
        """Say "ready", and take what came right behind the request."""
        self._transport.set_protocol(self)
        self._server.start()
        self._flush()
        self._look_whether_opened()
        self._timer.update()
        if leftover:
            self.data_received(leftover)

    async def is_opened(self) -> bool:
        """Wait until there may be output; False when the client has left before."""
        await self.opened.wait()
        return self._may_begin

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
                self._read(name, ends.pop(name), send)
        if not self._outputs:
            self.outputs_ended.set()
        self._replay()
        if self.left.is_set():
            self._let_go()

    def tell(
        self,
        direction: Literal["up", "down", ""],
        kind: str,
        size: int = 0,
        **info: Any,
    ) -> None:
        """An event of the process, for the trace."""
        if self._narrator is not None:
            self._narrator.tell(direction, kind, size, **info)

    @property
    def is_watched(self) -> bool:
        """Whether anybody hears what is told."""
        return self._narrator is not None

    @property
    def open_outputs(self) -> list[int]:
        """Our ends of the outputs that may still bring something."""
        return [pipe.descriptor for pipe in self._outputs if not pipe.ended]

    def finish(self, result: ExitResult, shape: StatusShape = "compact") -> None:
        """Send the outcome, and close."""
        self._finished = True
        self._timer.cancel()
        if self._stdin is not None:
            self._stdin.close()
        for pipe in self._outputs:
            pipe.close()
        if not self.left.is_set() and not self._server.closed:
            self._server.send_result(result, shape)
            self._server.close()
            self._flush()
        close_in_stages(
            self._transport, self.connection_lost, peer_ended=self.left.is_set()
        )

    def abort(self) -> None:
        """Cut the connection, without a word."""
        self._finished = True
        abort(self._transport)

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        for event in self._receive(data):
            self._handle(event)
        if self._flush() and self._blocked:
            # Answers to pings pile up: who does not read is not read either.
            self._answers_stuck = True
            self._control_reading()
        self._look_whether_opened()

    def eof_received(self) -> bool:
        """Called by the transport: half a session is none."""
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
        self._blocked = self._answers_stuck = False
        for pipe in self._outputs:
            pipe.resume()
        self._control_reading()

    # what differs between the carriers

    @property
    def _may_begin(self) -> bool:
        return True

    def _receive(self, data: bytes) -> list[ServerEvent]:
        return self._server.receive_data(data)

    def _take(self) -> list[Buffer]:
        return self._server.data_to_send()

    def _deadline(self) -> float | None:
        return self._last_data + self._idle_timeout

    def _expire(self, now: float) -> None:
        self.tell("", "idle timeout", seconds=self._idle_timeout)
        self.abort()

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
            if isinstance(event, StdinReceived):
                self._early_size += len(event.data)
                self._control_reading()
        elif isinstance(event, StdinReceived):
            self.tell("up", "stdin", len(event.data), payload=event.data)
            self._stdin.write(event.data)
        else:
            self.tell("up", "stdin ended")
            self._end_stdin(self._stdin)

    def _end_stdin(self, stdin: StdinPipe) -> None:
        self.stdin_ended.set()
        if self._server.options.tty and not self.left.is_set() and self._drains:
            stdin.end_of_terminal()
        else:
            stdin.end()

    def _replay(self) -> None:
        """What the client typed before there was a process."""
        early, self._early, self._early_size = self._early, [], 0
        if self._stdin is None:
            return
        for event in early:
            self._on_stdin(event)
        self._control_reading()

    def _on_stdin_full(self, full: bool) -> None:
        self._control_reading()

    def _control_reading(self) -> None:
        """Read while there is room for what comes, and for the answers to it."""
        if self._transport.is_closing():
            return
        is_full = self._stdin is not None and self._stdin.full
        holds = is_full or self._answers_stuck or self._early_size > _EARLY_INPUT
        if holds and self._transport.is_reading():
            self._transport.pause_reading()
        elif not holds and not self._transport.is_reading():
            self._transport.resume_reading()

    @property
    def size(self) -> TerminalSize | None:
        """The last size that the client told."""
        return self._size

    def _look_whether_opened(self) -> None:
        if self._may_begin:
            self.opened.set()

    def _on_size(self, size: TerminalSize) -> None:
        # containerd: a size with a zero in it is ignored
        if size.width < 1 or size.height < 1:
            return
        self._size = size
        self._sized.set()
        self.tell("up", "resize", width=size.width, height=size.height)
        if self.on_resize is not None:
            self.on_resize(size)

    def _leave(self) -> None:
        """The client is gone."""
        if self.left.is_set():
            return
        if not self._finished:
            self.tell("", "client left", process_stays=self._drains)
        self.left.set()
        self.opened.set()  # or there is nothing more to wait for
        self._timer.cancel()
        self._sized.set()
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

    def _read(self, name: str, descriptor: int, send: Callable[[bytes], None]) -> None:
        def pass_on(data: bytes) -> None:
            self._last_data = self._loop.time()
            self.tell("down", name, len(data), payload=data)
            send(data)
            self._flush()

        pipe = OutputPipe(descriptor, pass_on, self._on_output_end)
        self._outputs.append(pipe)
        if self._blocked:
            pipe.pause()

    def _on_output_end(self) -> None:
        if all(pipe.ended for pipe in self._outputs):
            self.outputs_ended.set()

    def _flush(self) -> bool:
        """Send what is queued; returns whether there was anything."""
        buffers = self._take()
        if buffers and not self._transport.is_closing():
            self._transport.writelines(buffers)
        return bool(buffers)


def _discard(_data: bytes) -> None:
    """Nobody is there to see it."""
