"""WebSocket frames, and what their messages carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hops.pipe import Direction
from hops.taps.channels import channel_layer
from hops.taps.masks import holds_secrets
from hops.taps.spdy import SpdyLayer
from wire.errors import RemoteProtocolError
from wire.portforward_tunnel import TUNNEL_PREFIX
from wire.websocket import Opcode, parse_close
from wire.websocket_scan import FrameScanner, ScannedFrame

if TYPE_CHECKING:
    from hops.taps.layer import MessageLayer
    from hops.taps.teller import Teller

__all__ = ["WebSocketLayer"]

_MAX_CONTROL = 4096  # bytes kept of a control frame; RFC 6455 5.5 allows 125
#: Bytes kept at most of what must be decoded whole.
MAX_KEPT = 16 << 20


class WebSocketLayer:
    """Frames; messages of a known protocol are told a second time as such.

    Where the target is one of Secrets, a watch, what the server sends is not shown.
    """

    def __init__(self, teller: Teller, subprotocol: str, target: str) -> None:
        self._teller = teller
        self._scanners = {way: FrameScanner(self._wanted) for way in Direction}
        self._hidden = holds_secrets(target) and not teller.settings.secrets
        self._upper = (
            None if self._hidden else _layer_above(teller, subprotocol, target)
        )
        self._unsynced: set[Direction] = set()
        self._begun = dict.fromkeys(Direction, 0)  # bytes of a frame that is not whole

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by."""
        unsynced = direction in self._unsynced
        if unsynced and not self._synchronise(direction, bytes(data)):
            return
        frames = self._scanners[direction].receive_data(data)
        if self._hidden and direction is Direction.DOWN:
            self._conceal(direction, len(data), frames)
        for frame in frames:
            self._on_frame(direction, frame)

    def _conceal(
        self, direction: Direction, size: int, frames: list[ScannedFrame]
    ) -> None:
        """Paint over the payloads in the last `size` bytes, and before."""
        behind = self._begun[direction] + size - sum(each.raw_size for each in frames)
        self._begun[direction] = behind
        if behind > MAX_KEPT:
            self._teller.chunks.give_up(direction)
        for frame in reversed(frames):
            self._teller.chunks.conceal_end(direction, frame.length, behind)
            behind += frame.raw_size

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""

    def settled(self, direction: Direction) -> bool:
        """Frames carry what the user sends; no credential of the protocol."""
        return not (self._hidden and self._scanners[direction].inside_frame)

    def join_late(self) -> None:
        """What comes next may be the middle of a frame."""
        self._scanners = {way: FrameScanner(self._wanted) for way in Direction}
        self._unsynced = set(Direction)
        self._begun = dict.fromkeys(Direction, 0)
        if isinstance(self._upper, _Tunnel):
            self._upper.join_late()

    def _synchronise(self, direction: Direction, data: bytes) -> bool:
        """Begin where a chunk begins like a frame: senders write frames whole."""
        if _looks_like_frame(data, masked=direction is Direction.UP):
            self._unsynced.discard(direction)
            return True
        if self._hidden:
            self._teller.chunks.give_up(direction)
        info = {"reason": "began before the trace"}
        self._teller.tell(direction, "raw", "skipped", size=len(data), info=info)
        return False

    def _wanted(self, opcode: int, length: int, first: int) -> int:
        settings = self._teller.settings
        if opcode >= _CLOSE:
            return min(length, _MAX_CONTROL)
        needed = settings.data_bytes
        if settings.hashes:
            needed = length
        if self._upper is not None:
            needed = max(needed, self._upper.wanted(length, first))
        return min(length, needed, MAX_KEPT)

    def _on_frame(self, direction: Direction, frame: ScannedFrame) -> None:
        self._teller.tell(
            direction,
            "websocket",
            _NAMES.get(frame.opcode) or f"opcode-{frame.opcode}",
            size=frame.length,
            payload=None if self._hidden and frame.opcode < _CLOSE else frame.payload,
            info=_frame_info(frame),
        )
        if self._upper is not None and frame.opcode < _CLOSE:
            self._upper.on_frame(direction, frame)


_CLOSE = int(Opcode.CLOSE)
#: By opcode.
_NAMES = {int(opcode): opcode.name.lower() for opcode in Opcode}


def _frame_info(frame: ScannedFrame) -> dict[str, Any]:
    info: dict[str, Any] = {
        "wire": frame.raw_size,
        "fin": frame.fin,
        "masked": frame.masked,
    }
    if frame.rsv:
        info["rsv"] = frame.rsv
    if frame.opcode == _CLOSE:
        try:
            info["code"], info["reason"] = parse_close(frame.payload)
        except RemoteProtocolError as err:
            info["error"] = str(err)
    return info


def _looks_like_frame(data: bytes, *, masked: bool) -> bool:
    """Whether a chunk begins with the head of a frame that our protocols send."""
    if len(data) < 2 or data[0] & 0x70 or (data[1] >= 0x80) is not masked:
        return False
    opcode, length = data[0] & 0x0F, data[1] & 0x7F
    if opcode not in _NAMES:
        return False
    head = 2 + {126: 2, 127: 8}.get(length, 0) + (4 if masked else 0)
    if length < 126:
        whole = head + length
    else:
        whole = head + int.from_bytes(data[2 : 4 if length == 126 else 10], "big")
    # What is complete must be followed by another frame, or by nothing.
    if len(data) <= whole:
        return len(data) == whole or whole < MAX_KEPT
    return _looks_like_frame(data[whole:], masked=masked)


def _layer_above(teller: Teller, subprotocol: str, target: str) -> MessageLayer | None:
    if subprotocol.startswith(TUNNEL_PREFIX):
        return _Tunnel(teller)
    return channel_layer(teller, subprotocol, target)


class _Tunnel:
    """SPDY inside WebSocket messages (portforward.md, the tunnel)."""

    def __init__(self, teller: Teller) -> None:
        self._spdy = SpdyLayer(teller, forwards=True)

    def wanted(self, length: int, first: int) -> int:
        """All: the messages of a direction together are its SPDY bytes."""
        return length

    def join_late(self) -> None:
        """See `SpdyLayer`."""
        self._spdy.join_late()

    def on_frame(self, direction: Direction, frame: ScannedFrame) -> None:
        """The next bytes. Raises RemoteProtocolError when they are no SPDY."""
        if not frame.whole:
            raise RemoteProtocolError("a tunnelled message is too large to look at")
        self._spdy.feed(direction, frame.payload)
