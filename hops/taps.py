"""Decode what goes by on a connection, layer by layer, and tell it as trace events.

    bytes -> http1 -> (101) websocket -> channel -> remotecommand
                            spdy
    bytes -> http2 -> grpc

A `ConnectionTap` finds out which it is and hands on to the next layer. What cannot be
decoded is told as `raw` and passed by: a tap never disturbs the traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hops.pipe import Direction
from hops.taps_http1 import Http1Layer
from hops.taps_http2 import Http2Layer
from hops.trace import Sink, TraceEvent, preview
from wire.errors import RemoteProtocolError
from wire.http2 import PREFACE

if TYPE_CHECKING:
    from hops.hop import Hop
    from hops.trace import TraceSettings

__all__ = ["ConnectionTap", "Layer", "Teller"]


class Layer(Protocol):
    """A decoder of both directions of a connection."""

    def feed(self, direction: Direction, data: bytes) -> None:
        """Bytes went by. May raise RemoteProtocolError: then nothing more is fed."""

    def eof(self, direction: Direction) -> None:
        """One direction ended."""


class Teller:
    """Fills in what all events of a connection share."""

    def __init__(self, sink: Sink, hop: Hop, conn: str) -> None:
        self._sink = sink
        self._hop = str(hop)
        self._conn = conn
        self.now = 0.0
        self.trace: str | None = None

    @property
    def settings(self) -> TraceSettings:
        """What the sink wants to see."""
        return self._sink.settings

    def tell(
        self,
        direction: Direction | None,
        layer: str,
        kind: str,
        *,
        stream: int | None = None,
        channel: int | None = None,
        size: int = 0,
        payload: bytes | None = None,
        info: dict[str, Any] | None = None,
        trace: str | None = None,
        fault: str | None = None,
    ) -> None:
        """Emit one event. A `payload` is shown as far as the sink wants to see it."""
        data = digest = None
        if payload:
            data, digest = preview(payload, self._sink.settings)
        self._sink.emit(
            TraceEvent(
                self.now,
                self._hop,
                self._conn,
                str(direction) if direction else "",
                layer,
                kind,
                stream,
                size,
                info or {},
                trace or self.trace,
                fault,
                channel,
                data,
                digest,
            )
        )


class ConnectionTap:
    """The Tap of one connection (see `hops.pipe.Tap`)."""

    def __init__(self, sink: Sink, hop: Hop, conn: str) -> None:
        self.teller = Teller(sink, hop, conn)
        self._layer: Layer | None = None
        self._undecoded: list[tuple[Direction, bytes]] = []
        self._broken = False
        self._sizes = dict.fromkeys(Direction, 0)

    def connected(self, facts: dict[str, Any], now: float) -> None:
        """The connection stands."""
        self.teller.now = now
        told = dict(facts)
        tls = told.pop("tls", None)
        self.teller.tell(None, "conn", "open", info=told)
        if tls is not None:
            self.teller.tell(None, "tls", "established", info=tls)

    def bind_session(self, trace_id: str) -> None:
        """From now on events belong to this session."""
        self.teller.trace = trace_id
        self.teller.tell(None, "conn", "session")

    def feed(self, direction: Direction, data: bytes, now: float) -> None:
        """Bytes went by."""
        self.teller.now = now
        self._sizes[direction] += len(data)
        if self.teller.settings.all_bytes:
            self.teller.tell(direction, "bytes", "chunk", size=len(data), payload=data)
        if self._broken:
            self.teller.tell(direction, "raw", "data", size=len(data), payload=data)
            return
        if self._layer is None:
            self._undecoded.append((direction, data))
            self._find_layer()
            return
        self._decode(direction, data)

    def eof(self, direction: Direction, now: float) -> None:
        """One direction ended."""
        self.teller.now = now
        if self._layer is not None and not self._broken:
            self._layer.eof(direction)
        self.teller.tell(direction, "conn", "eof")

    def lost(self, reason: str, now: float) -> None:
        """The connection is gone."""
        self.teller.now = now
        info: dict[str, Any] = {str(way): size for way, size in self._sizes.items()}
        if reason:
            info["reason"] = reason
        self.teller.tell(None, "conn", "close", info=info)

    def acted(self, fault: str, direction: Direction, kind: str, now: float) -> None:
        """A fault changed what is delivered."""
        self.teller.now = now
        self.teller.tell(direction, "conn", kind, fault=fault)

    def _find_layer(self) -> None:
        """The client speaks first in both protocols, but its peer may be quicker."""
        up = b"".join(d for way, d in self._undecoded if way is Direction.UP)
        if PREFACE.startswith(up[: len(PREFACE)]) and len(up) < len(PREFACE):
            return
        is_http2 = up.startswith(PREFACE)
        teller = self.teller
        self._layer = Http2Layer(teller) if is_http2 else Http1Layer(teller)
        undecoded, self._undecoded = self._undecoded, []
        for direction, data in undecoded:
            if not self._broken:
                self._decode(direction, data)

    def _decode(self, direction: Direction, data: bytes) -> None:
        try:
            if self._layer is not None:
                self._layer.feed(direction, data)
        except RemoteProtocolError as err:
            self._broken = True
            info = {"error": str(err)}
            self.teller.tell(direction, "raw", "undecodable", size=len(data), info=info)
