"""What went over the connections of one hop, byte for byte: what a replay plays.

Made of events of layer `bytes`, which a trace has when it was made with `bytes=all`.
Secrets in them are painted over with as many `*`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from traces.vantage import witnesses
from wire.errors import RemoteProtocolError
from wire.http1 import BodyReader, HeadReader, RequestHead, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from traces.events import Event
    from traces.sessions import Session

__all__ = [
    "Chunk",
    "Exchange",
    "Recorded",
    "RecordingError",
    "exchanges_of",
    "recorded",
    "recorded_with_others",
]


class RecordingError(Exception):
    """The trace does not hold what a replay needs; the text says what."""


class Chunk(NamedTuple):
    """Something that happened on a connection at Unix time `wall`."""

    kind: Literal["open", "up", "down", "up eof", "down eof", "close"]
    data: bytes
    wall: float


@dataclass(slots=True)
class Recorded:
    """One connection."""

    name: str
    hop: str
    chunks: list[Chunk] = field(default_factory=list)


@dataclass(slots=True)
class Exchange:
    """A request, and what was answered.

    Args:
        asked: the bytes of the request, in the pieces they came in.
        answer: the bytes of the answer, head included, in the pieces they came in.
        after: what followed a switch of protocols, of both directions; None without.
    """

    request: RequestHead
    asked: list[Chunk]
    response: ResponseHead | None
    answer: list[Chunk]
    after: list[Chunk] | None = None

    @property
    def switched(self) -> float:
        """Unix time of the answer's last piece; 0 without an answer."""
        return self.answer[-1].wall if self.answer else 0.0

    @property
    def chunks(self) -> list[Chunk]:
        """All of it, as a connection that had nothing else."""
        opened = Chunk("open", b"", self.asked[0].wall)
        return [opened, *self.asked, *self.answer, *(self.after or ())]


def recorded(events: Iterable[Event], hop: str) -> list[Recorded]:
    """The connections of a hop in the order in which they were opened.

    Raises:
        RecordingError: the bytes of none were recorded.
    """
    events = [event for event in events if event.hop == hop and _matters(event)]
    taken = witnesses(events)
    with_bytes = {event.conn for event in events if event.layer == "bytes"}
    found: dict[str, Recorded] = {}
    for event in sorted(events, key=lambda event: event.seq):
        if event.conn not in with_bytes or taken[event.conn] != event.conn:
            continue
        one = found.setdefault(event.conn, Recorded(event.conn, hop))
        if not one.chunks:
            one.chunks.append(Chunk("open", b"", event.wall))
        chunk = _chunk(event)
        if chunk is not None:
            one.chunks.append(chunk)
    if not found:
        raise RecordingError(
            f"the trace holds no bytes of {hop}: "
            "record it with `mini-kube trace on --bytes all`"
        )
    return list(found.values())


def recorded_with_others(session: Session, hop: str) -> list[Recorded]:
    """The connections of a session, then the others of the same hop and trace.

    Raises:
        RecordingError: the bytes of the session's own were not recorded.
    """
    own = recorded(session.connection_events(), hop)
    others = session.other_connection_events(hop)
    has_bytes = any(event.layer == "bytes" for event in others)
    return own + (recorded(others, hop) if has_bytes else [])


def exchanges_of(connection: Recorded) -> list[Exchange]:
    """The requests of an HTTP/1.1 connection with their answers, in order.

    Raises:
        RecordingError: what was recorded is no HTTP/1.1, or does not begin with it.
    """
    try:
        return list(_Exchanges(connection))
    except RemoteProtocolError as err:
        raise RecordingError(f"{connection.name} is not HTTP/1.1: {err}") from err


def _matters(event: Event) -> bool:
    return event.layer == "bytes" or (
        event.layer == "conn" and event.type in ("open", "eof", "close")
    )


def _chunk(event: Event) -> Chunk | None:
    if event.layer == "bytes":
        return Chunk(
            "up" if event.dir == "up" else "down", event.payload or b"", event.wall
        )
    if event.type == "eof":
        return Chunk("up eof" if event.dir == "up" else "down eof", b"", event.wall)
    return Chunk("close", b"", event.wall) if event.type == "close" else None


class _Lane:
    """The bytes of one direction, taken from the front."""

    def __init__(self, connection: Recorded, kind: str) -> None:
        self._chunks = [chunk for chunk in connection.chunks if chunk.kind == kind]

    @property
    def data(self) -> bytes:
        """All that is left."""
        return b"".join(chunk.data for chunk in self._chunks)

    def take(self, size: int) -> list[Chunk]:
        """The next bytes, in the pieces they came in."""
        taken: list[Chunk] = []
        while size > 0 and self._chunks:
            chunk = self._chunks.pop(0)
            if len(chunk.data) > size:
                self._chunks.insert(0, chunk._replace(data=chunk.data[size:]))
                chunk = chunk._replace(data=chunk.data[:size])
            size -= len(chunk.data)
            taken.append(chunk)
        return taken


class _Exchanges:
    """Walks a connection request by request."""

    def __init__(self, connection: Recorded) -> None:
        self._connection = connection
        self._up = _Lane(connection, "up")
        self._down = _Lane(connection, "down")

    def __iter__(self) -> Iterator[Exchange]:
        while (found := self._request()) is not None:
            request, asked = found
            response, answer = self._answer(request)
            exchange = Exchange(request, asked, response, answer)
            if response is not None and response.status == 101:
                exchange.after = self._after(exchange.switched)
            yield exchange
            if response is None or exchange.after is not None:
                return

    def _request(self) -> tuple[RequestHead, list[Chunk]] | None:
        data = self._up.data
        reader = HeadReader("request")
        head = reader.receive_data(data)
        if not isinstance(head, RequestHead):
            return None
        body, rest = BodyReader.for_request(head), reader.leftover
        if not body.complete:
            body.receive_data(rest)
            rest = body.leftover
        return head, self._up.take(len(data) - len(rest))

    def _answer(self, request: RequestHead) -> tuple[ResponseHead | None, list[Chunk]]:
        """The final head, and all bytes of the answer with what was before it."""
        data = self._down.data
        rest = data
        while True:
            reader = HeadReader("response")
            head = reader.receive_data(rest)
            if not isinstance(head, ResponseHead):
                return None, self._down.take(len(data))
            rest = reader.leftover
            # RFC 9110 15.2: interim answers come before the final one
            if head.status == 101 or head.status >= 200:
                break
        if head.status != 101:
            body = BodyReader.for_response(request.method, head)
            if not body.complete:
                body.receive_data(rest)
                rest = body.leftover if body.complete else b""
        return head, self._down.take(len(data) - len(rest))

    def _after(self, switched: float) -> list[Chunk]:
        """What both sides said after the switch, by time, and how it ended."""
        ends = [c for c in self._connection.chunks if c.kind.endswith(("eof", "close"))]
        rest = [lane.take(len(lane.data)) for lane in (self._up, self._down)]
        # what one side said in the moment of the switch comes after it
        return sorted(
            (chunk for chunks in (*rest, ends) for chunk in chunks),
            key=lambda chunk: max(chunk.wall, switched),
        )
