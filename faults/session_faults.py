"""Faults on what a streaming session says: channels, closes, pongs, resets, its status."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from faults.frame_fault import RandomFrames
from faults.frame_faults import payload_of
from faults.framing.spdy import SpdyFrame
from faults.framing.tunnel import TunnelledFrame
from faults.framing.websocket import WebSocketFrame
from hops.pipe import Delay
from wire.spdy.frames import FrameType
from wire.websocket import Opcode, close_payload

if TYPE_CHECKING:
    from faults.actions import Item
    from faults.framing.frame import Frame

__all__ = [
    "CloseCode",
    "NoPong",
    "SpdyGoAway",
    "SpdyReset",
    "StatusLate",
    "StatusMalformed",
    "StatusMissing",
    "StatusTwice",
    "TextForBinary",
    "UnknownChannel",
]


class UnknownChannel(RandomFrames):
    """A message comes on a channel that nobody knows."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Move it there."""
        if isinstance(frame, WebSocketFrame) and frame.channel is not None:
            frame.move(self.values["to_channel"])
        return [frame]

    def matches(self, frame: Frame) -> bool:
        """Messages of channels only."""
        is_message = isinstance(frame, WebSocketFrame) and frame.channel is not None
        return is_message and super().matches(frame)


class TextForBinary(RandomFrames):
    """A message comes as text in place of binary, or the other way round."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Change the opcode."""
        if isinstance(frame, WebSocketFrame):
            text = frame.opcode == Opcode.TEXT
            frame.opcode = Opcode.BINARY if text else Opcode.TEXT
            frame.changed()
        return [frame]

    def matches(self, frame: Frame) -> bool:
        """Data frames that begin a message only."""
        opcode = frame.opcode if isinstance(frame, WebSocketFrame) else -1
        return opcode in (Opcode.TEXT, Opcode.BINARY) and super().matches(frame)


class CloseCode(RandomFrames):
    """The WebSocket close has another code; or comes early, in place of a frame."""

    _closed = False

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """After an early close nothing is sent."""
        if self._closed and frame.direction in self.ways:
            return []
        return super().frame(frame, now)

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Change the code, or close in place of the frame."""
        assert isinstance(frame, WebSocketFrame)  # noqa: S101 - see `matches`
        payload = close_payload(self.values["code"], self.values["reason"])
        if frame.opcode != Opcode.CLOSE:
            self._closed = True
            return [frame.like(Opcode.CLOSE, payload, self.mask())]
        frame.payload = payload
        frame.changed()
        return [frame]

    def matches(self, frame: Frame) -> bool:
        """The close frame with n = 0, else data frames."""
        if not isinstance(frame, WebSocketFrame):
            return False
        if not self.values["n"]:
            return frame.opcode == Opcode.CLOSE
        return frame.opcode < Opcode.CLOSE


class NoPong(RandomFrames):
    """Pings are not answered."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Drop the pong."""
        return []

    def matches(self, frame: Frame) -> bool:
        """Pongs of WebSocket; PINGs of SPDY, which answer each other."""
        websocket = frame.kinds.get("websocket") == "pong"
        return websocket or frame.kinds.get("spdy") == "ping"


class SpdyReset(RandomFrames):
    """A SPDY stream is reset in place of a frame; it sends nothing more."""

    _stream: int | None = None

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """After the reset nothing of the stream is sent."""
        mine = frame.direction in self.ways and frame.channel is not None
        if mine and frame.channel == self._stream and "spdy" in frame.kinds:
            return []
        return super().frame(frame, now)

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Reset."""
        self._stream = frame.channel
        payload = struct.pack("!II", frame.channel or 0, self.values["status"])
        return [_spdy(frame).other(FrameType.RST_STREAM, payload)]

    def matches(self, frame: Frame) -> bool:
        """DATA of SPDY."""
        return frame.kinds.get("spdy") == "data" and super().matches(frame)


class SpdyGoAway(RandomFrames):
    """The SPDY connection is said to go away before a frame."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Add the frame."""
        payload = struct.pack("!II", self.values["last_stream"], self.values["status"])
        return [_spdy(frame).other(FrameType.GOAWAY, payload), frame]

    def matches(self, frame: Frame) -> bool:
        """Any frame of SPDY."""
        return "spdy" in frame.kinds and super().matches(frame)


def _spdy(frame: Frame) -> SpdyFrame | TunnelledFrame:
    assert isinstance(frame, SpdyFrame | TunnelledFrame)  # noqa: S101 - see `matches`
    return frame


class _Status(RandomFrames):
    """The message that says how the command ended, on WebSocket or SPDY."""

    def matches(self, frame: Frame) -> bool:
        """The status only."""
        return frame.kinds.get("remotecommand") == "status"


class StatusMissing(_Status):
    """The status never comes."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Drop it; on SPDY the end of its stream is kept."""
        if isinstance(frame, SpdyFrame) and frame.fin:
            frame.data = b""
            return [frame]
        return []


class StatusMalformed(_Status):
    """The status is something else."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Put the given payload in its place."""
        frame.data = payload_of(self.values)
        return [frame]


class StatusLate(_Status):
    """The status comes late, and so does all that is behind it."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Put a delay before it."""
        return [Delay(self.values["delay"] / 1000), frame]


class StatusTwice(_Status):
    """The status comes twice."""

    def hit(self, frame: Frame, now: float) -> list[Item]:
        """Send it once more; on SPDY before the end of its stream."""
        first = frame.copy()
        if isinstance(first, SpdyFrame):
            first.flags = 0
            first.changed()
        return [first, frame]
