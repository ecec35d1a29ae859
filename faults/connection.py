"""All faults of one connection, as one object in its pipe.

What comes goes through three steps: it is cut into frames, if any rule wants frames;
rules on frames act; rules on bytes act. Rules act in the order they were set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from faults.actions import Back, End
from faults.armament import Armament
from faults.framing.conversation import Conversation
from faults.framing.frame import Frame
from hops.hop import Hop
from hops.pipe import Action, Deliver, Direction, HalfClose

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping

    from faults.actions import Item
    from faults.active_rule import ActiveRule
    from faults.engine import FaultEngine
    from faults.selectors import RequestFacts
    from hops.pipe import ConnectionFacts, Pipe

__all__ = ["ConnectionFaults", "Note", "Timer"]


class Timer(Protocol):
    """What `asyncio` calls a TimerHandle."""

    def when(self) -> float:
        """When it is due, on the clock of `now`."""

    def cancel(self) -> None:
        """Not any more."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a fault did, for the trace.

    Attributes:
        fault: the rule's name.
        kind: the fault's type.
        info: what it was done to, and the actions.
    """

    fault: str
    direction: Direction
    kind: str
    info: dict[str, Any]


class ConnectionFaults:
    """See `hops.pipe.Fault`, with all of its further methods."""

    name = "faults"
    tells_itself = True

    def __init__(
        self,
        engine: FaultEngine,
        facts: ConnectionFacts,
        forget: Callable[[ConnectionFacts], None],
    ) -> None:
        self._engine = engine
        self._facts = facts
        self._forget = forget
        self._version = -1
        self._armaments: dict[ActiveRule, Armament] = {}
        self._conversation: Conversation | None = None
        self._session = ""
        self._standing = False
        self._foreign = False
        self._touched = False  # bytes went by
        self._late = False
        self._pending: dict[Direction, list[Action]] = {way: [] for way in Direction}
        self._notes: list[Note] = []
        self._ended: set[Direction] = set()  # by who sends
        self._closed: set[Direction] = set()  # by us
        self._pipe: Pipe | None = None
        self._timer: Timer | None = None
        self._recalled: RequestFacts | None = None

    @property
    def hop(self) -> Hop:
        """Its hop."""
        return self._facts.hop

    # the connection's life

    def attached(self, pipe: Pipe) -> None:
        """The pipe that it belongs to; see `hops.pipe.Fault`."""
        self._pipe = pipe

    def connecting(self, now: float) -> list[Action]:
        """Before the connection stands."""
        now = self._engine.now(now)
        self._synchronize(now)
        actions: list[Action] = []
        for armament in self._armed():
            added = armament.connecting(now)
            if added:
                self._note(armament.active, Direction.UP, "connecting", added)
            actions += added
        self._report(now)
        return actions

    def tls_context(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The settings to shake hands with."""
        for armament in self._armed():
            changed = armament.tls_context(context)
            if changed is not context:
                self._note(armament.active, Direction.DOWN, "handshake", [])
            context = changed
        self._report(0.0)
        return context

    def connected(self, facts: dict[str, Any], now: float) -> list[Action]:
        """The connection stands."""
        now = self._engine.now(now)
        self._standing = True
        self._late = self._touched = bool(facts.get("late"))
        self._foreign = self._is_component(facts)
        self._version = -1
        self._synchronize(now)
        self._push(now)
        return self._take(self._facts.sends)

    def _is_component(self, facts: Mapping[str, Any]) -> bool:
        """Whether a client of the API server is a part of the cluster, by certificate.

        The API server has one listener for all. The kubelet's and the controllers'
        connections are hops of their own, which they carry the faults of out themselves.
        """
        peer = (facts.get("tls") or {}).get("peer") or {}
        subject = str(peer.get("subject", ""))
        on_server = self._facts.role == "server"
        is_api = self._facts.hop == Hop.KUBECTL_APISERVER
        return on_server and is_api and "commonName=system:" in subject

    def session(self, trace_id: str) -> None:
        """The session that the connection belongs to, when its bytes do not say it."""
        self._session = trace_id
        request = self._request()
        if request is not None and not request.session:
            request.session = trace_id
            self._select(request, self._engine.now(0.0))

    def wake(self, now: float) -> None:
        """The rules have changed: take them up now, and let go what they held."""
        self._synchronize(now)
        self._push(now)

    @property
    def idle(self) -> bool:
        """Whether the connection can do without us: nothing acts, holds or counts."""
        conversation = self._conversation
        return (
            not self._armaments
            and not any(self._pending.values())
            and (conversation is None or conversation.untouched)
        )

    def lost(self, now: float) -> None:
        """The connection is gone."""
        self._forget(self._facts)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._pipe = None

    # what goes by

    def act(
        self, direction: Direction, actions: list[Action], now: float
    ) -> list[Action]:
        """See `hops.pipe.Fault`."""
        now = self._engine.now(now)
        self._synchronize(now)
        out: list[Action] = []
        for action in actions:
            match action:
                case Deliver(data):
                    out += self._data(direction, data, now)
                case HalfClose():
                    out += self._end(direction, now)
                case _:
                    out.append(action)
        out = self._last(direction, out)
        self._push(now, but=direction)
        return [*self._take(direction), *out]

    def pending(self, now: float) -> list[tuple[Direction, list[Action]]]:
        """What is to be done besides, in either direction."""
        self._synchronize(now)
        return [(way, taken) for way in Direction if (taken := self._take(way))]

    def deadline(self) -> float | None:
        """When `expire` is to be called though nothing comes."""
        moments = [armament.deadline() for armament in self._armaments.values()]
        return min((m for m in moments if m is not None), default=None)

    def expire(self, now: float) -> None:
        """A deadline has come; `pending` has what is to be done."""
        self._synchronize(now)
        for armament in list(self._armaments.values()):
            if armament.active not in self._armaments:
                continue
            for way, items in armament.expire(now):
                self._note(armament.active, way, "time", items)
                self._give(way, self._after(armament, way, items, now))

    def closing(self, now: float) -> list[Action]:
        """Our side closes: what is to be done before."""
        now = self._engine.now(now)
        way = self._facts.sends
        if way in self._ended:
            return []
        actions = self._end(way, now)
        self._report(now)
        return [action for action in actions if not isinstance(action, HalfClose)]

    def holds(self, direction: Direction) -> int:
        """How many bytes are held back."""
        held = [armament.holds(direction) for armament in self._armaments.values()]
        return sum(held)

    def notes(self) -> list[Note]:
        """Take what was done since the last call."""
        notes, self._notes = self._notes, []
        return notes

    # the pipe

    def _push(self, now: float, but: Direction | None = None) -> None:
        """Have the pipe do what is pending, tell what was done, and set the timer."""
        self._report(now)
        if self._pipe is None:
            return
        for way in Direction:
            if way is not but and (actions := self._take(way)):
                self._pipe.push(way, actions)
        self._set_timer()

    def _report(self, now: float) -> None:
        if self._pipe is None:
            return
        stamp = self._engine.stamp(now)
        for note in self.notes():
            self._pipe.acted(note.fault, note.direction, note.kind, stamp, note.info)

    def _set_timer(self) -> None:
        when = self.deadline()
        if self._timer is not None:
            if self._timer.when() == when:
                return
            self._timer.cancel()
            self._timer = None
        call_at = self._engine.call_at
        if when is not None and call_at is not None:
            self._timer = call_at(when, self._ring)

    def _ring(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            now = timer.when()
            self.expire(now)
            self._push(now)

    def _data(self, direction: Direction, data: bytes, now: float) -> list[Action]:
        self._touched = True
        if self._conversation is None:
            return self._bytes(direction, [Deliver(data)], now)
        frames = self._conversation.receive(direction, data)
        out = self._frames(direction, frames, now)
        other = direction.other
        self._give(other, self._frames(other, self._conversation.released(), now))
        return out

    def _end(self, direction: Direction, now: float) -> list[Action]:
        self._ended.add(direction)
        items: list[Item] = []
        if self._conversation is not None:
            items += self._conversation.rest(direction)
        actions = self._frames(direction, items, now)
        for armament in self._armed():
            held = armament.frames_end(direction, now)
            actions += self._after(armament, direction, held, now)
        return [*actions, *self._bytes(direction, [HalfClose()], now)]

    def _frames(
        self, direction: Direction, frames: Iterable[Item], now: float
    ) -> list[Action]:
        """Let the rules on frames act, then those on bytes."""
        items: list[Item] = []
        for frame in frames:
            if isinstance(frame, Frame) and _begins_request(frame):
                self._on_request(frame, now)
            items += self._through(list(self._armed()), frame, now)
        return self._send(direction, items, now)

    def _through(
        self, armaments: list[Armament], first: Item, now: float
    ) -> list[Item]:
        items: list[Item] = [first]
        for armament in armaments:
            if not armament.on_frames:
                continue
            after: list[Item] = []
            for item in items:
                result = armament.frame(item, now) if isinstance(item, Frame) else None
                if result is None:
                    after.append(item)
                else:
                    assert isinstance(item, Frame)  # noqa: S101 - see above
                    self._note(armament.active, item.direction, item.text, result)
                    after += result
            items = after
        return items

    def _after(
        self, armament: Armament, direction: Direction, items: list[Item], now: float
    ) -> list[Action]:
        """What a rule let go passes the rules behind it."""
        order = list(self._armaments.values())
        behind = [a for a in order[order.index(armament) + 1 :] if a.armed]
        if not armament.on_frames:
            actions, held = self._split(direction, items, now)
            for way, more in held:
                self._give(way, more)
            return self._bytes(direction, actions, now, behind)
        passed = [p for item in items for p in self._through(behind, item, now)]
        return self._send(direction, passed, now)

    def _send(
        self, direction: Direction, items: list[Item], now: float
    ) -> list[Action]:
        """Write frames; what belongs to the other direction goes there."""
        actions, others = self._split(direction, items, now)
        for way, more in others:
            self._give(way, self._bytes(way, more, now))
        return self._bytes(direction, actions, now)

    def _split(
        self, direction: Direction, items: Iterable[Item], now: float
    ) -> tuple[list[Action], list[tuple[Direction, list[Action]]]]:
        own: list[Action] = []
        others: list[tuple[Direction, list[Action]]] = []
        for item in items:
            match item:
                case Frame():
                    lane = own
                    if item.direction is not direction:
                        lane = []
                        others.append((item.direction, lane))
                    data = item.encode()
                    if data:
                        _append(lane, data)
                case Back(items=more):
                    back, further = self._split(direction.other, more, now)
                    others.append((direction.other, back))
                    others += further
                case End():
                    own.append(HalfClose())
                    others.append((direction.other, [HalfClose()]))
                case _:
                    own.append(item)
        return own, others

    def _bytes(
        self,
        direction: Direction,
        actions: list[Action],
        now: float,
        armaments: list[Armament] | None = None,
    ) -> list[Action]:
        """Let the rules on bytes act."""
        for armament in self._armed() if armaments is None else armaments:
            if not armament.on_bytes(direction):
                continue
            after: list[Action] = []
            for action in actions:
                changed = armament.bytes(direction, action, now)
                if changed is None:
                    after.append(action)
                    continue
                if changed != [action]:
                    self._note(armament.active, direction, "bytes", changed)
                own, others = self._split(direction, changed, now)
                after += own
                for way, more in others:
                    self._give(way, more)
            actions = after
        return actions

    # who is struck

    def _on_request(self, frame: Frame, now: float) -> None:
        if frame.request is None:
            return
        if not frame.request.session and not frame.request.is_call:
            frame.request.session = self._session
        self._select(frame.request, now)

    def _select(self, request: RequestFacts, now: float) -> None:
        for armament in self._armaments.values():
            self._begin(armament, armament.select(request, now), now)

    def _synchronize(self, now: float) -> None:
        """Take up new rules, let go of those that are over."""
        if self._version != self._engine.version:
            self._version = self._engine.version
            self._take_up(now)
        for active, armament in list(self._armaments.items()):
            if active.over(now):
                self._drop(armament, now)

    def _take_up(self, now: float) -> None:
        current = [
            active
            for active in self._engine.active(self._facts.hop)
            if not active.over(now) and (active.rule.kind.whole or not self._foreign)
        ]
        for active, armament in list(self._armaments.items()):
            if active not in current:
                self._drop(armament, now)
        for active in current:
            if active not in self._armaments:
                self._armaments[active] = Armament(active, self._standing)
        if self._conversation is None and self._wants_frames(current):
            self._conversation = Conversation(late=self._touched)
            self._recall()
        for armament in list(self._armaments.values()):
            armament.conversation = self._conversation
            started = armament.start(now, standing=self._standing, late=self._late)
            self._begin(armament, started, now)
            current_request = self._request()
            if current_request is not None and not armament.selected:
                self._begin(armament, armament.select(current_request, now), now)

    def _request(self) -> RequestFacts | None:
        """The request under way, when it is known."""
        return self._conversation.request if self._conversation is not None else None

    def _recall(self) -> None:
        """Of a connection that stood before: go on behind its upgrade, if it had one."""
        if self._conversation is None or self._pipe is None or not self._touched:
            return
        self._recalled = self._conversation.recall(self._pipe.heads)
        if self._recalled is not None and not self._recalled.session:
            self._recalled.session = self._session

    def _wants_frames(self, rules: list[ActiveRule]) -> bool:
        watching = self._engine.watching and self._standing
        return watching or any(active.rule.wants_frames for active in rules)

    def _begin(self, armament: Armament, items: list[Item], now: float) -> None:
        """What a rule does of itself when it begins."""
        way = self._facts.sends
        if items:
            self._note(armament.active, way, "begin", items)
            self._give(way, self._after(armament, way, items, now))

    def _drop(self, armament: Armament, now: float) -> None:
        for way in Direction:
            items = armament.lift(way, now)
            if items:
                self._give(way, self._after(armament, way, items, now))
        del self._armaments[armament.active]

    def _armed(self) -> list[Armament]:
        return [a for a in self._armaments.values() if a.armed]

    def _give(self, direction: Direction, actions: list[Action]) -> None:
        self._pending[direction] += self._last(direction, actions)

    def _last(self, direction: Direction, actions: list[Action]) -> list[Action]:
        """Deliver nothing behind an end of our own making."""
        kept: list[Action] = []
        for action in actions:
            if isinstance(action, Deliver | HalfClose) and direction in self._closed:
                continue
            if isinstance(action, HalfClose):
                self._closed.add(direction)
            kept.append(action)
        return kept

    def _take(self, direction: Direction) -> list[Action]:
        taken, self._pending[direction] = self._pending[direction], []
        return taken

    def _note(
        self,
        active: ActiveRule,
        direction: Direction,
        what: str,
        actions: Iterable[Item],
    ) -> None:
        info: dict[str, Any] = {"at": what}
        names = [
            type(a).__name__.lower() if not isinstance(a, Frame) else "frame"
            for a in actions
        ]
        info["actions"] = names[:16]
        self._notes.append(
            Note(active.rule.name, direction, active.rule.kind.name, info)
        )


def _begins_request(frame: Frame) -> bool:
    http1, grpc = frame.kinds.get("http1"), frame.kinds.get("grpc")
    return http1 == "request" or grpc == "call"


def _append(actions: list[Action], data: bytes) -> None:
    """Deliver with what is delivered before, in one write."""
    if actions and isinstance(actions[-1], Deliver):
        actions[-1] = Deliver(actions[-1].data + data)
    else:
        actions.append(Deliver(data))
