"""Requests and answers of HTTP/1.1, and what they switch to."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hops.masks import mask_headers, mask_target
from hops.pipe import Direction
from hops.session import HEADER, TraceParent
from hops.taps_upgraded import upgraded_layer
from wire.http1 import (
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    get_header,
    is_upgrade,
)

if TYPE_CHECKING:
    from hops.taps import Layer, Teller

__all__ = ["Http1Layer"]


class _Lane:
    """One direction: a head, its body, the next head."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.head = self._new_head()
        self.body: BodyReader | None = None

    def _new_head(self) -> HeadReader:
        return HeadReader("request" if self._kind == "request" else "response")

    def next_head(self) -> None:
        self.head, self.body = self._new_head(), None


class Http1Layer:
    """Events: request, response, body; requests are numbered from 1 as `stream`."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._lanes = {
            Direction.UP: _Lane("request"),
            Direction.DOWN: _Lane("response"),
        }
        self._waiting: deque[RequestHead] = deque()  # for their answers
        self._sent = 0
        self._answered = 0
        self._held: list[bytes] = []  # behind a request that wants an upgrade
        self._upgrade: RequestHead | None = None
        self._next: Layer | None = None

    def feed(self, direction: Direction, data: bytes) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are not HTTP/1."""
        while data:
            if self._next is not None:
                self._next.feed(direction, data)
                return
            if direction is Direction.UP and self._upgrade is not None:
                self._held.append(data)
                return
            data = self._feed_lane(direction, data)

    def eof(self, direction: Direction) -> None:
        """One direction ended."""
        if self._next is not None:
            self._next.eof(direction)

    def _feed_lane(self, direction: Direction, data: bytes) -> bytes:
        """Take what belongs to the head or body under way; answers the rest."""
        lane = self._lanes[direction]
        if lane.body is not None:
            return self._feed_body(direction, lane, lane.body, data)
        head = lane.head.receive_data(data)
        if head is None:
            return b""
        rest = lane.head.leftover
        if isinstance(head, RequestHead):
            self._on_request(lane, head)
        else:
            self._on_response(lane, head)
        return rest

    def _feed_body(
        self, direction: Direction, lane: _Lane, body: BodyReader, data: bytes
    ) -> bytes:
        size = sum(map(len, body.receive_data(data)))
        if size:
            number = self._sent if direction is Direction.UP else self._answered
            self._teller.tell(direction, "http1", "body", stream=number, size=size)
        if not body.complete:
            return b""
        lane.next_head()
        return body.leftover

    def _on_request(self, lane: _Lane, head: RequestHead) -> None:
        self._sent += 1
        self._waiting.append(head)
        session = TraceParent.parse(get_header(head.headers, HEADER))
        if session is not None:
            self._teller.trace = session.trace_id
        info = {
            "method": head.method,
            "target": mask_target(head.target),
            "headers": mask_headers(head.headers),
        }
        self._teller.tell(
            Direction.UP,
            "http1",
            "request",
            stream=self._sent,
            size=len(head.raw),
            info=info,
        )
        _start_body(lane, BodyReader.for_request(head))
        wants_upgrade = get_header(head.headers, "upgrade") is not None
        if wants_upgrade and is_upgrade(head.headers) and lane.body is None:
            self._upgrade = head

    def _on_response(self, lane: _Lane, head: ResponseHead) -> None:
        final = head.status == 101 or head.status >= 200
        request = self._waiting[0] if self._waiting else None
        if final and request is not None:
            self._waiting.popleft()
            self._answered += 1
        self._teller.tell(
            Direction.DOWN,
            "http1",
            "response",
            stream=self._answered,
            size=len(head.raw),
            info={
                "status": head.status,
                "reason": head.reason,
                "headers": mask_headers(head.headers),
            },
        )
        lane.next_head()
        if head.status == 101:
            self._switch(head, request)
        elif final:
            method = request.method if request is not None else "GET"
            _start_body(lane, BodyReader.for_response(method, head))
            self._give_back()

    def _switch(self, head: ResponseHead, request: RequestHead | None) -> None:
        self._next = upgraded_layer(self._teller, head, request)
        self._give_back()

    def _give_back(self) -> None:
        """The answer is known: what was held belongs to the next protocol or request."""
        if self._upgrade is None:
            return
        self._upgrade = None
        held, self._held = self._held, []
        for data in held:
            self.feed(Direction.UP, data)


def _start_body(lane: _Lane, body: BodyReader) -> None:
    lane.next_head()
    if not body.complete:
        lane.body = body
