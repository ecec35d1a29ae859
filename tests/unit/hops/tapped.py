"""A tap, fed by a test, and what it told; every event is checked with the schema."""

import base64

from hops.hop import Hop
from hops.pipe import Direction
from hops.taps.connection import ConnectionTap
from hops.trace import MemorySink
from tests.unit.hops.trace_schema import check_all
from tests.unit.wire.splits import pieces

UP, DOWN = Direction.UP, Direction.DOWN


def request(target, **headers):
    """The head of a request for an upgrade."""
    lines = [f"GET {target} HTTP/1.1", "Connection: Upgrade"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def switched(**headers):
    """A 101."""
    lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


class Tapped:
    """One connection."""

    def __init__(self, hop=Hop.KUBECTL_APISERVER, settings=None):
        self.sink = MemorySink(settings)
        self.tap = ConnectionTap(self.sink, hop, "c-1")

    def feed(self, direction, data, cuts=()):
        for piece in pieces(data, cuts):
            self.tap.feed(direction, piece, 1.5)

    @property
    def events(self):
        check_all(self.sink.events)
        return self.sink.events

    @property
    def told(self):
        return [(e.dir, e.layer, e.type) for e in self.events]

    def of(self, layer):
        return [event for event in self.events if event.layer == layer]

    def data(self, layer, direction, kind):
        """The payloads of one kind of event, joined."""
        return b"".join(
            base64.b64decode(event.data or "")
            for event in self.of(layer)
            if (event.dir, event.type) == (direction, kind)
        )
