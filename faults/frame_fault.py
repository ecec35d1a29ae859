"""What a fault on frames is: one object for a connection, which picks its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hops.pipe import Direction

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from faults.actions import Item
    from faults.framing.conversation import Conversation
    from faults.framing.frame import Frame

__all__ = ["LAYERS", "FrameFault", "RandomFrames", "Terms"]

#: The layers that frames are picked by.
LAYERS = (
    "any",
    "http1",
    "websocket",
    "channel",
    "remotecommand",
    "spdy",
    "http2",
    "grpc",
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a fault on the frames of one connection is made of.

    Attributes:
        values: the fault's parameters.
        chance: the only source of randomness.
        strike: to be called before it acts; False: it may not any more.
        ways: the directions it looks at.
    """

    values: Mapping[str, Any]
    chance: random.Random
    strike: Callable[[], bool]
    ways: Sequence[Direction]


class FrameFault:
    """Changes, drops, holds or adds frames."""

    def __init__(self, terms: Terms) -> None:
        self.values = terms.values
        self.chance = terms.chance
        self.strike = terms.strike
        self.ways = terms.ways
        self.conversation: Conversation | None = None  # set before the first frame

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """What to send in place of a frame; None: the frame as it is."""
        raise NotImplementedError

    def end(self, direction: Direction, now: float) -> list[Item]:
        """The direction ends: what is held of it."""
        return []

    def lift(self, direction: Direction, now: float) -> list[Item]:
        """The fault is taken away: what is held of the direction goes on."""
        return self.end(direction, now)

    def deadline(self) -> float | None:
        """When it wants to act though nothing comes; None: it does not."""
        return None

    def expire(self, now: float) -> list[Item]:
        """The deadline has come. Frames go where they belong."""
        return []

    def mask(self) -> bytes:
        """A WebSocket mask for a frame of our own."""
        return self.chance.randbytes(4)


class RandomFrames(FrameFault):
    """Picks frames by layer, type, channel and number; see `types.PICK`."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._matched = dict.fromkeys(Direction, 0)

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Act on those that are picked."""
        return self.hit(frame, now) if self.picks(frame) else None

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """What to send in place of a frame that is picked."""
        raise NotImplementedError

    def picks(self, frame: Frame) -> bool:
        """Whether a frame is meant, and the fault may still act."""
        if frame.direction not in self.ways or not self.matches(frame):
            return False
        self._matched[frame.direction] += 1
        wanted = self.values["n"]
        if wanted and self._matched[frame.direction] != wanted:
            return False
        share = self.values["probability"]
        if share < 1 and self.chance.random() >= share:
            return False
        return self.strike()

    def matches(self, frame: Frame) -> bool:
        """Whether layer, type and channel are those that are meant."""
        layer, kind = self.values["layer"], self.values["frame"]
        if layer == "any":
            found = bool(frame.kinds) and kind in ("", *frame.kinds.values())
        else:
            found = layer in frame.kinds and kind in ("", frame.kinds[layer])
        return found and self._on_channel(frame)

    def _on_channel(self, frame: Frame) -> bool:
        wanted = str(self.values["channel"]).lower()
        return wanted in ("", frame.name, str(frame.channel))
