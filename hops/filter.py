"""A Pipe between an asyncio transport and any protocol.

`HopProtocol` sits on the transport and shows the protocol above a `HopTransport`.
It stands above TLS, so it sees plain text without keys, and it stays in place
through `Upgrade` and `set_protocol`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from hops.linger import abort, close_in_stages, reset
from hops.pipe import (
    Action,
    Delay,
    Deliver,
    Direction,
    HalfClose,
    Reset,
    Stall,
)
from hops.tls_facts import tls_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hops.hop import Role
    from hops.pipe import Pipe

__all__ = ["HopProtocol", "HopTransport"]


class _Lane:
    """The actions of one direction, in order; delays hold back what follows them."""

    def __init__(self, owner: HopProtocol, outward: bool) -> None:
        self._owner = owner
        self._outward = outward
        self._actions: deque[Action] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._stalled = False
        self.held = 0  # bytes waiting behind a delay

    def run(self, actions: list[Action]) -> None:
        self._actions.extend(actions)
        self.held += sum(len(a.data) for a in actions if isinstance(a, Deliver))
        if self._timer is None:
            self._drain()

    def stop(self) -> None:
        self._actions.clear()
        self.held = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def busy(self) -> bool:
        return self._timer is not None or bool(self._actions)

    def _drain(self) -> None:
        self._timer = None
        while self._actions and not self._stalled:
            match self._actions.popleft():
                case Deliver(data):
                    self.held -= len(data)
                    self._owner.deliver(self._outward, data)
                case Delay(seconds):
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(seconds, self._drain)
                    return
                case HalfClose():
                    self._owner.end(self._outward)
                case Reset():
                    self._owner.reset()
                case Stall():
                    self._stalled = True
        self._owner.lane_drained(self._outward)


class HopProtocol(asyncio.Protocol):
    """The Pipe's host below a protocol."""

    def __init__(self, pipe: Pipe, role: Role, protocol: asyncio.BaseProtocol) -> None:
        self.pipe = pipe
        self.protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._out = Direction.UP if role == "client" else Direction.DOWN
        self._inward = _Lane(self, outward=False)
        self._outward = _Lane(self, outward=True)
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._eof_kept = True
        self._peer_ended = False
        self._lost = False
        self.view = HopTransport(self)

    # called by the transport below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        facts = _facts(self._transport)
        actions = self.pipe.connected(facts, self._loop.time())
        if actions:
            self._outward.run(actions)
        self.protocol.connection_made(self.view)

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        self._inward.run(self.pipe.feed(self._out.other, data, now))

    def eof_received(self) -> bool:
        self._peer_ended = True
        self._inward.run(self.pipe.eof(self._out.other, self._loop.time()))
        return self._eof_kept

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._lost:
            return
        self._lost = True
        self.pipe.lost(str(exc or ""), self._loop.time())
        self._inward.stop()
        self._outward.stop()
        self.protocol.connection_lost(exc)  # type: ignore[arg-type]

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()

    # called by the transport above

    @property
    def below(self) -> asyncio.Transport:
        if self._transport is None:
            raise RuntimeError("not connected")
        return self._transport

    def send(self, data: bytes) -> None:
        self._outward.run(self.pipe.feed(self._out, data, self._loop.time()))

    def send_eof(self) -> None:
        self._outward.run(self.pipe.eof(self._out, self._loop.time()))

    def close_when_sent(self) -> None:
        self._closing = True
        if not self._outward.busy:
            self._close_below()

    def _close_below(self) -> None:
        close_in_stages(self.below, self.connection_lost, peer_ended=self._peer_ended)

    @property
    def closing(self) -> bool:
        return self._closing or self.below.is_closing()

    @property
    def held(self) -> int:
        return self._outward.held

    # called by the lanes

    def deliver(self, outward: bool, data: bytes) -> None:
        if outward:
            self.below.write(data)
        elif not self.below.is_closing():
            _give(self.protocol, data)

    def end(self, outward: bool) -> None:
        if outward:
            if self.below.can_write_eof():
                self.below.write_eof()
            else:
                self.below.close()
            return
        keep = getattr(self.protocol, "eof_received", lambda: None)()
        self._eof_kept = bool(keep)
        if not keep:
            self.close_when_sent()

    def reset(self) -> None:
        self._closing = True
        reset(self.below)

    def lane_drained(self, outward: bool) -> None:
        if outward and self._closing:
            self._close_below()


def _facts(transport: asyncio.Transport) -> dict[str, Any]:
    """What a trace tells of a connection when it stands."""
    facts: dict[str, Any] = {}
    for name in ("sockname", "peername"):
        address = transport.get_extra_info(name)
        if address:
            facts[name] = address if isinstance(address, str) else list(address[:2])
    tls = transport.get_extra_info("ssl_object")
    if tls is not None:
        facts["tls"] = tls_facts(tls)
    return facts


def _give(protocol: asyncio.BaseProtocol, data: bytes) -> None:
    """Hand bytes to a protocol of either kind."""
    if not isinstance(protocol, asyncio.BufferedProtocol):
        cast("asyncio.Protocol", protocol).data_received(data)
        return
    view = memoryview(data)
    while view:
        buffer = memoryview(protocol.get_buffer(len(view)))
        size = min(len(buffer), len(view))
        buffer[:size] = view[:size]
        protocol.buffer_updated(size)
        view = view[size:]


class HopTransport(asyncio.Transport):
    """What the protocol above a HopProtocol takes for its transport."""

    #: `close` sees to it that the peer gets everything.
    closes_in_stages = True
    #: `write` is done with a buffer when it returns.
    copies_at_once = True

    def __init__(self, host: HopProtocol) -> None:
        super().__init__()
        self._host = host

    def bind_session(self, trace_id: str) -> None:
        """See `hops.session.bind`."""
        self._host.pipe.bind_session(trace_id)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._host.below.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._host.protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._host.protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data:
            self._host.send(bytes(data))

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        self._host.send_eof()

    def can_write_eof(self) -> bool:
        return self._host.below.can_write_eof()

    def close(self) -> None:
        self._host.close_when_sent()

    def abort(self) -> None:
        abort(self._host.below)

    def is_closing(self) -> bool:
        return self._host.closing

    def is_reading(self) -> bool:
        return self._host.below.is_reading()

    def pause_reading(self) -> None:
        self._host.below.pause_reading()

    def resume_reading(self) -> None:
        self._host.below.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._host.below.get_write_buffer_size() + self._host.held

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._host.below.get_write_buffer_limits()

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        self._host.below.set_write_buffer_limits(high, low)
