"""Requests and answers of HTTP/1.1, and what they switch to."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from hops.pipe import Direction
from hops.session import HEADER, TraceParent, from_token
from hops.taps.masks import (
    holds_secrets,
    mask_headers,
    mask_target,
    secret_spans,
    streaming_token,
    trailer_spans,
)
from hops.taps.upgraded import upgraded_layer
from wire.errors import RemoteProtocolError
from wire.http1 import (
    LAST_CHUNK,
    BodyReader,
    HeadReader,
    RequestHead,
    ResponseHead,
    get_header,
    is_upgrade,
)

if TYPE_CHECKING:
    from hops.pipe import Past
    from hops.taps.layer import Layer
    from hops.taps.teller import Teller

__all__ = ["Http1Layer"]

_MAX_HELD = 1 << 20

# kubelet server.go; the `log` subresource of the API server
_LOGS = re.compile(r"^/containerLogs/|^/api/v1/namespaces/[^/]+/pods/[^/]+/log(?:\?|$)")


class _Lane:
    """One direction: a head, its body, the next head."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.head = self._new_head()
        self.body: BodyReader | None = None
        self.secret = False  # the body must not be seen
        self.logs = False  # the body is what a container wrote

    @property
    def head_bytes(self) -> int:
        """How much of a head has come that is not whole."""
        return self.head.pending if self.body is None else 0

    def _new_head(self) -> HeadReader:
        return HeadReader("request" if self._kind == "request" else "response")

    def next_head(self) -> None:
        self.head, self.body = self._new_head(), None
        self.secret = self.logs = False


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

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are not HTTP/1."""
        if self._next is not None:
            self._next.feed(direction, data)
        else:
            self._feed_own(direction, bytes(data))

    def _feed_own(self, direction: Direction, data: bytes) -> None:
        while data:
            if self._next is not None:
                self._next.feed(direction, data)
                return
            if direction is Direction.UP and self._upgrade is not None:
                self._held.append(data)
                if sum(map(len, self._held)) > _MAX_HELD:
                    raise RemoteProtocolError("an upgrade that nobody answers")
                return
            data = self._feed_lane(direction, data)

    def eof(self, direction: Direction) -> None:
        """One direction ended."""
        if self._next is not None:
            self._next.eof(direction)

    def settled(self, direction: Direction) -> bool:
        """Whether no head, and no trailer, is half there."""
        if self._next is not None:
            return self._next.settled(direction)
        lane = self._lanes[direction]
        if lane.body is not None:
            return lane.body.trailer is None
        return lane.head.empty

    @property
    def held_secrets(self) -> bool:
        """Whether the last request was one for Secrets, or had any in its body."""
        return any(lane.secret for lane in self._lanes.values()) or (
            bool(self._waiting) and holds_secrets(self._waiting[-1].target)
        )

    def unfinished(self, direction: Direction) -> int:
        """Bytes of a head that is not whole, or of what waits for an answer."""
        if self._next is not None:
            return 0
        held = sum(map(len, self._held)) if direction is Direction.UP else 0
        return held + self._lanes[direction].head_bytes

    def under_way(self, past: Past) -> bool:
        """Whether an exchange whose heads were fed was not over when `past` ended."""
        if self._next is not None or self._waiting:
            return True
        body = self._lanes[Direction.DOWN].body
        if body is None:
            return False
        if body.until_close:
            return True
        if body.remaining is None:  # in chunks
            return past.last != LAST_CHUNK
        return body.remaining > past.since

    def join_late(self) -> None:
        """Heads were recalled; what went by between them and now is not known."""
        join = getattr(self._next, "join_late", None)
        if join is not None:
            join()
        for lane in self._lanes.values():
            if lane.body is not None:
                # How much of it is left nobody knows: until the other side speaks.
                lane.body = _UnframedBody(None)

    def _feed_lane(self, direction: Direction, data: bytes) -> bytes:
        """Take what belongs to the head or body under way; answers the rest."""
        lane = self._lanes[direction]
        if lane.body is not None:
            return self._feed_body(direction, lane, lane.body, data)
        head = lane.head.receive_data(data)
        if head is None:
            return b""
        rest = lane.head.leftover
        if self._teller.chunks.waiting and not self._teller.settings.secrets:
            spans = secret_spans(head.raw)
            self._teller.chunks.conceal_spans(direction, head.raw, spans)
        if isinstance(head, RequestHead):
            self._on_request(lane, head)
        else:
            self._on_response(lane, head)
        return rest

    def _feed_body(
        self, direction: Direction, lane: _Lane, body: BodyReader, data: bytes
    ) -> bytes:
        pieces = body.receive_data(data)
        if pieces:
            if lane.secret and not self._teller.settings.secrets:
                behind = len(body.leftover)
                region = len(data) - behind
                chunks = self._teller.chunks
                chunks.conceal_pieces(direction, region, behind, pieces)
            self._tell_body(direction, lane, pieces)
        if not body.complete:
            return b""
        if body.trailer and not self._teller.settings.secrets:
            chunks, spans = self._teller.chunks, trailer_spans(body.trailer)
            chunks.conceal_spans(direction, body.trailer, spans)
        if lane.logs:
            self._teller.tell(direction, "crilog", "end", stream=self._answered)
        lane.next_head()
        return body.leftover

    def _tell_body(
        self, direction: Direction, lane: _Lane, pieces: list[bytes]
    ) -> None:
        number = self._sent if direction is Direction.UP else self._answered
        whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        shown: bytes | None = whole
        if lane.secret and not self._teller.settings.secrets:
            shown = None
        self._teller.tell(
            direction, "http1", "body", stream=number, size=len(whole), payload=shown
        )
        if lane.logs:
            info = {"lines": whole.count(b"\n"), "whole": whole.endswith(b"\n")}
            self._teller.tell(
                direction,
                "crilog",
                "lines",
                stream=number,
                size=len(whole),
                payload=shown,
                info=info,
            )

    def _on_request(self, lane: _Lane, head: RequestHead) -> None:
        self._end_unframed(Direction.DOWN)
        self._sent += 1
        self._waiting.append(head)
        session = TraceParent.parse(get_header(head.headers, HEADER))
        token = streaming_token(head.target)
        if session is None and token is not None:
            session = from_token(token)
        # A kept connection serves one session after the other.
        self._teller.trace = session.trace_id if session is not None else None
        unmasked = self._teller.settings.secrets
        info = {
            "method": head.method,
            "target": head.target if unmasked else mask_target(head.target),
            "headers": self._headers(head.headers),
        }
        self._teller.tell(
            Direction.UP,
            "http1",
            "request",
            stream=self._sent,
            size=len(head.raw),
            info=info,
        )
        lane.next_head()
        lane.secret = holds_secrets(head.target)
        _start_body(lane, BodyReader.for_request(head))
        wants_upgrade = get_header(head.headers, "upgrade") is not None
        if wants_upgrade and is_upgrade(head.headers) and lane.body is None:
            self._upgrade = head  # what follows depends on the answer

    def _headers(self, headers: list[tuple[str, str]]) -> list[list[str]]:
        if self._teller.settings.secrets:
            return [[name, value] for name, value in headers]
        return mask_headers(headers)

    def _end_unframed(self, direction: Direction) -> None:
        lane = self._lanes[direction]
        if isinstance(lane.body, _UnframedBody):
            lane.next_head()

    def _on_response(self, lane: _Lane, head: ResponseHead) -> None:
        self._end_unframed(Direction.UP)
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
                "headers": self._headers(head.headers),
            },
        )
        lane.next_head()
        if head.status == 101:
            self._switch(head, request)
        elif final:
            method = request.method if request is not None else "GET"
            target = request.target if request is not None else ""
            lane.secret = holds_secrets(target)
            lane.logs = head.status == 200 and _LOGS.match(target) is not None
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


class _UnframedBody(BodyReader):
    """A body that is seen from its middle: bytes as they come, chunk sizes and all."""


def _start_body(lane: _Lane, body: BodyReader) -> None:
    if not body.complete:
        lane.body = body
