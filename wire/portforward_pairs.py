"""Which SPDY streams belong together: an error and a data stream make a forward.

The client gives both the same `requestid`. Either may come first; the second must
come within 30 seconds, and until then what the data stream brings is kept.

Source: kubernetes/cri-streaming pkg/streaming/portforward/httpstream.go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wire.errors import RemoteProtocolError
from wire.portforward_events import parse_port
from wire.spdy.headers import Headers, header

__all__ = ["Pair", "PairTable", "PortStream", "StreamType", "parse_port_stream"]

StreamType = Literal["error", "data"]

_MAX_REQUEST_ID = 1024  # characters; a decimal counter in practice


@dataclass(frozen=True, slots=True)
class PortStream:
    """What the headers of a stream say."""

    stream_id: int
    type: StreamType
    port: int
    request_id: str


def parse_port_stream(stream_id: int, headers: Headers) -> PortStream:
    """Read the headers of a new stream.

    Raises:
        RemoteProtocolError: the stream is to be reset.
    """
    port_text = header(headers, "port")
    if not port_text:
        raise RemoteProtocolError('"port" header is required')
    port = parse_port(port_text)
    stream_type = header(headers, "streamtype")
    if stream_type not in ("error", "data"):
        raise RemoteProtocolError(f'invalid stream type "{stream_type}"')
    # Clients before requestid opened the error stream, then the data stream.
    first_id = stream_id if stream_type == "error" else stream_id - 2
    request_id = header(headers, "requestid") or str(first_id)
    if len(request_id) > _MAX_REQUEST_ID:
        raise RemoteProtocolError("request id too long")
    return PortStream(
        stream_id, "error" if stream_type == "error" else "data", port, request_id
    )


@dataclass(slots=True)
class Pair:
    """The streams of one request so far."""

    request_id: str
    deadline: float
    streams: dict[StreamType, PortStream] = field(default_factory=dict)
    early_data: list[bytes] = field(default_factory=list)
    is_finished: bool = False  # the data stream, by the client

    @property
    def is_complete(self) -> bool:
        """Both streams are there."""
        return len(self.streams) == 2

    def stream_id(self, stream_type: StreamType) -> int:
        """The id of one stream, 0 when it is missing."""
        stream = self.streams.get(stream_type)
        return stream.stream_id if stream else 0


class PairTable:
    """The pairs that wait for their second stream, oldest first."""

    def __init__(self, timeout: float, max_early_data: int) -> None:
        self._timeout = timeout
        self._room = max_early_data
        self._pairs: dict[str, Pair] = {}
        self._by_data_stream: dict[int, Pair] = {}

    def add(self, stream: PortStream, now: float) -> Pair | None:
        """Put a stream to its pair; None when the pair has one of its type."""
        pair = self._pairs.get(stream.request_id)
        if pair is None:
            pair = Pair(stream.request_id, now + self._timeout)
            self._pairs[stream.request_id] = pair
        if stream.type in pair.streams:
            return None
        pair.streams[stream.type] = stream
        if pair.is_complete:
            self.remove(pair)
        elif stream.type == "data":
            self._by_data_stream[stream.stream_id] = pair
        return pair

    def find(self, request_id: str) -> Pair | None:
        """Return the pair that waits under this id."""
        return self._pairs.get(request_id)

    def of_data_stream(self, stream_id: int) -> Pair | None:
        """Return the pair whose data stream this is, while it waits."""
        return self._by_data_stream.get(stream_id)

    def keep(self, pair: Pair, data: bytes) -> bool:
        """Keep early data; False when there is no room for it."""
        if len(data) > self._room:
            return False
        self._room -= len(data)
        pair.early_data.append(data)
        return True

    def remove(self, pair: Pair) -> None:
        """Forget a pair, complete or not."""
        self._pairs.pop(pair.request_id, None)
        self._by_data_stream.pop(pair.stream_id("data"), None)
        self._room += sum(map(len, pair.early_data))

    def deadline(self) -> float | None:
        """Return when the oldest pair times out."""
        return next((pair.deadline for pair in self._pairs.values()), None)

    def expire(self, now: float) -> list[Pair]:
        """Forget and return the pairs whose time is over."""
        late = [pair for pair in self._pairs.values() if pair.deadline <= now]
        for pair in late:
            self.remove(pair)
        return late
