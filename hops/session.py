"""The session id: one for all hops, carried as W3C `traceparent`.

The API server makes one when the client sent none, the kubelet gets it as a header,
the runtime as gRPC metadata and as a header of the streaming connection.

Source: W3C Trace Context, section 3.2 (version 00).
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wire.http1 import get_header

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

__all__ = [
    "HEADER",
    "TraceParent",
    "bind",
    "from_headers",
    "from_token",
    "new_traceparent",
]

#: The header's name, and the key of the gRPC metadata.
HEADER = "traceparent"

_SHAPE = re.compile(
    r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z"
)
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class TraceParent:
    """One step of a session. `trace_id` is the session id, the same on every hop."""

    trace_id: str
    parent_id: str
    flags: int = _SAMPLED

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags:02x}"

    @classmethod
    def parse(cls, text: str | None) -> TraceParent | None:
        """Read a header's value; None when it is absent or invalid (then: a new one)."""
        match = _SHAPE.match(text.strip()) if text else None
        if match is None:
            return None
        version, trace_id, parent_id, flags, rest = match.groups()
        # 3.2.2: version ff is invalid, 00 has nothing behind the flags, and all
        # zeroes are invalid as either id
        if version == "ff" or (version == "00" and rest):
            return None
        if not trace_id.strip("0") or not parent_id.strip("0"):
            return None
        return cls(trace_id, parent_id, int(flags, 16))

    def child(self) -> TraceParent:
        """What to send on the next hop: the same session, another step."""
        return TraceParent(self.trace_id, os.urandom(8).hex(), self.flags)


def new_traceparent() -> TraceParent:
    """A new session."""
    return TraceParent(os.urandom(16).hex(), os.urandom(8).hex())


def from_headers(headers: Iterable[tuple[str, str]]) -> TraceParent:
    """The session of a request, or a new one."""
    return TraceParent.parse(get_header(headers, HEADER)) or new_traceparent()


def from_token(token: str) -> TraceParent:
    """The session of a streaming URL whose call named none, by its one-time token.

    A runtime that a foreign client calls has no `traceparent`. The call that gives the
    URL and the connection that uses it know the token, and it is no secret once used;
    still it is the token's hash that traces show.
    """
    digest = hashlib.sha256(b"streaming token " + token.encode()).hexdigest()
    return TraceParent(digest[:32], digest[32:48])


def bind(transport: asyncio.BaseTransport | None, session: TraceParent) -> None:
    """Say which session a connection belongs to when its bytes do not say it.

    For the API server, whose client may have sent no `traceparent`. Without a trace
    running it does nothing.
    """
    bind_pipe = getattr(transport, "bind_session", None)
    if bind_pipe is not None:
        bind_pipe(session.trace_id)
