"""Forwarding: local connections in and out of one connection to the pod.

One thread, one selector. The pod's connection is not read while a local client is
far behind, and local clients are not read while the pod's connection is full.

Unlike client-go, a forward that fails ends alone: the others, and those to come, go on
(kubernetes/kubernetes issue 74551). A half-close passes in both directions.

Source: kubernetes/client-go tools/portforward/portforward.go (handleConnection).
"""

from __future__ import annotations

import contextlib
import selectors
import sys
import time

from kubectl_cli.errors import CommandError
from kubectl_cli.forwarding.listeners import LocalListener
from kubectl_cli.forwarding.local_end import LocalEnd
from wire.portforward import (
    Closed,
    DataReceived,
    ErrorText,
    ForwardClosed,
    ForwardFailed,
    HalfClosed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kubectl_cli.forwarding.carriers import ForwardCarrier
    from wire.portforward import PortForwardEvent

__all__ = ["PortForwarder"]

_MAX_QUEUED = 512 * 1024  # towards the pod
_MAX_WAITING = 4 * 1024 * 1024  # towards one local client
_IN = selectors.EVENT_READ
_OUT = selectors.EVENT_WRITE


class PortForwarder:
    """Runs until the connection to the pod is lost, or the user interrupts."""

    def __init__(self, carrier: ForwardCarrier, listeners: list[LocalListener]) -> None:
        self._connection = carrier.upgraded.connection
        self._leftover = carrier.upgraded.leftover
        self._core = carrier.core
        self._session = carrier.session
        self._listeners = listeners
        self._ends: dict[int, LocalEnd] = {}  # by the name of their forward
        self._sending: list[memoryview] = []
        self._queued = 0
        self._full = False
        self._slow: set[int] = set()
        self._lost = False
        self._selector = selectors.DefaultSelector()
        self._watched: dict[int, int] = {}  # descriptor -> what it is watched for

    def run(self) -> None:
        """Forward.

        Raises:
            CommandError: the connection to the pod is lost.
        """
        self._connection.set_timeout(0)
        try:
            self._handle(self._core.receive_data(self._leftover, time.monotonic()))
            self._flush()
            self._watch_listeners(accepting=True)
            while not self._lost:
                self._turn()
        except KeyboardInterrupt:
            self._say_goodbye()
            return
        finally:
            self._close()
        raise CommandError("lost connection to pod")

    def _turn(self) -> None:
        self._watch_connection()
        for key, mask in self._selector.select(self._wait()):
            match key.data:
                case LocalListener() as listener:
                    self._accept(listener)
                case int(name) if name in self._ends:
                    self._serve(name, mask)
        self._receive()
        now = time.monotonic()
        deadline = self._core.deadline()
        if deadline is not None and deadline <= now:
            self._handle(self._core.expire(now))
        self._flush()

    def _wait(self) -> float | None:
        if self._connection.pending and not self._slow:
            return 0.0
        deadline = self._core.deadline()
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    # The pod's side

    def _receive(self) -> None:
        """Read what is there, while the local clients keep up."""
        for _ in range(8):
            if self._slow or self._lost:
                return
            try:
                data = self._connection.receive()
            except BlockingIOError:
                return
            except OSError:
                data = b""
            now = time.monotonic()
            if data:
                self._handle(self._core.receive_data(data, now))
            else:
                self._handle(self._core.receive_eof())
                self._lost = True

    def _handle(self, events: list[PortForwardEvent]) -> None:
        for event in events:
            if isinstance(event, Closed):
                self._lost = True
                continue
            end = self._ends.get(event.forward)
            if end is None:
                continue
            match event:
                case DataReceived(_, data):
                    end.write(data)
                case HalfClosed():
                    end.finish()
                case ErrorText(_, text):
                    _tell("an error occurred forwarding", end.listener, text)
                case ForwardFailed(_, reason):
                    _tell(
                        "error creating forwarding stream for port",
                        end.listener,
                        reason,
                    )
                    end.close_when_done()
                case ForwardClosed():
                    end.close_when_done()
            self._settle(event.forward)

    def _flush(self) -> None:
        """Write what is queued, as far as the server takes it."""
        queued = self._core.data_to_send(time.monotonic())
        if queued:
            data = self._connection.look(b"".join(queued))
            self._sending.append(memoryview(data))
            self._queued += len(data)
        was_full = self._full
        try:
            while self._sending:
                sent = self._connection.send(self._sending[0])
                self._queued -= sent
                self._sending[0] = self._sending[0][sent:]
                if not self._sending[0]:
                    self._sending.pop(0)
        except BlockingIOError:
            pass
        except OSError:
            self._sending.clear()
            self._queued, self._lost = 0, True
        self._full = self._queued > _MAX_QUEUED
        if self._full != was_full:
            for name in list(self._ends):
                self._settle(name)

    def _watch_connection(self) -> None:
        mask = (0 if self._slow else _IN) | (_OUT if self._sending else 0)
        self._watch(self._connection.fileno(), mask, None)

    # The local side

    def _accept(self, listener: LocalListener) -> None:
        try:
            stream, _ = listener.stream.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return
        except OSError as error:  # no descriptors: until one comes free
            _log(f"error accepting connection on port {listener.local}: {error}")
            self._watch_listeners(accepting=not self._ends)
            return
        print(f"Handling connection for {listener.local}", flush=True)
        name = self._session.open(listener.remote, time.monotonic())
        self._ends[name] = LocalEnd(stream, listener)
        self._settle(name)

    def _serve(self, name: int, mask: int) -> None:
        end = self._ends[name]
        if mask & _OUT:
            end.flush()
        if mask & _IN:
            data = end.read()
            if data:
                self._session.send_data(name, data)
            elif data is not None:
                self._session.finish(name)
            self._flush()
        if name in self._ends:
            self._settle(name)

    def _settle(self, name: int) -> None:
        """After something has happened to a local end: watch it, or let go of it."""
        end = self._ends[name]
        if end.done:
            self._drop(name)
            return
        if end.waiting > _MAX_WAITING:
            self._slow.add(name)
        elif end.waiting < _MAX_WAITING // 2:
            self._slow.discard(name)
        mask = (0 if end.ended or self._full else _IN) | (_OUT if end.waiting else 0)
        self._watch(end.stream.fileno(), mask, name)

    def _drop(self, name: int) -> None:
        end = self._ends.pop(name)
        self._slow.discard(name)
        self._watch(end.stream.fileno(), 0, None)
        end.close()
        # client-go: "reset the data stream", the error stream is the server's to end
        self._session.reset(name)
        self._watch_listeners(accepting=True)

    # Both

    def _watch_listeners(self, *, accepting: bool) -> None:
        for listener in self._listeners:
            descriptor = listener.stream.fileno()
            self._watch(descriptor, _IN if accepting else 0, listener)

    def _watch(self, descriptor: int, mask: int, data: object) -> None:
        known = self._watched.get(descriptor, 0)
        if mask == known:
            return
        if not mask:
            self._selector.unregister(descriptor)
            del self._watched[descriptor]
            return
        change = self._selector.modify if known else self._selector.register
        change(descriptor, mask, data)
        self._watched[descriptor] = mask

    def _say_goodbye(self) -> None:
        """GOAWAY, and the close frame of a tunnel, if the server still takes them."""
        self._session.close()
        rest = b"".join([*self._sending, *self._core.data_to_send(time.monotonic())])
        self._connection.set_timeout(1)
        with contextlib.suppress(OSError):
            self._connection.send_all(rest)

    def _close(self) -> None:
        self._selector.close()
        for listener in self._listeners:
            listener.stream.close()
        for end in self._ends.values():
            end.close()
        self._connection.close()


def _tell(what: str, listener: LocalListener, text: str) -> None:
    _log(f"{what} {listener.local} -> {listener.remote}: {text}")


def _log(text: str) -> None:
    from apimachinery.go_text import quote
    from kubectl_cli.client.verbosity import klog

    sys.stdout.flush()
    klog("E", "portforward.go:424", f'"Unhandled Error" err={quote(text)}')
