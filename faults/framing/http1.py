"""HTTP/1.1 as frames: heads, pieces of bodies, and what a connection switches to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faults.framing.frame import Body, Decoder, Frame
from faults.framing.upgraded import upgraded
from faults.selectors import RequestFacts, request_facts
from hops.pipe import Direction
from wire.http1 import (
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    encode_request_head,
    encode_response_head,
    get_header,
    is_upgrade,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Http1Decoder", "RequestFrame", "ResponseFrame"]


@dataclass(slots=True, eq=False, kw_only=True)
class RequestFrame(Frame):
    """A request's head."""

    head: RequestHead
    decoder: Http1Decoder | None = None

    def encode(self) -> bytes:
        return encode_request_head(self.head) if self.raw is None else self.raw

    def copy(self) -> Frame:
        return RequestFrame(
            direction=self.direction,
            kinds=self.kinds,
            raw=self.raw,
            request=self.request,
            head=self.head,
        )


@dataclass(slots=True, eq=False, kw_only=True)
class ResponseFrame(Frame):
    """An answer's head."""

    head: ResponseHead

    def encode(self) -> bytes:
        return encode_response_head(self.head) if self.raw is None else self.raw

    def copy(self) -> Frame:
        return ResponseFrame(
            direction=self.direction,
            kinds=self.kinds,
            raw=self.raw,
            request=self.request,
            head=self.head,
        )


class _Lane:
    """One direction: a head, its body, the next head; `held` is not cut yet."""

    def __init__(self, new_head: Callable[[], HeadReader]) -> None:
        self._new_head = new_head
        self.reader = new_head()
        self.body: BodyReader | None = None
        self.held = bytearray()  # of a head that is not whole
        self.request: RequestFacts | None = None

    def next_head(self) -> None:
        self.reader, self.body = self._new_head(), None
        self.held.clear()


class Http1Decoder:
    """Requests up, answers down; after a 101 the frames of the next protocol.

    A client's bytes behind a request that asks for an upgrade are held until the answer
    says whose they are.
    """

    def __init__(self) -> None:
        self._lanes = {
            Direction.UP: _Lane(lambda: HeadReader("request")),
            Direction.DOWN: _Lane(lambda: HeadReader("response")),
        }
        self._waiting: deque[tuple[RequestHead, RequestFacts]] = deque()
        self._upgrading: RequestFacts | None = None
        self._behind = bytearray()  # the upgrade
        self._released: list[Frame] = []
        self._next: Decoder | None = None
        self._request: RequestFacts | None = None

    @property
    def request(self) -> RequestFacts | None:
        """The last request."""
        return self._request

    @property
    def outstanding(self) -> int:
        """How many requests wait for their answer."""
        return len(self._waiting)

    @property
    def rewriting(self) -> bool:
        """See `Decoder`."""
        return self._next is not None and self._next.rewriting

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        while data:
            if self._next is not None:
                self._above(direction, data, out)
                return
            if direction is Direction.UP and self._upgrading is not None:
                self._behind += data
                return
            data = self._step(direction, data, out)

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        released, self._released = self._released, []
        if self._next is not None:
            released += self._next.released()
        return released

    def recall(self, request: RequestHead, response: ResponseHead) -> RequestFacts:
        """Go on behind an upgrade that was granted before."""
        facts = request_facts(request.method, request.target, request.headers)
        self._request = facts
        self._next = upgraded(response, facts.path, late=True)
        return facts

    def swallow(self, request: RequestFacts | None) -> bool:
        """Forget the last request: no answer to it will come.

        Answers whether bytes behind it are forgotten too.
        """
        if self._waiting and self._waiting[-1][1] is request:
            self._waiting.pop()
        if self._upgrading is not request:
            return False
        self._upgrading = None
        self._behind.clear()
        return True

    def _above(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        assert self._next is not None  # noqa: S101 - the callers look
        before = len(out)
        try:
            self._next.receive(direction, data, out)
        finally:
            for frame in out[before:]:
                frame.request = self._request

    def _step(self, direction: Direction, data: bytes, frames: list[Frame]) -> bytes:
        lane = self._lanes[direction]
        if lane.body is not None:
            return self._read_body(direction, lane, lane.body, data, frames)
        lane.held += data
        head = lane.reader.receive_data(data)
        if head is None:
            return b""
        rest = lane.reader.leftover
        # Empty lines before a head are passed on with it.
        raw = bytes(lane.held[: len(lane.held) - len(rest)])
        lane.next_head()
        if isinstance(head, RequestHead):
            frames.append(self._on_request(lane, head, raw))
        else:
            frames.append(self._on_response(lane, head, raw))
            if head.status == 101:
                self._switch(head)
            elif head.status >= 200:
                self._give_back()
        return rest

    def _read_body(
        self,
        direction: Direction,
        lane: _Lane,
        body: BodyReader,
        data: bytes,
        frames: list[Frame],
    ) -> bytes:
        body.receive_data(data)
        rest = body.leftover if body.complete else b""
        piece = data[: len(data) - len(rest)]
        if piece:
            frames.append(
                Body(
                    direction=direction,
                    kinds={"http1": "body"},
                    raw=piece,
                    request=lane.request,
                    content=piece,
                )
            )
        if body.complete:
            lane.next_head()
        return rest

    def _on_request(self, lane: _Lane, head: RequestHead, raw: bytes) -> Frame:
        facts = request_facts(head.method, head.target, head.headers)
        self._request = lane.request = facts
        self._waiting.append((head, facts))
        body = BodyReader.for_request(head)
        if not body.complete:
            lane.body = body
        elif is_upgrade(head.headers) and get_header(head.headers, "upgrade"):
            self._upgrading = facts
        return RequestFrame(
            direction=Direction.UP,
            kinds={"http1": "request"},
            raw=raw,
            request=facts,
            head=head,
            decoder=self,
        )

    def _on_response(self, lane: _Lane, head: ResponseHead, raw: bytes) -> Frame:
        request = self._waiting[0] if self._waiting else None
        final = head.status == 101 or head.status >= 200
        if final and request is not None:
            self._waiting.popleft()
        lane.request = request[1] if request is not None else None
        if final and head.status != 101:
            method = request[0].method if request is not None else "GET"
            body = BodyReader.for_response(method, head)
            if not body.complete:
                lane.body = body
        return ResponseFrame(
            direction=Direction.DOWN,
            kinds={"http1": "response"},
            raw=raw,
            request=lane.request,
            head=head,
        )

    def _switch(self, head: ResponseHead) -> None:
        path = self._request.path if self._request is not None else ""
        self._next = upgraded(head, path)
        self._give_back()

    def _give_back(self) -> None:
        """The answer is known: what was held belongs to the next protocol or request."""
        self._upgrading = None
        behind = bytes(self._behind)
        self._behind.clear()
        if behind:
            self.receive(Direction.UP, behind, self._released)
