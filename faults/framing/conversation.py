"""All layers of one connection as frames, whatever it turns out to speak.

What cannot be read is passed on as it is, from there on. A connection that is looked at
only from its middle on is read from the next HTTP/1 request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from faults.framing.frame import Decoder, Frame, Opaque
from faults.framing.http1 import Http1Decoder
from faults.framing.http2 import Http2Decoder
from faults.framing.late import MovingDecoder, first_call
from hops.pipe import Direction
from wire.errors import RemoteProtocolError
from wire.http1 import HeadReader, RequestHead, ResponseHead
from wire.http2 import PREFACE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faults.selectors import RequestFacts

__all__ = ["Conversation"]

_REQUEST_LINE = re.compile(rb"[A-Z]+ \S+ HTTP/1\.[01]\r?\n")


class Conversation:
    """Cuts both directions of a connection into frames.

    Args:
        late: bytes have gone by already.

    Attributes:
        is_http2: known once the client has spoken.
    """

    def __init__(self, *, late: bool = False) -> None:
        self._late = late
        self._decoder: Decoder | None = None
        self._blind = False
        self._held = {way: bytearray() for way in Direction}  # not in a frame yet
        self._released: list[Frame] = []
        self.is_http2 = False

    @property
    def http1(self) -> Http1Decoder | None:
        """The decoder of HTTP/1, when that is what it speaks."""
        return self._decoder if isinstance(self._decoder, Http1Decoder) else None

    @property
    def http2(self) -> Http2Decoder | None:
        """The decoder of HTTP/2, when that is what it speaks."""
        return self._decoder if isinstance(self._decoder, Http2Decoder) else None

    @property
    def untouched(self) -> bool:
        """Whether it holds nothing, and later bytes may go by without it."""
        rewriting = self._decoder is not None and self._decoder.rewriting
        return not rewriting and not any(self._held.values()) and not self._released

    @property
    def known(self) -> bool:
        """Whether it is known what the connection speaks, and it can be read."""
        return self._decoder is not None

    @property
    def request(self) -> RequestFacts | None:
        """The request under way on HTTP/1."""
        return self.http1.request if self.http1 is not None else None

    def recall(self, heads: Mapping[Direction, bytes]) -> RequestFacts | None:
        """Make use of heads that went by before: of an upgrade, both are needed.

        Answers the request, when the connection is read from now on.
        """
        try:
            request = HeadReader("request").receive_data(heads.get(Direction.UP, b""))
            answer = HeadReader("response").receive_data(heads.get(Direction.DOWN, b""))
        except RemoteProtocolError:
            return None
        if not isinstance(request, RequestHead) or not isinstance(answer, ResponseHead):
            return None
        if answer.status != 101:
            return None
        decoder = Http1Decoder()
        self._decoder = decoder
        return decoder.recall(request, answer)

    def receive(self, direction: Direction, data: bytes) -> list[Frame]:
        """The frames of this direction that are whole now."""
        if self._blind:
            return [self._opaque(direction, data)]
        self._held[direction] += data
        if self._decoder is None:
            return self._find(direction, data)
        return self._decode(direction, data)

    def rest(self, direction: Direction) -> list[Frame]:
        """What is held of this direction, at its end."""
        held = bytes(self._held[direction])
        self._held[direction].clear()
        return [self._opaque(direction, held)] if held else []

    def released(self) -> list[Frame]:
        """Frames of the other direction that the last call has set free."""
        released, self._released = self._released, []
        if self._decoder is not None:
            released += self._count(self._decoder.released())
        return released

    def swallow(self, request: RequestFacts | None) -> None:
        """The last HTTP/1 request is answered by somebody else."""
        if self.http1 is not None and self.http1.swallow(request):
            self._held[Direction.UP].clear()

    def _find(self, direction: Direction, data: bytes) -> list[Frame]:
        if self._late:
            return self._find_late(direction, data)
        down, up = self._held[Direction.DOWN], self._held[Direction.UP]
        if down and not up and len(down) > 3 and down[3] != 4:
            # Neither HTTP (the client speaks first) nor SETTINGS of HTTP/2.
            return self._give_up(direction)
        if not up or (
            PREFACE.startswith(up[: len(PREFACE)]) and len(up) < len(PREFACE)
        ):
            return []
        self.is_http2 = up.startswith(PREFACE)
        self._decoder = Http2Decoder() if self.is_http2 else Http1Decoder()
        frames = self._decode(direction, bytes(self._held[direction]))
        if self._held[direction.other]:
            early = bytes(self._held[direction.other])
            self._released += self._decode(direction.other, early)
        return frames

    def _find_late(self, direction: Direction, data: bytes) -> list[Frame]:
        if direction is Direction.UP and _REQUEST_LINE.match(data):
            self._decoder = Http1Decoder()
            return self._decode(direction, data)
        call = first_call(data) if direction is Direction.UP else None
        if call is not None:
            moving = MovingDecoder(call)
            self._decoder = moving
            self._released.append(moving.farewell)
            return self._decode(direction, data)
        self._held[direction].clear()
        return [self._opaque(direction, data)]

    def _decode(self, direction: Direction, data: bytes) -> list[Frame]:
        assert self._decoder is not None  # noqa: S101 - the callers look
        frames: list[Frame] = []
        try:
            self._decoder.receive(direction, data, frames)
        except RemoteProtocolError:
            return self._count(frames) + self._give_up(direction)
        return self._count(frames)

    def _count(self, frames: list[Frame]) -> list[Frame]:
        """Forget the bytes that frames are made of."""
        for frame in frames:
            del self._held[frame.direction][: frame.size]
        return frames

    def _give_up(self, direction: Direction) -> list[Frame]:
        """From now on nothing is read; what is held goes on."""
        if self._decoder is not None:
            self._released += self._count(self._decoder.released())
        self._blind = True
        self._decoder = None
        self._released += self.rest(direction.other)
        return self.rest(direction)

    def _opaque(self, direction: Direction, data: bytes) -> Frame:
        return Opaque(direction=direction, request=self.request, content=data)
