"""What a connection carries after a 101, as frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.framing.frame import Decoder, Frame, Opaque
from faults.framing.late import SyncingDecoder, whole_spdy, whole_websocket
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


def upgraded(head: ResponseHead, path: str, *, late: bool = False) -> Decoder:
    """The decoder of what the answer switches to.

    Args:
        late: bytes of that protocol went by already.
    """
    protocol = (get_header(head.headers, "upgrade") or "").lower()
    if late and protocol == "spdy/3.1":
        return SyncingDecoder(SpdyDecoder(late=True), whole_spdy)
    if protocol == "spdy/3.1":
        return SpdyDecoder()
    if protocol != "websocket":
        return OpaqueDecoder()
    subprotocol = get_header(head.headers, "sec-websocket-protocol") or ""
    if subprotocol.startswith("SPDY/3.1+"):
        from faults.framing.tunnel import TunnelDecoder

        tunnel = TunnelDecoder(late=late)
        return SyncingDecoder(tunnel, whole_websocket) if late else tunnel
    # In the legacy port-forward protocol channels are pairs, two for each port.
    is_command = "portforward" not in path.lower()
    decoder = WebSocketDecoder(subprotocol, is_command=is_command)
    return SyncingDecoder(decoder, whole_websocket) if late else decoder
