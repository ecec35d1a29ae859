"""One rule on one connection: whether it strikes there, and the objects that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.frame_fault import FrameFault, Terms
from hops.pipe import Action, Deliver, Direction, HalfClose

if TYPE_CHECKING:
    import ssl

    from faults.actions import Item
    from faults.active_rule import ActiveRule
    from faults.byte_fault import ByteFault
    from faults.framing.conversation import Conversation
    from faults.framing.frame import Frame
    from faults.selectors import RequestFacts
    from faults.tls_faults import ServedCertificate

__all__ = ["Armament"]


class Armament:
    """States: undecided (no request was meant yet), spared, armed.

    Attributes:
        armed: the rule acts on the connection now.
        conversation: the connection's frames, when they are read.
        selected: some request was looked at.
    """

    def __init__(self, active: ActiveRule, standing: bool) -> None:
        self.active = active
        self.armed = False
        self.conversation: Conversation | None = None
        self._decided = False
        self._number = 0
        self.selected = False
        self._bytes: dict[Direction, ByteFault] = {}
        self._frames: FrameFault | None = None
        self._tls: ServedCertificate | None = None
        self._announced = False
        self._found_standing = standing

    @property
    def on_frames(self) -> bool:
        """Whether it acts on frames."""
        return self.active.rule.kind.stage == "frames"

    def on_bytes(self, direction: Direction) -> bool:
        """Whether it acts on the bytes of a direction."""
        return direction in self._bytes

    def start(self, now: float, *, standing: bool, late: bool) -> list[Item]:
        """Decide, when no request is needed for it; then begin once it stands."""
        rule = self.active.rule
        ready = standing or rule.kind.whole  # before that it is not known who calls
        if ready and not self._decided and not rule.selector.wants_request:
            self._decide(now)
        if not self.armed or not standing or self._announced:
            return []
        self._announced = True
        late = late or self._found_standing
        return [
            item
            for fault in set(self._bytes.values())
            for item in fault.begin(now, late=late)
        ]

    def select(self, request: RequestFacts, now: float) -> list[Item]:
        """A request came: is it one that is meant?"""
        selector = self.active.rule.selector
        if not selector.wants_request:
            return []
        self.selected = True
        if not selector.matches(request):
            # On HTTP/2 the frames of other calls go by meanwhile.
            self.armed = self.armed and request.is_call
            return []
        if not self._decided:
            self._decide(now)
        elif self._number:
            self.armed = True
        return self.start(now, standing=True, late=False)

    def connecting(self, now: float) -> list[Action]:
        """Before the connection stands."""
        return [a for f in set(self._bytes.values()) for a in f.connecting(now)]

    def tls_context(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """The settings to shake hands with."""
        return context if self._tls is None else self._tls.context(context)

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """What to send in place of a frame; None: the frame."""
        if self._frames is None or not self._meant(frame):
            return None
        self._frames.conversation = self.conversation
        return self._frames.frame(frame, now)

    def bytes(
        self, direction: Direction, action: Action, now: float
    ) -> list[Item] | None:
        """What to do in place of an action; None: that action."""
        fault = self._bytes[direction]
        match action:
            case Deliver(data):
                return list(fault.data(direction, data, now))
            case HalfClose():
                return list(fault.end(direction, now))
        return None

    def frames_end(self, direction: Direction, now: float) -> list[Item]:
        """The direction ends: frames that are held go on."""
        return [] if self._frames is None else self._frames.end(direction, now)

    def holds(self, direction: Direction) -> int:
        """How many bytes it holds back."""
        fault = self._bytes.get(direction)
        return 0 if fault is None else fault.held

    def deadline(self) -> float | None:
        """When it wants to act, or is over."""
        moments = [fault.deadline() for fault in self._bytes.values()]
        if self._frames is not None:
            moments.append(self._frames.deadline())
        if self.armed:
            moments.append(self.active.until)
        return min((m for m in moments if m is not None), default=None)

    def expire(self, now: float) -> list[tuple[Direction, list[Item]]]:
        """A deadline has come."""
        out: list[tuple[Direction, list[Item]]] = []
        done: set[ByteFault] = set()
        for way, fault in self._bytes.items():
            due = fault.deadline()
            if fault not in done and due is not None and due <= now:
                out.append((way, list(fault.expire(now))))
            done.add(fault)
        if self._frames is not None:
            due = self._frames.deadline()
            if due is not None and due <= now:
                out.append((Direction.DOWN, self._frames.expire(now)))
        return [(way, items) for way, items in out if items]

    def lift(self, direction: Direction, now: float) -> list[Item]:
        """The rule is taken away: what is held of the direction goes on."""
        items: list[Item] = []
        if self._frames is not None:
            items += self._frames.lift(direction, now)
        fault = self._bytes.pop(direction, None)
        if fault is not None and fault not in self._bytes.values():
            items += fault.lift(now)
        return items

    def _meant(self, frame: Frame) -> bool:
        """Whether a frame belongs to a request that is meant."""
        selector = self.active.rule.selector
        if not selector.wants_request:
            return True
        return frame.request is not None and selector.matches(frame.request)

    def _decide(self, now: float) -> None:
        self._decided = True
        self._number = self.active.chooses()
        if not self._number:
            return
        kind = self.active.rule.kind
        if kind.stage != "frames" and not self.active.strike():
            return
        self._make(now)
        self.armed = True

    def _make(self, now: float) -> None:
        active, rule = self.active, self.active.rule
        if rule.kind.stage == "frames":
            chance = active.chance(self._number, "frames")
            terms = Terms(rule.values, chance, active.strike, rule.ways)
            self._frames = rule.kind.make(terms)
            return
        if rule.kind.stage == "tls":
            self._tls = rule.kind.make(rule.values)
            return
        for way in rule.ways:
            chance = active.chance(self._number, way)
            made: ByteFault = rule.kind.make(rule.values, chance, now)
            if made.both:
                self._bytes = dict.fromkeys(Direction, made)
                return
            self._bytes[way] = made
