"""Fills in what all events of a connection share, and shows payloads as far as wanted."""

from __future__ import annotations

import binascii
import hashlib
from typing import TYPE_CHECKING, Any

from hops.clock import ahead
from hops.taps.chunk_log import ChunkLog
from hops.trace import TraceEvent

if TYPE_CHECKING:
    from hops.hop import Hop
    from hops.pipe import Direction
    from hops.trace import Sink, TraceSettings

__all__ = ["Teller"]


class Teller:
    """Who the layers of one connection tell.

    Attributes:
        now: the time of what is told next, monotonic seconds.
        trace: the session of what is told next, or None.
        muted: nobody listens; the layers only keep up.
        late: what is told went by before somebody listened.
        chunks: the bytes themselves, when they are wanted.
    """

    def __init__(self, sink: Sink, hop: Hop, conn: str) -> None:
        self._sink = sink
        self._hop = str(hop)
        self._conn = conn
        self.now = 0.0
        self.trace: str | None = None
        self.muted = False
        self.late = False
        self.chunks = ChunkLog(self._tell_chunk)

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
        payload: bytes | memoryview | None = None,
        info: dict[str, Any] | None = None,
        trace: str | None = None,
        fault: str | None = None,
    ) -> None:
        """Emit one event.

        Args:
            size: of the whole payload.
            payload: its first bytes at least, or none when they must not be seen.
        """
        if self.muted:
            return
        data = digest = None
        if payload:
            settings = self._sink.settings
            shown = payload[: settings.data_bytes]
            data = binascii.b2a_base64(shown, newline=False).decode("ascii")
            if settings.hashes and len(shown) < size == len(payload):
                digest = hashlib.sha256(payload).hexdigest()
        if self.late:
            info = (info or {}) | {"late": True}
        self._sink.emit(
            TraceEvent(
                self.now - ahead(),  # the real time, whatever the service's clock says
                self._hop,
                self._conn,
                "" if direction is None else str.__str__(direction),
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

    def _tell_chunk(self, direction: Direction, data: bytes, when: float) -> None:
        now, self.now = self.now, when
        self.tell(direction, "bytes", "chunk", size=len(data), payload=data)
        self.now = now
