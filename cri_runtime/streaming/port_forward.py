"""One port-forward session: a client's connection on one side, a pod's ports on the other.

Callbacks all the way, as in `session`. The three wire forms differ in their core alone.

Source: kubernetes/cri-streaming pkg/streaming/portforward/{httpstream,websocket}.go;
containerd/containerd internal/cri/server/sandbox_portforward_linux.go.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from cri_runtime.errors import CriError
from cri_runtime.streaming.forward import Forward
from hops.deadline import DeadlineTimer
from hops.linger import abort, close_in_stages
from hops.reading import ReadingHolds
from hops.tasks import spawn
from wire.portforward import (
    Closed,
    DataReceived,
    ForwardClosed,
    ForwardOpened,
    HalfClosed,
    forwarding_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from cri_runtime.pod_ports import PodPorts
    from hops.session import TraceParent
    from wire.carrier import Buffer
    from wire.portforward import PortForwardEvent

__all__ = ["Forwarding", "PortForwardCore", "WireForm"]

logger = logging.getLogger(__name__)

# Bytes that may wait for a slow client before the pod has to wait.
_HIGH_WATER = 512 * 1024
_LOW_WATER = 128 * 1024

# Seconds that a client may be silent towards a pod that has said all. Up to kubectl 1.31
# it does not end its own direction, it waits for the error stream's end.
# Source: containerd sandbox_portforward_linux.go, "give a chance to terminate gracefully".
_GRACE = 1.0

# How often one session asks at once where its pod listens. Finding out costs milliseconds,
# and the other sessions want their turn.
_MOST_LOOKUPS = 8


class PortForwardCore(Protocol):
    """What is done to the forwards of a session."""

    def send_data(self, forward: int, data: Buffer) -> None: ...
    def finish(self, forward: int) -> None: ...
    def end(self, forward: int) -> None: ...
    def fail(self, forward: int, text: str) -> None: ...
    def close(self) -> None: ...


class WireForm(Protocol):
    """What moves the bytes of a session: the core itself, or a tunnel around it."""

    @property
    def closed(self) -> bool: ...
    def receive_data(
        self, data: Buffer, now: float | None = None
    ) -> list[PortForwardEvent]: ...
    def receive_eof(self) -> list[PortForwardEvent]: ...
    def data_to_send(self, now: float | None = None) -> list[Buffer]: ...
    def deadline(self) -> float | None: ...
    def expire(self, now: float) -> list[PortForwardEvent]: ...


class Forwarding(asyncio.Protocol):
    """Takes over a transport after the upgrade.

    Args:
        core: what is done to forwards.
        wire: what the bytes go through; the core, unless it is tunnelled.
        idle_timeout: seconds without data until the connection is cut, None where the
            core itself sees to that.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        core: PortForwardCore,
        wire: WireForm,
        pod: PodPorts,
        sandbox_id: str,
        *,
        idle_timeout: float | None = None,
    ) -> None:
        self.sandbox_id = sandbox_id
        self.session: TraceParent | None = None  # for the trace of its connections
        self.on_end: Callable[[Forwarding], None] = lambda _self: None
        self._ended = False
        self._transport = transport
        self._core = core
        self._wire = wire
        self._pod = pod
        self._idle_timeout = idle_timeout
        self._loop = asyncio.get_running_loop()
        self._last_data = self._loop.time()
        self._forwards: dict[int, Forward] = {}
        self._dials: dict[Forward, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(_MOST_LOOKUPS)
        self._holds = ReadingHolds(transport)
        self._blocked = False
        self._lost = False
        self._timer = DeadlineTimer(self._deadline, self._expire)
        transport.set_write_buffer_limits(_HIGH_WATER, _LOW_WATER)

    def start(self, leftover: bytes, opened: Iterable[PortForwardEvent] = ()) -> None:
        """Begin with what came right behind the request; `opened` are the first events."""
        self._transport.set_protocol(self)
        self._handle_all(opened)
        self._timer.update()
        if leftover:
            self.data_received(leftover)

    def end(self) -> None:
        """End the session from our side: the pod is gone, or we are going."""
        if not self._ended:
            self._core.close()
            self._finish()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Called by the transport."""
        now = self._loop.time()
        self._last_data = now
        self._handle_all(self._wire.receive_data(data, now))
        self._timer.update()

    def eof_received(self) -> bool:
        """Called by the transport: half a session is none."""
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the transport, once."""
        self._lost = True
        self._handle_all(self._wire.receive_eof())
        self._finish()

    def pause_writing(self) -> None:
        """Called by the transport: the client is slow."""
        self._blocked = True
        for forward in self._forwards.values():
            forward.pause()

    def resume_writing(self) -> None:
        """Called by the transport."""
        self._blocked = False
        self.release(self)
        for forward in self._forwards.values():
            forward.resume()

    # from the client

    def _handle_all(self, events: Iterable[PortForwardEvent]) -> None:
        for event in events:
            self._handle(event)
        if self._flush() and self._blocked:
            self.hold(self)  # answers pile up: who does not read is not read either
        if self._wire.closed:
            self._finish()

    def _handle(self, event: PortForwardEvent) -> None:
        match event:
            case ForwardOpened(number, port):
                self._open(number, port)
            case DataReceived(number, data):
                if number in self._forwards:
                    self._forwards[number].write(data)
            case HalfClosed(number):
                self._client_finished(number)
            case ForwardClosed(number):
                self._drop(number)
            case Closed():
                self._finish()
            case _:
                pass  # what only clients are told

    def _open(self, number: int, port: int) -> None:
        forward = Forward(self, number, port, self.session)
        self._forwards[number] = forward
        if self._blocked:
            forward.pause()
        task = spawn(f"forward to port {port}", self._connect(forward))
        self._dials[forward] = task
        task.add_done_callback(lambda _task: self._dials.pop(forward, None))

    def _client_finished(self, number: int) -> None:
        forward = self._forwards.get(number)
        if forward is not None:
            forward.finish()
            if forward.pod_finished:
                self._end(forward)

    async def _connect(self, forward: Forward) -> None:
        try:
            await self._pod.connect(
                self.sandbox_id, forward.port, lambda: forward, self._turn
            )
        except CriError as error:
            self._fail(forward, str(error))

    def _fail(self, forward: Forward, reason: str) -> None:
        if self._forwards.pop(forward.number, None) is not None:
            forward.close()
            text = forwarding_error(forward.port, self.sandbox_id, reason)
            self._core.fail(forward.number, text)
            self._handle_all(())

    def _drop(self, number: int) -> None:
        forward = self._forwards.pop(number, None)
        if forward is not None:
            forward.drop()
            if forward in self._dials:
                self._dials[forward].cancel()

    # ForwardOwner: from the pod

    def from_pod(self, forward: Forward, data: bytes) -> None:
        """The pod has sent something."""
        self._last_data = self._loop.time()
        self._core.send_data(forward.number, data)
        self._flush()

    def pod_finished(self, forward: Forward) -> None:
        """The pod sends no more. A client that can say so ends its own direction."""
        if forward.client_finished:
            self._end(forward)
            return
        self._core.finish(forward.number)
        self._flush()
        self._end_when_silent(forward)

    def _end_when_silent(self, forward: Forward, before: int = -1) -> None:
        """End it when the client has sent nothing more since it had sent `before`.

        Unlike containerd, which also ends it while the client is sending.
        """
        sent = forward.from_client
        if sent == before:
            self._end(forward)
        else:
            self._loop.call_later(_GRACE, self._end_when_silent, forward, sent)

    def pod_gone(self, forward: Forward) -> None:
        """The pod has closed its connection, or reset it.

        Unlike containerd, which reports a reset as an error: then kubectl ends its session
        and with it all other forwards (kubernetes/kubernetes issue 74551).
        """
        self._end(forward)

    def hold(self, who: Hashable) -> None:
        """Read nothing from the client before `release`."""
        self._holds.hold(who)

    def release(self, who: Hashable) -> None:
        """There is room again."""
        if not self._ended:
            self._holds.release(who)

    def _end(self, forward: Forward) -> None:
        if self._forwards.get(forward.number) is forward:
            del self._forwards[forward.number]
            forward.close()
            self._core.end(forward.number)
            self._handle_all(())

    # the end of the session

    def _finish(self) -> None:
        if self._ended:
            return
        self._ended = True
        self._timer.cancel()
        for number in list(self._forwards):
            self._drop(number)
        if not self._lost:
            self._flush()
            close_in_stages(self._transport, self.connection_lost, peer_ended=False)
        self.on_end(self)

    def _flush(self) -> bool:
        buffers = self._wire.data_to_send(self._loop.time())
        if buffers and not self._transport.is_closing():
            self._transport.writelines(buffers)
        return bool(buffers)

    def _deadline(self) -> float | None:
        if self._idle_timeout is None:
            return self._wire.deadline()
        return self._last_data + self._idle_timeout

    def _expire(self, now: float) -> None:
        if self._idle_timeout is not None:
            abort(self._transport)
            return
        self._handle_all(self._wire.expire(now))
