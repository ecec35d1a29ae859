"""The streams of a connection, and what each end may still do with them.

    OPEN                 both ends may send
    HALF_CLOSED_LOCAL    we sent FIN (or may not send: UNIDIRECTIONAL); the peer may
    HALF_CLOSED_REMOTE   the peer sent FIN; we may
    CLOSED               both did, or one of them reset the stream: not in the table

Apart from that a stream is replied or not: its acceptor may send nothing before it
sent SYN_REPLY, and its opener throws away what comes before. There is no window.

Source: moby/spdystream connection.go, stream.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from wire.spdy.frames import MAX_STREAM_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Action", "Role", "Stream", "StreamState", "StreamTable", "Verdict"]


class Role(Enum):
    """Which end of the connection we are. Clients open odd streams, servers even."""

    CLIENT = auto()
    SERVER = auto()

    @property
    def peer(self) -> Role:
        """The other end."""
        return Role.SERVER if self is Role.CLIENT else Role.CLIENT

    @property
    def first_id(self) -> int:
        """The first stream id and ping id of this end; then in steps of two."""
        return 1 if self is Role.CLIENT else 2


class StreamState(Enum):
    """See the top of the module."""

    OPEN = auto()
    HALF_CLOSED_LOCAL = auto()
    HALF_CLOSED_REMOTE = auto()
    CLOSED = auto()


class Action(Enum):
    """What moves a stream from state to state."""

    SEND_FIN = auto()
    RECEIVE_FIN = auto()
    RESET = auto()


_OPEN, _LOCAL, _REMOTE, _CLOSED = StreamState

_TRANSITIONS = {
    (_OPEN, Action.SEND_FIN): _LOCAL,
    (_OPEN, Action.RECEIVE_FIN): _REMOTE,
    (_OPEN, Action.RESET): _CLOSED,
    (_LOCAL, Action.RECEIVE_FIN): _CLOSED,
    (_LOCAL, Action.RESET): _CLOSED,
    (_REMOTE, Action.SEND_FIN): _CLOSED,
    (_REMOTE, Action.RESET): _CLOSED,
}


@dataclass(slots=True)
class Stream:
    """One stream. Headers are not kept: they are in the event that announced them."""

    stream_id: int
    is_ours: bool
    is_replied: bool = False
    state: StreamState = StreamState.OPEN

    @property
    def may_send(self) -> bool:
        """We have not sent FIN, and the stream is not closed."""
        return self.state in (_OPEN, _REMOTE)

    @property
    def may_receive(self) -> bool:
        """The peer has not sent FIN, and the stream is not closed."""
        return self.state in (_OPEN, _LOCAL)


class Verdict(Enum):
    """What to do about a SYN_STREAM of the peer."""

    ACCEPTED = auto()
    INVALID = auto()  # id out of order: reset with PROTOCOL_ERROR
    REFUSED = auto()  # table full: reset with REFUSED_STREAM
    IN_USE = auto()  # an id that we have open ourselves


class StreamTable:
    """The streams that are not closed, by id."""

    def __init__(self, role: Role, max_streams: int) -> None:
        self._max_streams = max_streams
        self._streams: dict[int, Stream] = {}
        self._next_ours = role.first_id
        self._next_theirs = role.peer.first_id
        self.highest_received = 0

    def __len__(self) -> int:
        return len(self._streams)

    def __iter__(self) -> Iterator[Stream]:
        return iter(list(self._streams.values()))

    def get(self, stream_id: int) -> Stream | None:
        """Return the stream, None when it was never opened or is closed."""
        return self._streams.get(stream_id)

    def open(self) -> Stream | None:
        """Add a stream of ours; None when the ids have run out."""
        if self._next_ours > MAX_STREAM_ID:
            return None
        stream = Stream(self._next_ours, is_ours=True)
        self._next_ours += 2
        self._streams[stream.stream_id] = stream
        return stream

    def accept(self, stream_id: int) -> Verdict:
        """Add a stream of the peer, if its id and our limit allow.

        An id must be at least the highest so far plus two. Gaps are fine and parity
        is not checked: spdystream takes 8 from a client.
        """
        if not self._next_theirs <= stream_id <= MAX_STREAM_ID:
            return Verdict.INVALID
        if stream_id in self._streams:
            return Verdict.IN_USE
        self._next_theirs = stream_id + 2
        self.highest_received = stream_id
        if len(self._streams) >= self._max_streams:
            return Verdict.REFUSED
        self._streams[stream_id] = Stream(stream_id, is_ours=False)
        return Verdict.ACCEPTED

    def apply(self, stream: Stream, action: Action) -> None:
        """Move a stream to its next state, out of the table when it is closed."""
        stream.state = _TRANSITIONS[stream.state, action]
        if stream.state is _CLOSED:
            del self._streams[stream.stream_id]

    def clear(self) -> None:
        """Close all streams at once."""
        for stream in self:
            self.apply(stream, Action.RESET)
