"""Decode what goes by on a connection, layer by layer, and tell it as trace events.

    bytes -> http1 -> (101) websocket -> channel -> remotecommand, portforward
                                      -> spdy (tunnel)
                            spdy -> remotecommand, portforward
                   -> crilog
    bytes -> http2 -> grpc -> cri, podresources, etcd
    bytes -> process (what runtime and shim say to each other)
    bytes -> portforward (a connection into a pod: what it carries is the user's)

A `ConnectionTap` finds out which it is and hands on to the next layer. What cannot be
decoded is told as `raw` and passed by: a tap never disturbs the traffic.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from hops.hop import Hop
from hops.pipe import Direction
from hops.taps.http1 import Http1Layer
from hops.taps.http2 import Http2Layer
from hops.taps.masks import MASK, scrub
from hops.taps.shim import ShimLayer
from hops.taps.teller import Teller
from wire.errors import RemoteProtocolError
from wire.http2 import PREFACE

if TYPE_CHECKING:
    from hops.pipe import Past
    from hops.taps.layer import Layer
    from hops.trace import Sink

__all__ = ["ConnectionTap"]

#: What a tap hands on to its fork.
_KNOWN = ("_layer", "_undecoded", "_broken", "_hidden", "_joined_late", "_sizes")
_MAX_UNDECODED = 64 * 1024
_HTTP1 = re.compile(rb"[A-Z]{3,12} [^ \r\n]+ HTTP/1|HTTP/1\.[01] \d")


class ConnectionTap:
    """The Tap of one connection (see `hops.pipe.Tap`).

    Args:
        muted: nobody listens yet. HTTP/2 cannot be read from its middle, since its
            headers refer to earlier ones: so the tap of such a hop is there from the
            begin, and is given its voice later.
    """

    def __init__(self, sink: Sink, hop: Hop, conn: str, *, muted: bool = False) -> None:
        self._hop, self._conn = hop, conn
        self.forked = False  # what was to be recalled is known
        self.teller = Teller(sink, hop, conn)
        self.teller.muted = muted
        self._facts: dict[str, Any] = {}
        self._layer: Layer | None = self._own_layer()
        self._undecoded: list[tuple[Direction, bytes]] = []
        self._broken = False
        self._hidden = False  # what cannot be decoded may be the rest of a Secret
        self._joined_late = False
        self._sizes = dict.fromkeys(Direction, 0)

    def _own_layer(self) -> Layer | None:
        """The layer of a hop that carries neither HTTP/1.1 nor HTTP/2."""
        if self._hop is Hop.CRI_POD:
            return PodLayer(self.teller)
        return ShimLayer(self.teller) if self._hop is Hop.CRI_SHIM else None

    def unmute(self, now: float) -> None:
        """Somebody listens from now on."""
        if self.teller.muted:
            self.teller.muted = False
            self.teller.now = now
            self._tell_facts(self._facts | {"late": True})

    def mute(self) -> None:
        """Nobody listens any more."""
        self.teller.muted = True

    def connected(self, facts: dict[str, Any], now: float) -> None:
        """The connection stands, or stood already when `late` is among the facts."""
        self.teller.now = now
        self._facts = facts
        if not self.forked:
            self._joined_late = bool(facts.get("late"))
            if self._joined_late and isinstance(self._layer, ShimLayer):
                self._layer.join_late()
        self._tell_facts(facts)

    def _tell_facts(self, facts: dict[str, Any]) -> None:
        told = dict(facts)
        tls = told.pop("tls", None)
        self.teller.tell(None, "conn", "open", info=told)
        if tls is not None:
            self.teller.tell(None, "tls", "established", info=tls)

    def bind_session(self, trace_id: str) -> None:
        """From now on events belong to this session."""
        if self.teller.trace != trace_id:
            self.teller.trace = trace_id
            late, self.teller.late = self.teller.late, False  # it is news in any case
            self.teller.tell(None, "conn", "session")
            self.teller.late = late

    def recall(self, past: Past, now: float) -> None:
        """What went by before there was this tap, for what follows depends on it.

        An exchange that is still under way is told again, as late.
        """
        if self.forked:
            return
        self.teller.now = now
        self._replay(past)
        under_way = isinstance(self._layer, Http1Layer) and self._layer.under_way(past)
        if under_way and not self._broken:
            self._start_over()
            self.teller.late = True
            self._replay(past, aloud=True)
            self.teller.late = False
            if isinstance(self._layer, Http1Layer):
                self._layer.join_late()
        else:
            self._start_over()
            self.teller.trace = None  # that session is over

    def _replay(self, past: Past, *, aloud: bool = False) -> None:
        muted, self.teller.muted = self.teller.muted, self.teller.muted or not aloud
        for direction, data in past.heads.items():
            self._take(direction, data)
            if direction is Direction.UP and past.session is not None:
                self.bind_session(past.session)
        self.teller.muted = muted

    def _start_over(self) -> None:
        self._layer, self._broken = self._own_layer(), False
        self._undecoded = []

    def fork(self, sink: Sink, now: float) -> ConnectionTap:
        """Another tap of the same connection that knows what this one does."""
        other = ConnectionTap(sink, self._hop, self._conn)
        memo = {id(self.teller): other.teller}
        for name in _KNOWN:
            setattr(other, name, copy.deepcopy(getattr(self, name), memo))
        other.teller.trace = self.teller.trace
        other.teller.now = now
        other.forked = True
        return other

    def feed(self, direction: Direction, data: bytes | memoryview, now: float) -> None:
        """Bytes went by; a view is valid until this returns."""
        teller = self.teller
        teller.now = now
        self._sizes[direction] += len(data)
        if not teller.settings.all_bytes or teller.muted:
            self._take(direction, data)
            return
        known = not self._broken or teller.settings.secrets
        teller.chunks.add(direction, data if known else scrub(bytes(data)), now)
        if self._hides:
            teller.chunks.give_up(direction)
        self._take(direction, data)
        if self._nothing_secret_waits(direction):
            teller.chunks.settle(direction)

    def _nothing_secret_waits(self, direction: Direction) -> bool:
        if self._broken or self.teller.settings.secrets:
            return True
        return self._layer is not None and self._layer.settled(direction)

    def _take(self, direction: Direction, data: bytes | memoryview) -> None:
        if self._broken:
            self._tell_raw(direction, "data", bytes(data), {})
        elif self._layer is None:
            self._undecoded.append((direction, bytes(data)))
            self._find_layer()
        else:
            self._decode(direction, data)

    def eof(self, direction: Direction, now: float) -> None:
        """One direction ended."""
        self.teller.now = now
        if self._layer is not None and not self._broken:
            self._layer.eof(direction)
        self.teller.chunks.give_up(direction)
        self.teller.tell(direction, "conn", "eof")

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""
        self.teller.now = now
        for direction in Direction:
            self._tell_rest(direction)
            self.teller.chunks.give_up(direction)
        info: dict[str, Any] = {str(way): size for way, size in self._sizes.items()}
        if reason:
            info["reason"] = reason
        self.teller.tell(None, "conn", "close", info=info)

    def _tell_rest(self, direction: Direction) -> None:
        """What came and was not enough to be anything."""
        rest = b"".join(data for way, data in self._undecoded if way is direction)
        size = len(rest)
        if isinstance(self._layer, Http1Layer) and not self._broken:
            size = self._layer.unfinished(direction)
        if size:
            info = {"error": "the connection ended within a message"}
            self.teller.tell(direction, "raw", "undecodable", size=size, info=info)

    def acted(
        self,
        fault: str,
        direction: Direction,
        kind: str,
        now: float,
        info: dict[str, Any] | None = None,
    ) -> None:
        """A fault changed what is delivered."""
        self.teller.now = now
        self.teller.tell(direction, "conn", kind, info=info, fault=fault)

    def _find_layer(self) -> None:
        """The client speaks first in both protocols, but its peer may be quicker."""
        if self._joined_late:
            self._find_late_layer()
            return
        up = b"".join(d for way, d in self._undecoded if way is Direction.UP)
        may_be_http2 = len(up) < len(PREFACE) and PREFACE.startswith(up)
        waiting = sum(len(data) for _, data in self._undecoded)
        if may_be_http2 and waiting < _MAX_UNDECODED:
            return
        is_http2 = up.startswith(PREFACE)
        teller = self.teller
        self._begin(Http2Layer(teller) if is_http2 else Http1Layer(teller))

    def _find_late_layer(self) -> None:
        """In the middle of a connection only the begin of a message is a place to start."""
        direction, data = self._undecoded[-1]
        if _HTTP1.match(data):
            self._undecoded = self._undecoded[-1:]
            self._begin(Http1Layer(self.teller))
            return
        self._undecoded.clear()
        self.teller.chunks.give_up(direction)
        info = {"reason": "began before the trace"}
        self._tell_raw(direction, "skipped", data, info)

    def _begin(self, layer: Layer) -> None:
        self._layer = layer
        undecoded, self._undecoded = self._undecoded, []
        for direction, data in undecoded:
            if not self._broken:
                self._decode(direction, data)

    def _decode(self, direction: Direction, data: bytes | memoryview) -> None:
        try:
            if self._layer is not None:
                self._layer.feed(direction, data)
        except RemoteProtocolError as err:
            self._broken = True
            layer = self._layer
            self._hidden = isinstance(layer, Http1Layer) and layer.held_secrets
            self._tell_raw(direction, "undecodable", bytes(data), self._shown(err))
            for way in Direction:
                if self._hides:
                    self.teller.chunks.give_up(way)
                self.teller.chunks.scrub(way)

    @property
    def _hides(self) -> bool:
        return self._hidden and not self.teller.settings.secrets

    def _shown(self, error: RemoteProtocolError) -> dict[str, Any]:
        """What is wrong; it may quote what came."""
        text = str(error)
        if self._hides:
            text = re.sub(r"['\"].*", MASK, text, flags=re.DOTALL)
        elif not self.teller.settings.secrets:
            text = scrub(text.encode(errors="replace")).decode()
        return {"error": text}

    def _tell_raw(
        self, direction: Direction, kind: str, data: bytes, info: dict[str, Any]
    ) -> None:
        shown: bytes | None = data
        if self._hides:
            shown = None
        elif not self.teller.settings.secrets:
            shown = scrub(data)
        self.teller.tell(
            direction, "raw", kind, size=len(data), payload=shown, info=info
        )


class PodLayer:
    """A connection that was forwarded into a pod: what it carries is the user's."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by."""
        self._teller.tell(
            direction, "portforward", "data", size=len(data), payload=data
        )

    def eof(self, direction: Direction) -> None:
        """Told by the connection itself."""

    def settled(self, direction: Direction) -> bool:
        """There is nothing that is looked for."""
        return True
