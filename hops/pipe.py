"""What happens to a chunk of bytes on a hop: taps look, then faults act. Pure.

A connection has a Pipe when something looks or acts, or may begin to while it is
open (`Hops.armed`). The same Pipe lives in three hosts: `filter` (asyncio protocols),
the blocking host of the command line, and a unit test.

What a connection is made of may change while it is open: a Pipe asks the sources of
its taps and faults again whenever their `version` is another than it was.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

    from hops.hop import Hop, Role

__all__ = [
    "Action",
    "ConnectionFacts",
    "Delay",
    "Deliver",
    "Direction",
    "Fault",
    "FaultSource",
    "HalfClose",
    "Past",
    "Pipe",
    "Reset",
    "Stall",
    "Tap",
    "TapSource",
]

logger = logging.getLogger(__name__)


class Direction(StrEnum):
    """Which way bytes go, seen from who dialled."""

    UP = "up"  # from the dialler to the listener: requests
    DOWN = "down"  # back

    # Enum's own is written in Python, and each chunk asks for it several times.
    __hash__ = str.__hash__

    @property
    def other(self) -> Direction:
        """The opposite direction."""
        return Direction.DOWN if self is Direction.UP else Direction.UP


@dataclass(frozen=True, slots=True)
class Deliver:
    """Pass these bytes on."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait so many seconds before the actions that follow, in this direction."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HalfClose:
    """End this direction after what was delivered."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Cut the connection at once, both directions."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Deliver nothing more in this direction, and keep the connection."""


Action = Deliver | Delay | HalfClose | Reset | Stall


class Tap(Protocol):
    """Looks at a copy of the bytes. It cannot change them."""

    def connected(self, facts: dict[str, Any], now: float) -> None:
        """The connection stands; facts are addresses and TLS."""

    def bind_session(self, trace_id: str) -> None:
        """The session that the connection belongs to, when its bytes do not say it."""

    def recall(self, past: Past, now: float) -> None:
        """What went by before there was this tap."""

    def feed(self, direction: Direction, data: bytes | memoryview, now: float) -> None:
        """Bytes went by. A view is valid until this returns."""

    def eof(self, direction: Direction, now: float) -> None:
        """One direction ended."""

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""

    def acted(
        self,
        fault: str,
        direction: Direction,
        kind: str,
        now: float,
        info: dict[str, Any] | None = None,
    ) -> None:
        """A fault changed what is delivered; `info` says to what, and how."""


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What is known of a connection before its first byte.

    Attributes:
        number: the n-th connection of this process on that hop, from 1.
        process: as `Hops` was given it.
        role: which end this process is.
        conn: the connection's name in traces.
    """

    hop: Hop
    number: int
    process: str
    role: Role
    conn: str

    @property
    def sends(self) -> Direction:
        """The direction of what our side sends."""
        return Direction.UP if self.role == "client" else Direction.DOWN


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a connection's HTTP/1.1 before somebody looked.

    Attributes:
        heads: the chunks with the last request's head and its answer's.
        since: bytes that followed the answer's chunk.
        last: the last of them.
        session: of that request, when its connection was told.
    """

    heads: dict[Direction, bytes]
    since: int = 0
    last: bytes = b""
    session: str | None = None


class Fault(Protocol):
    """Changes what is delivered. `name` is how it is called in traces.

    One object a connection. The same seed and the same bytes give the same actions.
    It may have these methods besides:

        connecting(now: float) -> list[Action]
            before the connection stands (before TLS): delay it, or `Reset` (a dialler
            is refused, who dialled us is reset), or `Stall` (it never answers)
        tls_context(context: ssl.SSLContext) -> ssl.SSLContext
            the settings to shake hands with, in place of ours
        attached(pipe: Pipe) -> None
            the pipe it belongs to, before anything else: `Pipe.push` is for its timers
        connected(facts: dict[str, Any], now: float) -> list[Action] | None
            the connection stands; actions on what our side sends. On a connection that
            stood before the fault was set, facts has "late": true
        session(trace_id: str) -> None
            the session that the connection belongs to
        closing(now: float) -> list[Action]
            our side closes: what to do before
        holds(direction: Direction) -> int
            how many bytes it holds back
        lost(now: float) -> None
            the connection is gone
        tells_itself = True
            it calls `Pipe.acted` for what it does
    """

    name: str

    def act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        """The actions to take instead; `actions` itself when it does nothing."""


class FaultSource(Protocol):
    """Says which faults a connection has; see `Hops.set_faults`."""

    @property
    def version(self) -> int:
        """Another number after each change of the faults: every Pipe asks again then.

        A fault that goes on must be the same object as before.
        """

    def faults_for(self, connection: ConnectionFacts) -> Sequence[Fault]:
        """The faults of a connection now, in the order they act."""


