"""What a connection carries after a 101, as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.framing.frame import Decoder, Frame, Opaque
from faults.framing.spdy import SpdyDecoder
from faults.framing.websocket import WebSocketDecoder
from wire.http1 import ResponseHead, get_header

if TYPE_CHECKING:
    from hops.pipe import Direction

__all__ = ["OpaqueDecoder", "upgraded"]


class OpaqueDecoder:
    """A protocol that nobody reads."""

    @property
    def rewriting(self) -> bool:
        """See `Decoder`."""
        return False

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """See `Decoder`."""
        out.append(Opaque(direction=direction, content=data, size=len(data)))

    def released(self) -> list[Frame]:
        """See `Decoder`."""
        return []


def upgraded(head: ResponseHead, path: str) -> Decoder:
    """The decoder of what the answer switches to."""
    protocol = (get_header(head.headers, "upgrade") or "").lower()
    if protocol == "spdy/3.1":
        return SpdyDecoder()
    if protocol != "websocket":
        return OpaqueDecoder()
    subprotocol = get_header(head.headers, "sec-websocket-protocol") or ""
    if subprotocol.startswith("SPDY/3.1+"):
        from faults.framing.tunnel import TunnelDecoder

        return TunnelDecoder()
    # In the legacy port-forward protocol channels are pairs, two for each port.
    return WebSocketDecoder(subprotocol, is_command="portforward" not in path.lower())
