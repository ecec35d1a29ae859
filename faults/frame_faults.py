"""Faults on frames: drop, delay, double, reorder, edit and add them."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Any

from faults.frame_fault import FrameFault, RandomFrames
from faults.framing.http2 import Http2Unit
from faults.framing.spdy import SpdyFrame
from faults.framing.tunnel import TunnelledFrame
from faults.framing.websocket import WebSocketFrame
from hops.pipe import Delay, Direction
from wire.http2 import Http2FrameType
from wire.spdy.frames import FrameType, GoAwayStatus, ResetStatus
from wire.websocket import Opcode, close_payload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faults.actions import Item
    from faults.frame_fault import Terms
    from faults.framing.frame import Frame

__all__ = [
    "ADDED",
    "AddFrame",
    "DelayFrame",
    "DropFrame",
    "DuplicateFrame",
    "EditFrame",
    "ReorderFrame",
]

#: What `frame_add` can add.
ADDED = ("text", "binary", "ping", "pong", "close", "data", "rst_stream", "goaway")
_MS = 1000.0


class DropFrame(RandomFrames):
    """The frame is not sent."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Nothing; for DATA of HTTP/2 the sender gets its window back."""
        return returned_window(frame, self)


class DelayFrame(RandomFrames):
    """The frame comes late, and so does what is behind it."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Put a delay before it."""
        jitter = self.values["jitter"]
        wait = self.values["delay"] + self.chance.uniform(-jitter, jitter)
        return [Delay(max(0.0, wait) / _MS), frame]


class DuplicateFrame(RandomFrames):
    """The frame comes more than once."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """The frame, and copies."""
        return [frame, *(frame.copy() for _ in range(self.values["copies"]))]


class ReorderFrame(RandomFrames):
    """The frame comes after the next `by` of its direction."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._held: dict[Direction, list[tuple[int, Frame]]] = {
            way: [] for way in Direction
        }

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Hold it, or let go what was held for long enough."""
        if self.picks(frame):
            self._held[frame.direction].append((self.values["by"], frame))
            return []
        waiting = [(n - 1, held) for n, held in self._held[frame.direction]]
        if not waiting:
            return None
        self._held[frame.direction] = [(n, held) for n, held in waiting if n > 0]
        return [frame, *(held for n, held in waiting if n <= 0)]

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Not used: see `frame`."""
        return [frame]

    def end(self, direction: Direction, now: float) -> list[Item]:
        """What is held comes before the end."""
        held, self._held[direction] = self._held[direction], []
        return [frame for _, frame in held]


class EditFrame(RandomFrames):
    """The frame's payload, channel or header is another."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Change it."""
        data = self._new_data(frame.data)
        if data is not None:
            frame.data = data
        outer = frame.inner if isinstance(frame, TunnelledFrame) else frame
        if isinstance(outer, WebSocketFrame):
            self._edit_websocket(outer)
        elif isinstance(outer, SpdyFrame | Http2Unit) and self.values["flags"] >= 0:
            outer.flags = self.values["flags"]
            outer.changed()
        return [frame]

    def _new_data(self, old: bytes | None) -> bytes | None:
        """The payload to send, or None to leave it."""
        if old is None:
            return None
        if self.values["empty"]:
            return b""
        given = payload_of(self.values)
        if given:
            return given
        find = self.values["find"].encode()
        return old.replace(find, self.values["replace"].encode()) if find else None

    def _edit_websocket(self, frame: WebSocketFrame) -> None:
        channel = self.values["to_channel"]
        if channel >= 0 and frame.channel is not None:
            frame.move(channel)
        if self.values["opcode"] >= 0:
            frame.opcode = self.values["opcode"]
            frame.changed()
        if self.values["fin"] >= 0:
            frame.fin = bool(self.values["fin"])
            frame.changed()
        if self.values["rsv"] >= 0:
            frame.rsv = self.values["rsv"]
            frame.changed()


class AddFrame(RandomFrames):
    """A frame of ours comes before or after the one that is picked."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Add it, where the connection has such frames."""
        made = self._make(frame)
        if made is None:
            return [frame]
        return [made, frame] if self.values["where"] == "before" else [frame, made]

    def _make(self, frame: Frame) -> Frame | None:
        if isinstance(frame, WebSocketFrame):
            return self._websocket(frame)
        if isinstance(frame, SpdyFrame | TunnelledFrame):
            return self._spdy(frame)
        if isinstance(frame, Http2Unit):
            return self._http2(frame)
        return None

    def _websocket(self, frame: WebSocketFrame) -> Frame | None:
        payload = payload_of(self.values)
        what, channel = self.values["what"], self.values["to_channel"]
        if what == "close":
            payload = close_payload(self.values["code"] or 1000, payload.decode())
        elif what == "data":
            what = "binary"
            channel = max(channel, 0)
        try:
            opcode = Opcode[what.upper()]
        except KeyError:
            return None
        made = frame.like(opcode, payload, self.mask())
        if channel >= 0 and opcode in (Opcode.TEXT, Opcode.BINARY):
            made.payload = bytes((channel,)) + payload
        return made

    def _spdy(self, frame: SpdyFrame | TunnelledFrame) -> Frame | None:
        stream = self._stream(frame)
        match self.values["what"]:
            case "rst_stream":
                code = self.values["code"] or ResetStatus.CANCEL
                return frame.other(
                    FrameType.RST_STREAM, struct.pack("!II", stream, code)
                )
            case "goaway":
                code = self.values["code"] or GoAwayStatus.OK
                return frame.other(FrameType.GOAWAY, struct.pack("!II", stream, code))
            case "ping":
                return frame.other(FrameType.PING, struct.pack("!I", 0x7FFF_FFFF))
            case "data" if not isinstance(frame, TunnelledFrame):
                made = frame.copy()
                made.type, made.flags, made.block = 0, 0, None
                made.kinds, made.channel = {"spdy": "data"}, stream
                made.data = payload_of(self.values)
                return made
        return None

    def _http2(self, frame: Http2Unit) -> Frame | None:
        stream = self._stream(frame)
        code = struct.pack("!I", self.values["code"])
        match self.values["what"]:
            case "rst_stream":
                return frame.other(Http2FrameType.RST_STREAM, code, stream=stream)
            case "goaway":
                payload = struct.pack("!I", 0x7FFF_FFFF) + code
                return frame.other(Http2FrameType.GOAWAY, payload, stream=0)
            case "ping":
                return frame.other(Http2FrameType.PING, bytes(8), stream=0)
        return None

    def _stream(self, frame: Frame) -> int:
        wanted: int = self.values["to_channel"]
        return wanted if wanted >= 0 else frame.channel or 0


def payload_of(values: Mapping[str, Any]) -> bytes:
    """The payload that a rule gives, as text or as base64."""
    encoded: str = values["payload_base64"]
    return base64.b64decode(encoded) if encoded else str(values["payload"]).encode()


def returned_window(frame: Frame, fault: FrameFault) -> list[Item]:
    """What gives the sender back the window that a dropped frame of DATA took.

    Source: RFC 9113 6.9.1: the window counts what was sent, delivered or not.
    """
    http2 = fault.conversation.http2 if fault.conversation is not None else None
    if not isinstance(frame, Http2Unit) or not frame.flow or http2 is None:
        return []
    other = frame.direction.other
    size = struct.pack("!I", frame.flow)
    update = Http2FrameType.WINDOW_UPDATE
    return [http2.make(other, update, stream, size) for stream in (0, frame.stream)]
