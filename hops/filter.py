"""A Pipe between an asyncio transport and any protocol.

`HopProtocol` sits on the transport and shows the protocol above a `HopTransport`.
It stands above TLS, so it sees plain text without keys, and it stays in place
through `Upgrade` and `set_protocol`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from hops.brakes import HIGH, Brake
from hops.buffers import buffers
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
from hops.tls.facts import tls_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hops.hop import Role
    from hops.pipe import Pipe

__all__ = ["HopProtocol", "HopTransport", "connection_facts"]


class _Lane:
    """The actions of one direction, in order; delays hold back what follows them.

    Behind an end nothing is delivered: a fault may end a direction whose sender goes on.
    """

    def __init__(self, owner: HopProtocol, outward: bool) -> None:
        self._owner = owner
        self._outward = outward
        self._actions: deque[Action] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._stalled = False
        self._ended = False
        self.held = 0  # bytes waiting behind a delay

    def run(self, actions: list[Action]) -> None:
        self._actions.extend(actions)
        self.held += sum(len(a.data) for a in actions if isinstance(a, Deliver))
        if self._timer is None:
            self._drain()
        self._owner.weigh(self._outward)

    def stop(self) -> None:
        self._actions.clear()
        self.held = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def busy(self) -> bool:
        return self._timer is not None or bool(self._actions)

    @property
    def free(self) -> bool:
        """Whether nothing is held back, and nothing will be."""
        return not (self.busy or self._stalled or self._ended)

    def _go_on(self) -> None:
        self._drain()
        self._owner.weigh(self._outward)

    def _drain(self) -> None:
        self._timer = None
        while self._actions and not self._stalled:
            match self._actions.popleft():
                case Deliver(data):
                    self.held -= len(data)
                    if not self._ended:
                        self._owner.deliver(self._outward, data)
                case Delay(seconds):
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(seconds, self._go_on)
                    return
                case HalfClose():
                    if not self._ended:
                        self._ended = True
                        self._owner.end(self._outward)
                case Reset():
                    self._owner.reset()
                case Stall():
                    self._stalled = True
        self._owner.lane_drained(self._outward)


class HopProtocol(asyncio.BufferedProtocol):
    """The Pipe's host below a protocol.

    While the pipe is idle, bytes go by without a copy: the protocol above gets them as
    it would without us.
    """

    __slots__ = (
        "_above",
        "_above_takes_buffers",
        "_below_full",
        "_brakes",
        "_closing",
        "_eof_kept",
        "_in",
        "_inward",
        "_lent",
        "_loop",
        "_lost",
        "_out",
        "_outward",
        "_peer_ended",
        "_pushed",
        "_transport",
        "_view",
        "pipe",
    )

    def __init__(self, pipe: Pipe, role: Role, protocol: asyncio.BaseProtocol) -> None:
        self.pipe = pipe
        self._loop = asyncio.get_running_loop()
        self._out = Direction.UP if role == "client" else Direction.DOWN
        self._in = self._out.other
        self._inward: _Lane | None = None  # made when they are needed
        self._outward: _Lane | None = None
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._eof_kept = True
        self._peer_ended = False
        self._lost = False
        self._below_full = False
        self._brakes: tuple[Brake, Brake] | None = None  # made when much is held
        self._pushed: list[tuple[Direction, list[Action]]] | None = None
        self._lent: memoryview | None = None  # of the protocol above, being filled
        self._above = protocol
        self._above_takes_buffers = isinstance(protocol, asyncio.BufferedProtocol)
        self._view: HopTransport | None = HopTransport(self)

    @property
    def view(self) -> HopTransport:
        """The transport for the protocol above, until the connection is lost."""
        if self._view is None:
            raise RuntimeError("not connected")
        return self._view

    @property
    def protocol(self) -> asyncio.BaseProtocol:
        """The protocol above."""
        return self._above

    @protocol.setter
    def protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._above = protocol
        self._above_takes_buffers = isinstance(protocol, asyncio.BufferedProtocol)

    # called by the transport below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.pipe.host = self._carry_out
        facts = connection_facts(self._transport)
        actions = self.pipe.connected(facts, self._loop.time())
        if actions:
            self._lane(outward=True).run(actions)
        self._above.connection_made(self.view)

    def get_buffer(self, sizehint: int) -> memoryview:
        """What the transport below fills; `buffer_updated` follows at once."""
        if self._above_takes_buffers and self._passes(self._inward):
            above = cast("asyncio.BufferedProtocol", self._above)
            self._lent = memoryview(above.get_buffer(sizehint))
            return self._lent
        self._lent = None
        return buffers.plain

    def buffer_updated(self, nbytes: int) -> None:
        lent, self._lent = self._lent, None
        if lent is not None:
            if self.pipe.watched:
                self.pipe.look(self._in, lent[:nbytes], self._loop.time())
            cast("asyncio.BufferedProtocol", self._above).buffer_updated(nbytes)
            return
        data = bytes(buffers.plain[:nbytes])
        if self._passes(self._inward):
            self._show(self._in, data)
            _give(self._above, data)
            return
        self._pass(self._in, data)

    def eof_received(self) -> bool:
        self._peer_ended = True
        self._pass(self._in, None)
        return self._eof_kept

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._lost:
            return
        self._lost = True
        self.pipe.lost(str(exc or ""), self._loop.time())
        for lane in (self._inward, self._outward):
            if lane is not None:
                lane.stop()
        # No cycles: what a connection holds is not left to the garbage collector.
        above, self._above, self._view, self.pipe.host = (
            self._above,
            _NOBODY,
            None,
            None,
        )
        above.connection_lost(exc)  # type: ignore[arg-type]

    def pause_writing(self) -> None:
        self._below_full = True
        if self._brakes is None:
            self._above.pause_writing()
        else:
            self._brakes[1].others_stop()

    def resume_writing(self) -> None:
        self._below_full = False
        if self._brakes is None:
            self._above.resume_writing()
        else:
            self._brakes[1].others_go_on()

    def pause_reading(self) -> None:
        if self._brakes is None:
            self.below.pause_reading()
        else:
            self._brakes[0].others_stop()

    def resume_reading(self) -> None:
        if self._brakes is None:
            self.below.resume_reading()
        else:
            self._brakes[0].others_go_on()

    def weigh(self, outward: bool) -> None:
        """Stop who sends while much is held back."""
        lane = self._outward if outward else self._inward
        held = self.pipe.holds(self._out if outward else self._in)
        held += 0 if lane is None else lane.held
        if self._lost or (self._brakes is None and held <= HIGH):
            return
        if self._brakes is None:
            self._brakes = self._new_brakes()
        self._brakes[outward].weigh(held)

    def _new_brakes(self) -> tuple[Brake, Brake]:
        """Of what comes in, and of what goes out."""
        below = self.below
        return (
            Brake(
                below.pause_reading,
                below.resume_reading,
                stopped=not below.is_reading(),
            ),
            Brake(
                lambda: self._above.pause_writing(),
                lambda: self._above.resume_writing(),
                stopped=self._below_full,
            ),
        )

    def _passes(self, lane: _Lane | None) -> bool:
        """Whether what goes one way goes on as it is, looked at or not."""
        return self.pipe.harmless and (lane is None or lane.free)

    def _show(self, direction: Direction, data: bytes | bytearray | memoryview) -> None:
        if self.pipe.watched:
            view = data if isinstance(data, bytes) else memoryview(data)
            self.pipe.look(direction, view, self._loop.time())
        else:
            self.pipe.note(direction, data)

    def _lane(self, *, outward: bool) -> _Lane:
        if outward:
            if self._outward is None:
                self._outward = _Lane(self, outward=True)
            return self._outward
        if self._inward is None:
            self._inward = _Lane(self, outward=False)
        return self._inward

    def _pass(self, direction: Direction, data: bytes | None) -> None:
        """Do what becomes of data, or of the end: first what goes out, then the rest.

        A fault that ends a connection behind its last bytes ends both directions; who
        is above closes at once when its own ends, and the bytes must have left by then.
        """
        now, self._pushed = self._loop.time(), []
        pipe = self.pipe
        try:
            actions = (
                pipe.eof(direction, now)
                if data is None
                else pipe.feed(direction, data, now)
            )
        finally:
            pushed, self._pushed = self._pushed, None
        todo = [(direction, actions), *pushed]
        for way, doing in sorted(todo, key=lambda each: each[0] is not self._out):
            self._carry_out(way, doing)

    def _carry_out(self, direction: Direction, actions: list[Action]) -> None:
        """Also what a fault wants of itself, by its timer or beside what goes by."""
        if self._pushed is not None:
            self._pushed.append((direction, actions))
        elif not self._lost:
            self._lane(outward=direction is self._out).run(actions)

    # called by the transport above

    @property
    def below(self) -> asyncio.Transport:
        if self._transport is None:
            raise RuntimeError("not connected")
        return self._transport

    def send(self, data: bytes | bytearray | memoryview) -> None:
        if self._passes(self._outward):
            self._show(self._out, data)
            below = self.below
            # asyncio's own transports may keep a buffer that they could not send.
            copies = getattr(below, "copies_at_once", False)
            below.write(data if copies else bytes(data))
            return
        self._pass(self._out, bytes(data))

    def send_eof(self) -> None:
        self._pass(self._out, None)

    def close_when_sent(self) -> None:
        if not self._closing and not self._lost and not self.pipe.idle:
            actions = self.pipe.closing(self._loop.time())
            if actions:
                self._lane(outward=True).run(actions)
        self._closing = True
        if self._outward is None or not self._outward.busy:
            self._close_below()

    def _close_below(self) -> None:
        close_in_stages(self.below, self.connection_lost, peer_ended=self._peer_ended)

    @property
    def closing(self) -> bool:
        return self._closing or self.below.is_closing()

    @property
    def held(self) -> int:
        return 0 if self._outward is None else self._outward.held

    # called by the lanes

    def deliver(self, outward: bool, data: bytes) -> None:
        if outward:
            self.below.write(data)
        elif not self.below.is_closing():
            _give(self._above, data)

    def end(self, outward: bool) -> None:
        if outward:
            if self.below.can_write_eof():
                self.below.write_eof()
            else:
                self.below.close()
            return
        keep = getattr(self._above, "eof_received", lambda: None)()
        self._eof_kept = bool(keep)
        if not keep:
            self.close_when_sent()

    def reset(self) -> None:
        self._closing = True
        reset(self.below)

    def lane_drained(self, outward: bool) -> None:
        if outward and self._closing:
            self._close_below()


#: Above a connection that is lost.
_NOBODY = asyncio.BaseProtocol()


def connection_facts(transport: asyncio.BaseTransport) -> dict[str, Any]:
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
            self._host.send(data)

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
        self._host.pause_reading()

    def resume_reading(self) -> None:
        self._host.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._host.below.get_write_buffer_size() + self._host.held

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._host.below.get_write_buffer_limits()

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        self._host.below.set_write_buffer_limits(high, low)
