"""exec and attach: the streams of a container, connected to ours.

One thread, one poll loop over stdin, the connection, our outputs, and signals. What
the user's side cannot take holds back the server; what the server cannot take holds
back stdin.

Source: kubernetes/client-go tools/remotecommand/websocket.go (pings and deadlines),
v2.go and errorstream.go (how a session ends); remotecommand.md section 10.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time

from kubectl_cli.errors import CommandError, RemoteExitError
from kubectl_cli.streams.outputs import Output
from wire.exit_status import decode
from wire.remotecommand import (
    Closed,
    PongReceived,
    RemoteCommandClient,
    StatusReceived,
    StderrReceived,
    StdoutReceived,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.blocking.connection import BlockingConnection
    from kubectl_cli.streams.detaching import DetachKeys
    from kubectl_cli.streams.signals import SignalPipe
    from wire.remotecommand import ClientEvent
    from wire.terminal import TerminalSize

__all__ = ["Session", "Sizes"]

PING_PERIOD = 5.0
READ_DEADLINE = 61.0  # only a pong extends it
_STDIN_READ = 32 * 1024  # io.Copy's buffer: one message
_MAX_QUEUED = 256 * 1024


_CLOSE_NAMES = {
    1000: "normal",
    1001: "going away",
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status",
    1006: "abnormal closure",
    1007: "invalid payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension missing",
    1011: "internal server error",
    1015: "TLS handshake error",
}


class Sizes:
    """The sizes to report: some at the start, then one whenever the terminal changes."""

    def __init__(
        self, first: list[TerminalSize], current: Callable[[], TerminalSize | None]
    ) -> None:
        self.first = first
        self.current = current
        self.last = first[-1] if first else None

    def changed(self) -> TerminalSize | None:
        """The new size, None while it is the one reported last."""
        size = self.current()
        if size is None or size == self.last:
            return None
        self.last = size
        return size


class Session:
    """Connected streams; `run` moves bytes until the command has ended."""

    def __init__(
        self, connection: BlockingConnection, core: RemoteCommandClient, leftover: bytes
    ) -> None:
        self._connection = connection
        self._core = core
        self._leftover = leftover
        self._status = bytearray()
        self._closed: Closed | None = None
        self._sending: list[memoryview] = []
        self._wants_stdin = core.options.stdin
        self._stdin = 0
        self._detach: DetachKeys | None = None
        self._outputs: dict[type, Output] = {}
        self._deadline = 0.0
        self._next_ping = 0.0

    def run(
        self,
        signals: SignalPipe,
        sizes: Sizes | None = None,
        *,
        stdin: int = 0,
        outputs: tuple[Output, Output] | None = None,
        detach: DetachKeys | None = None,
    ) -> None:
        """Be the command's terminal, or its pipes, to its end.

        The streams are our own, unless `stdin` and `outputs` name others. `detach` are
        keys that end our input, upon which the runtime ends a terminal's session.

        Raises:
            RemoteExitError: it ended with another code than 0.
            CommandError: it could not be run, or the connection broke.
            BrokenPipeError: nobody reads our output any more.
        """
        now = time.monotonic()
        self._deadline, self._next_ping = now + READ_DEADLINE, now + PING_PERIOD
        for size in sizes.first if sizes else ():
            self._core.send_resize(size)
        self._stdin, self._detach = stdin, detach
        stdout, stderr = outputs or (Output(1), Output(2))
        self._outputs = {StdoutReceived: stdout, StderrReceived: stderr}
        self._connection.set_timeout(0)
        try:
            self._handle(self._core.receive_data(self._leftover))
            while self._closed is None or self._blocked():
                self._turn(signals, sizes)
            self._say_goodbye()
        finally:
            for output in self._outputs.values():
                output.close()
            self._connection.close()
        self._finish()

    def _say_goodbye(self) -> None:
        """Answer the server's close frame, if it still takes anything."""
        self._connection.set_timeout(1)
        with contextlib.suppress(OSError):
            self._connection.send_all(b"".join(self._core.data_to_send()))

    def _blocked(self) -> bool:
        return any(output.blocked for output in self._outputs.values())

    def _turn(self, signals: SignalPipe, sizes: Sizes | None) -> None:
        """Wait for something to happen, and act on it."""
        self._flush()
        poller = select.poll()
        poller.register(signals.descriptor, select.POLLIN)
        blocked = self._blocked()
        socket_events = self._socket_events(blocked=blocked)
        if socket_events and self._connection.fileno() >= 0:
            poller.register(self._connection.fileno(), socket_events)
        if self._wants_stdin and not self._sending and self._closed is None:
            poller.register(self._stdin, select.POLLIN)
        for output in self._outputs.values():
            if output.blocked:
                poller.register(output.descriptor, select.POLLOUT)
        now = time.monotonic()
        wait = 0.0 if self._connection.pending and not blocked else self._wait(now)
        ready = {descriptor for descriptor, _ in poller.poll(wait * 1000)}
        if signals.descriptor in ready and signals.drain() and sizes:
            self._resize(sizes)
        for output in self._outputs.values():
            if output.descriptor in ready:
                output.flush()
        if self._closed is not None:
            return
        if not blocked:
            self._receive()
        if self._stdin in ready and self._wants_stdin:
            self._read_stdin()
        self._keep_alive(time.monotonic())

    def _socket_events(self, *, blocked: bool) -> int:
        if self._closed is not None:
            return 0
        return (0 if blocked else select.POLLIN) | (
            select.POLLOUT if self._sending else 0
        )

    def _wait(self, now: float) -> float:
        if self._closed is not None:
            return PING_PERIOD
        return max(0.0, min(self._next_ping, self._deadline) - now)

    def _receive(self) -> None:
        """Read what is there, but let the outputs keep up."""
        for _ in range(16):
            try:
                data = self._connection.receive()
            except BlockingIOError:
                return
            except OSError as error:
                raise self._broken(self._read_text(error)) from None
            if data:
                self._handle(self._core.receive_data(data))
            else:
                self._handle(self._core.receive_eof())
            if self._closed is not None or self._blocked():
                return

    def _handle(self, events: list[ClientEvent]) -> None:
        for event in events:
            match event:
                case StdoutReceived(data) | StderrReceived(data):
                    self._outputs[type(event)].write(data)
                case StatusReceived(payload):
                    self._status += payload
                case PongReceived():
                    self._deadline = time.monotonic() + READ_DEADLINE
                case Closed():
                    self._closed = event

    def _read_stdin(self) -> None:
        try:
            data = os.read(self._stdin, _STDIN_READ)
        except BlockingIOError:
            return
        except OSError:  # EIO: the terminal hung up
            data = b""
        ended = not data
        if self._detach is not None:
            data = self._detach.pass_on(data)
            ended = ended or self._detach.pressed
        if data:
            self._core.send_stdin(data)
        if ended:
            self._wants_stdin = False
            self._core.close_stdin()
        self._flush()

    def _resize(self, sizes: Sizes) -> None:
        size = sizes.changed()
        if size is not None:
            self._core.send_resize(size)

    def _keep_alive(self, now: float) -> None:
        if now >= self._deadline:
            raise self._broken(f"next reader: read {self._ends()}: i/o timeout")
        if now >= self._next_ping:
            self._next_ping = now + PING_PERIOD
            self._core.ping()

    def _flush(self) -> None:
        """Write what is queued, as far as the server takes it."""
        queued = self._core.data_to_send()
        if queued:
            data = self._connection.look(b"".join(queued))
            self._sending.append(memoryview(data))
        while self._sending and self._closed is None:
            head = self._sending[0]
            try:
                sent = self._connection.send(head)
            except BlockingIOError:
                return
            except OSError:
                # The reader will learn why: what the server said comes first.
                self._sending.clear()
                return
            if sent < len(head):
                self._sending[0] = head[sent:]
            else:
                self._sending.pop(0)

    def _ends(self) -> str:
        return f"tcp {self._connection.ends}"

    def _read_text(self, error: OSError) -> str:
        problem = (error.strerror or str(error)).lower()
        return f"next reader: read {self._ends()}: read: {problem}"

    def _finish(self) -> None:
        assert self._closed is not None  # noqa: S101 - the loop ended so
        if self._closed.code != 1000:
            raise self._cut(self._closed)
        result = decode(bytes(self._status))
        if result.success:
            return
        if result.is_exit_code:
            raise RemoteExitError(
                f"command terminated with exit code {result.code}", result.code
            )
        raise CommandError(result.message)

    def _cut(self, closed: Closed) -> CommandError:
        return self._broken(_close_text(closed))

    def _broken(self, text: str) -> CommandError:
        """The connection ended badly: each stream says so, then the command fails."""
        from apimachinery.go_text import quote
        from kubectl_cli.client.verbosity import klog

        options = self._core.options
        sys.stdout.flush()
        if options.stderr and not options.tty:
            klog("E", "v2.go:168", f'"Copying stderr failed" err={quote(text)}')
        if options.stdout:
            klog("E", "v2.go:151", f'"Copying stdout failed" err={quote(text)}')
        if options.stdin:
            title = '"Waiting for server to close stdin failed"'
            klog("E", "v2.go:130", f"{title} err={quote(text)}")
        return CommandError(f"error reading from error stream: {text}")


def _close_text(closed: Closed) -> str:
    """gorilla/websocket CloseError.Error, behind what client-go puts before it."""
    if closed.reason.startswith("unexpected message type"):
        return closed.reason
    text = f"next reader: websocket: close {closed.code}"
    if name := _CLOSE_NAMES.get(closed.code):
        text += f" ({name})"
    reason = closed.reason
    if closed.code == 1006 and not reason:
        reason = "unexpected EOF"
    return f"{text}: {reason}" if reason else text
