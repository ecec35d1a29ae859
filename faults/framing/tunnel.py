"""SPDY inside the messages of a WebSocket connection (portforward.md, the tunnel).

A SPDY frame whose bytes are those of whole WebSocket frames goes on in these, as they
came. Any other, and each that was changed or made, gets a WebSocket frame of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from faults.framing.frame import Frame
from faults.framing.spdy import SpdyDecoder, SpdyFrame
from faults.framing.websocket import WebSocketDecoder, WebSocketFrame
from hops.pipe import Direction
from wire.spdy.middle import FrameFinder, is_whole
from wire.websocket import Opcode, apply_mask, frame_header

__all__ = ["TunnelDecoder"]


@dataclass(slots=True, eq=False, kw_only=True)
class TunnelledFrame(Frame):
    """A SPDY frame in WebSocket frames.

    Attributes:
        inner: the SPDY frame; it is what a fault changes.
        wrapped: the WebSocket frames it came in, when it filled them.
        mask: of the sender's last WebSocket frame; None: it does not mask.
    """

    inner: SpdyFrame
    wrapped: bytes | None = None
    mask: bytes | None = None

    @property
    def data(self) -> bytes | None:
        return self.inner.data

    @data.setter
    def data(self, value: bytes) -> None:
        self.inner.data = value

    def encode(self) -> bytes:
        content = self.inner.encode()
        if self.wrapped is not None and content == self.inner.raw:
            return self.wrapped
        header = frame_header(Opcode.BINARY, len(content), mask=self.mask)
        return header + (
            content if self.mask is None else apply_mask(content, self.mask)
        )

    def changed(self) -> None:
        self.inner.changed()

    def copy(self) -> TunnelledFrame:
        return _wrap(self.inner.copy(), None, self.mask)

    def other(self, *arguments: object) -> TunnelledFrame:
        """See `SpdyFrame.other`."""
        return _wrap(self.inner.other(*arguments), None, self.mask)  # type: ignore[arg-type]


def _wrap(
    inner: SpdyFrame, wrapped: bytes | None, mask: bytes | None
) -> TunnelledFrame:
    return TunnelledFrame(
        direction=inner.direction,
        kinds={**inner.kinds},
        raw=inner.raw,
        request=inner.request,
        channel=inner.channel,
        name=inner.name,
        inner=inner,
        wrapped=wrapped,
        mask=mask,
    )


class _Lane:
    def __init__(self) -> None:
        self.carried = bytearray()  # WebSocket frames since the last SPDY frame's end
        self.aligned = True  # the SPDY frame under way began with a WebSocket frame
        self.behind: list[Frame] = []  # control frames amid what is carried


class TunnelDecoder:
    """Both directions of a port-forward tunnel.

    Args:
        late: messages went by already; those until a frame begins go on as they are.
    """

    def __init__(self, *, late: bool = False) -> None:
        self._outer = WebSocketDecoder("", is_command=False)
        self._inner = SpdyDecoder(late=late)
        self._lanes = {way: _Lane() for way in Direction}
        self._finders = {way: FrameFinder() for way in Direction} if late else {}

    @property
    def rewriting(self) -> bool:
        """See `Decoder`."""
        return self._inner.rewriting

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        outers: list[Frame] = []
        try:
            self._outer.receive(direction, data, outers)
        finally:
            for outer in outers:
                assert isinstance(outer, WebSocketFrame)  # noqa: S101 - no others
                lane = self._lanes[direction]
                if outer.opcode < Opcode.CLOSE and self._found(outer):
                    self._unwrap(direction, outer, out)
                elif lane.carried:
                    # What came first is still held, and must not be overtaken.
                    lane.behind.append(outer)
                else:
                    out.append(outer)

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        return []

    def _found(self, outer: WebSocketFrame) -> bool:
        """Whether what a message carries can be read; else perhaps that of the next."""
        finder = self._finders.get(outer.direction)
        if finder is None:
            return True
        whole = is_whole(outer.payload)
        if whole or finder.receive(outer.payload):
            del self._finders[outer.direction]
        if not whole:
            outer.kinds.clear()  # a part of what cannot be told
        return whole

    def _unwrap(
        self, direction: Direction, outer: WebSocketFrame, out: list[Frame]
    ) -> None:
        lane = self._lanes[direction]
        lane.carried += outer.raw or b""
        inner: list[Frame] = []
        self._inner.receive(direction, outer.payload, inner)
        cut = [frame for frame in inner if isinstance(frame, SpdyFrame)]
        if not cut:
            return
        size = len(lane.carried)
        ended = not self._inner.inside(direction)
        whole = len(cut) == 1 and lane.aligned and ended
        wrapped = bytes(lane.carried) if whole else None
        lane.carried.clear()
        lane.aligned = ended
        for frame in cut:
            made = _wrap(frame, wrapped, outer.mask)
            # All that the WebSocket frames took is counted for the first.
            made.size, size = size, 0
            out.append(made)
        out += lane.behind
        lane.behind.clear()