class TapSource(Protocol):
    """Says who looks at a connection."""

    @property
    def version(self) -> int:
        """As in `FaultSource`."""

    def taps_for(self, connection: ConnectionFacts) -> Sequence[Tap]:
        """The taps of a connection now. One that goes on is the same object."""


_MAX_HEAD = 16 * 1024
_METHODS = tuple(
    f"{name} ".encode()
    for name in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "CONNECT")
)


class Pipe:
    """The taps and faults of one connection.

    Args:
        taps, faults: those it begins with.
        connection: for the sources; must be given with one of them.
        taps_from, faults_from: asked at once, and whenever their version changes.
    """

    def __init__(
        self,
        taps: Sequence[Tap] = (),
        faults: Sequence[Fault] = (),
        *,
        connection: ConnectionFacts | None = None,
        taps_from: TapSource | None = None,
        faults_from: FaultSource | None = None,
    ) -> None:
        self._taps = list(taps)
        self._faults = list(faults)
        self.connection = connection
        self._taps_from = taps_from
        self._faults_from = faults_from
        self._taps_version: int | None = None
        self._faults_version: int | None = None
        self._facts: dict[str, Any] | None = None
        self._session: str | None = None
        self._lost = False
        self._heads: dict[Direction, bytes] = {}  # of the last request and its answer
        self._switched = False  # to another protocol, after 101
        self._since, self._last = 0, b""  # behind the head of the answer
        #: Carries out what is pushed; set by who hosts the pipe.
        self.host: Callable[[Direction, list[Action]], None] | None = None
        self.refresh(0.0)

    @property
    def idle(self) -> bool:
        """Whether bytes may pass it by: nobody looks, nothing acts, nothing changed."""
        return not self._taps and self.harmless

    @property
    def harmless(self) -> bool:
        """Whether nothing acts and nothing changed: `look` is enough then."""
        taps, faults = self._taps_from, self._faults_from
        return (
            not self._faults
            and (taps is None or taps.version == self._taps_version)
            and (faults is None or faults.version == self._faults_version)
        )

    @property
    def watched(self) -> bool:
        """Whether somebody looks."""
        return bool(self._taps)

    def push(self, direction: Direction, actions: list[Action]) -> None:
        """Do something now, without bytes having come: for a fault's timer.

        Nothing happens before the connection stands and after it is gone.
        """
        if self.host is not None and not self._lost:
            self.host(direction, actions)

    def connecting(self, now: float) -> list[Action]:
        """What to do before the connection stands; usually nothing."""
        self.refresh(now)
        actions: list[Action] = []
        for fault in tuple(self._faults):
            hook = getattr(fault, "connecting", None)
            if hook is None:
                continue
            added = hook(now)
            if added:
                actions += added
                self._tell(fault, Direction.UP, added, now)
        return actions

    def tls_context(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The settings to shake hands with."""
        for fault in tuple(self._faults):
            hook = getattr(fault, "tls_context", None)
            if hook is not None:
                context = hook(context)
        return context

    def connected(self, facts: dict[str, Any], now: float) -> list[Action]:
        """The connection stands; answers what to do with what our side sends."""
        self.refresh(now)
        self._facts = facts
        for tap in tuple(self._taps):
            self._guard(tap, tap.connected, facts, now)
        actions: list[Action] = []
        for fault in tuple(self._faults):
            actions += self._introduce(fault, facts, now)
        return actions

    def bind_session(self, trace_id: str) -> None:
        """Say which session the connection belongs to."""
        self._session = trace_id
        for tap in tuple(self._taps):
            self._guard(tap, tap.bind_session, trace_id)
        for fault in tuple(self._faults):
            hook = getattr(fault, "session", None)
            if hook is not None:
                hook(trace_id)

    def feed(self, direction: Direction, data: bytes, now: float) -> list[Action]:
        """What to do with `data`: one `Deliver` of the same bytes, unless faults act."""
        self.refresh(now)
        self.look(direction, data, now)
        return self._act(direction, [Deliver(data)], now)

    def look(self, direction: Direction, data: bytes | memoryview, now: float) -> None:
        """Bytes go by a pipe that is harmless."""
        if not self._switched:
            self.note(direction, data)
        for tap in tuple(self._taps):
            self._guard(tap, tap.feed, direction, data, now)

    def note(self, direction: Direction, data: bytes | bytearray | memoryview) -> None:
        """Keep the head of an HTTP message, for who comes to look in its middle.

        Called by hosts, too, with what passes by an idle pipe.
        """
        if self._switched:
            return
        start = bytes(data[:12])
        if direction is Direction.UP:
            if start.startswith(_METHODS) and len(data) <= _MAX_HEAD:
                self._heads = {direction: bytes(data)}
                self._session = None  # that of the request before
        elif start.startswith(b"HTTP/1.") and len(data) <= _MAX_HEAD:
            self._heads[direction] = bytes(data)
            self._switched = start.endswith(b" 101")
            self._since, self._last = 0, b""
        else:
            self._since += len(data)
            self._last = bytes(data[-5:])

    def eof(self, direction: Direction, now: float) -> list[Action]:
        """What to do at the end of a direction."""
        self.refresh(now)
        for tap in tuple(self._taps):
            self._guard(tap, tap.eof, direction, now)
        return self._act(direction, [HalfClose()], now)

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""
        self._lost = True
        for tap in tuple(self._taps):
            self._guard(tap, tap.lost, reason, now)
        for fault in tuple(self._faults):
            hook = getattr(fault, "lost", None)
            if hook is not None:
                hook(now)

    def acted(
        self,
        fault: str,
        direction: Direction,
        kind: str,
        now: float,
        info: dict[str, Any] | None = None,
    ) -> None:
        """A fault did something of itself: it is told, as what `act` does is."""
        for tap in tuple(self._taps):
            self._guard(tap, tap.acted, fault, direction, kind, now, info)

    def closing(self, now: float) -> list[Action]:
        """Our side closes: what to do with what it sends before."""
        actions: list[Action] = []
        for fault in tuple(self._faults):
            hook = getattr(fault, "closing", None)
            if hook is not None:
                actions += hook(now)
        return actions

    def holds(self, direction: Direction) -> int:
        """How many bytes faults hold back themselves."""
        return sum(
            hook(direction)
            for fault in self._faults
            if (hook := getattr(fault, "holds", None)) is not None
        )

    @property
    def heads(self) -> dict[Direction, bytes]:
        """The last head of each direction that was kept; see `note`."""
        return dict(self._heads)

    def refresh(self, now: float) -> None:
        """Ask the sources again when they have changed."""
        taps, faults = self._taps_from, self._faults_from
        if taps is not None and taps.version != self._taps_version:
            self._taps_version = taps.version
            self._change_taps(taps, now)
        if faults is not None and faults.version != self._faults_version:
            self._faults_version = faults.version
            self._change_faults(faults, now)

    def _change_taps(self, source: TapSource, now: float) -> None:
        if self.connection is None or self._lost:
            return
        before = self._taps
        try:
            self._taps = list(source.taps_for(self.connection))
        except Exception:  # it must never disturb the traffic
            logger.exception("no tap could be made")
            self._taps = []
        if self._facts is None:
            return
        for tap in tuple(self._taps):
            if any(tap is known for known in before):
                continue
            self._guard(tap, tap.connected, self._facts | {"late": True}, now)
            if self._heads:
                heads = dict(self._heads)
                past = Past(heads, self._since, self._last, self._session)
                self._guard(tap, tap.recall, past, now)
            elif self._session is not None:
                self._guard(tap, tap.bind_session, self._session)

    def _change_faults(self, source: FaultSource, now: float) -> None:
        if self.connection is None or self._lost:
            return
        before = self._faults
        self._faults = list(source.faults_for(self.connection))
        for fault in tuple(self._faults):
            if any(fault is known for known in before):
                continue
            if hasattr(fault, "attached"):
                fault.attached(self)
            if self._facts is None:
                continue
            actions = self._introduce(fault, self._facts | {"late": True}, now)
            if self._session is not None and hasattr(fault, "session"):
                fault.session(self._session)
            if actions:
                self.push(self.connection.sends, actions)

    def _introduce(
        self, fault: Fault, facts: dict[str, Any], now: float
    ) -> list[Action]:
        hook = getattr(fault, "connected", None)
        actions: list[Action] = (hook(facts, now) or []) if hook is not None else []
        if actions:
            self._tell(fault, Direction.UP, actions, now)
        return actions

    def _act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        for fault in tuple(self._faults):
            changed = fault.act(direction, actions, now)
            if changed is not actions:
                self._tell(fault, direction, changed, now)
            actions = changed
        return actions

    def _tell(
        self, fault: Fault, direction: Direction, actions: list[Action], now: float
    ) -> None:
        if getattr(fault, "tells_itself", False):
            return
        kinds = "+".join(type(action).__name__ for action in actions)
        self.acted(fault.name, direction, kinds, now)

    def _guard(self, tap: Tap, call: object, *args: object) -> None:
        """A tap that fails is dropped: it must never disturb the traffic."""
        try:
            call(*args)  # type: ignore[operator]  # a bound method of Tap
        except Exception:
            logger.exception("tap failed")
            self._taps.remove(tap)
