"""What a connection carries after 101: WebSocket with its channels, or SPDY."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hops.taps.masks import holds_secrets
from hops.taps.spdy import SpdyLayer
from hops.taps.websocket import WebSocketLayer
from wire.http1 import RequestHead, ResponseHead, get_header

if TYPE_CHECKING:
    from hops.pipe import Direction
    from hops.taps.layer import Layer
    from hops.taps.teller import Teller

__all__ = ["RawLayer", "SpdyLayer", "WebSocketLayer", "is_forward", "upgraded_layer"]

# /api/v1/.../portforward, /portForward/NAMESPACE/POD, /portforward/TOKEN
_FORWARD = re.compile(r"/portforward(?:/|\?|$)", re.IGNORECASE)


def upgraded_layer(
    teller: Teller, head: ResponseHead, request: RequestHead | None
) -> Layer:
    """The decoder of what the answer switches to."""
    upgrade = (get_header(head.headers, "upgrade") or "").lower()
    target = request.target if request is not None else ""
    if upgrade == "websocket":
        chosen = get_header(head.headers, "sec-websocket-protocol") or ""
        return WebSocketLayer(teller, chosen, target)
    if upgrade == "spdy/3.1":
        return SpdyLayer(teller, forwards=is_forward(target))
    hidden = holds_secrets(target) and not teller.settings.secrets
    return RawLayer(teller, hidden=hidden)


def is_forward(target: str) -> bool:
    """Whether a request is one for port-forward, of any server."""
    return _FORWARD.search(target) is not None


class RawLayer:
    """Bytes of a protocol that has no decoder; `hidden` where they may be Secrets."""

    def __init__(self, teller: Teller, *, hidden: bool = False) -> None:
        self._teller = teller
        self._hidden = hidden

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by."""
        shown = None if self._hidden else data
        if self._hidden:
            self._teller.chunks.give_up(direction)
        self._teller.tell(direction, "raw", "data", size=len(data), payload=shown)

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""

    def settled(self, direction: Direction) -> bool:
        """There is nothing that is looked for."""
        return True
