"""Puts the tap's streaming URLs into a runtime's answers, without I/O.

It stands in an HTTP/2 connection and lets everything pass as it is, but for the calls
Exec, Attach and PortForward:

- an answer is held until it is whole, and its URL overwritten by another of the same
  length: frames keep their sizes and their order, flow control sees no difference;
- a call without a session id gets one, as a last header field that leaves the state of
  HPACK as it is, so that the call and its streaming connection belong together.

Source: RFC 9113 section 4.1 (frames), 6.1 and 6.2 (padding); RFC 7541 section 6.2.2
(literals without indexing); grpc doc/PROTOCOL-HTTP2.md.
"""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING

from hops.session import HEADER, TraceParent, new_traceparent
from wire.errors import RemoteProtocolError
from wire.grpc_messages import is_grpc, method_name
from wire.http2 import PREFACE, Http2FrameType, Http2Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from wire.http2 import Http2Frame

__all__ = ["StreamUrlChanger"]

logger = logging.getLogger(__name__)

_SERVICE = "/runtime.v1.RuntimeService/"
_METHODS = frozenset(_SERVICE + name for name in ("Exec", "Attach", "PortForward"))
_FRAME_HEADER = 9
_PREFIX = 5  # gRPC: compressed, length
_PADDED, _END_STREAM = 0x8, 0x1
_URL_FIELD = 0x0A  # field 1, length-delimited
_MAX_HEADERS = 16 * 1024  # what every peer takes (RFC 9113 4.2)
_LARGEST = 64 * 1024  # an answer that is larger holds no URL of a runtime


class _Answer:
    """The DATA of one call, held until its message is whole."""

    def __init__(self, trace: str) -> None:
        self.trace = trace
        self.frames: list[bytearray] = []
        self.places: list[tuple[int, int]] = []  # of each octet: frame, offset

    def add(self, frame: bytearray) -> None:
        """Take a whole DATA frame."""
        start, end = _FRAME_HEADER, len(frame)
        if frame[4] & _PADDED and end > start:
            end -= frame[start]
            start += 1
        self.places += [(len(self.frames), at) for at in range(start, end)]
        self.frames.append(frame)

    @property
    def message(self) -> bytes:
        """What came so far, with its prefix."""
        return bytes(self.frames[frame][at] for frame, at in self.places)

    def overwrite(self, at: int, data: bytes) -> None:
        for place, octet in zip(self.places[at:], data, strict=False):
            frame, offset = place
            self.frames[frame][offset] = octet

    def release(self) -> bytes:
        released = b"".join(self.frames)
        self.frames.clear()
        self.places.clear()
        return released


class StreamUrlChanger:
    """One connection; see `tap.byte_tap.Changer`.

    Args:
        replace: (URL, session) -> a URL of the same length, or None.
    """

    def __init__(self, replace: Callable[[str, str], str | None]) -> None:
        self._replace = replace
        self._requests = Http2Reader(client=True)
        self._sent = bytearray()  # by the client, not passed on yet
        self._preface = len(PREFACE)  # what is left of it
        self._answers: dict[int, _Answer] = {}
        self._buffer = bytearray()
        self._passing = 0  # octets of the frame under way
        self._blind = False

    def upward(self, data: bytes) -> bytes:
        """What the runtime gets for it; frames go on when they are whole."""
        if self._blind:
            return data
        self._sent += data
        try:
            frames = self._requests.receive_data(data)
        except RemoteProtocolError as err:
            logger.warning("not HTTP/2: passed on as it is: %s", err)
            self._blind = True
            return self._take_sent(len(self._sent))
        preface = self._take_sent(self._preface)
        self._preface -= len(preface)
        return preface + b"".join(map(self._on_request, frames))

    def _take_sent(self, size: int) -> bytes:
        taken = bytes(self._sent[:size])
        del self._sent[:size]
        return taken

    def _on_request(self, frame: Http2Frame) -> bytes:
        """The frame as the runtime is to get it."""
        raw = self._take_sent(frame.size)
        if frame.type == Http2FrameType.RST_STREAM:
            self._give_up(frame.stream)
        if frame.headers is None or not is_grpc(frame.headers):
            return raw
        if method_name(frame.headers) not in _METHODS:
            return raw
        session = TraceParent.parse(dict(frame.headers).get(HEADER))
        if session is None:
            session = new_traceparent()
            raw = _with_field(raw, HEADER, str(session))
        self._answers[frame.stream] = _Answer(session.trace_id)
        return raw

    def _give_up(self, stream: int) -> None:
        """The client wants no answer; what is held still belongs to its window."""
        answer = self._answers.get(stream)
        if answer is not None and not answer.frames:
            del self._answers[stream]

    def downward(self, data: bytes) -> bytes:
        """What the client gets for it; what is held comes with a later call."""
        if self._blind and not self._buffer:
            return data
        out = bytearray()
        self._buffer += data
        while self._buffer:
            if self._passing:
                self._pass(out)
            elif not self._take_frame(out):
                break
        return bytes(out)

    def _pass(self, out: bytearray) -> None:
        piece = self._buffer[: self._passing]
        del self._buffer[: len(piece)]
        self._passing -= len(piece)
        out += piece

    def _take_frame(self, out: bytearray) -> bool:
        """Begin to pass a frame, or take it whole; whether that was possible."""
        if len(self._buffer) < _FRAME_HEADER:
            return False
        kind, flags, stream = struct.unpack_from("!BBI", self._buffer, 3)
        stream &= 0x7FFFFFFF
        size = _FRAME_HEADER + int.from_bytes(self._buffer[:3], "big")
        answer = self._answers.get(stream)
        if answer is None:
            self._passing = size
            return True
        if kind != Http2FrameType.DATA:
            out += answer.release()  # trailers come behind the message
            if kind == Http2FrameType.RST_STREAM or flags & _END_STREAM:
                self._forget(stream, kind)
            self._passing = size
            return True
        if len(self._buffer) < size:
            return False
        answer.add(self._buffer[:size])
        del self._buffer[:size]
        if self._finish(answer):
            out += answer.release()
            del self._answers[stream]  # these calls have one answer
        return True

    def _forget(self, stream: int, kind: int) -> None:
        # END_STREAM is of DATA and HEADERS alone; elsewhere the bit is another flag.
        if kind in (Http2FrameType.RST_STREAM, Http2FrameType.HEADERS):
            del self._answers[stream]

    def _finish(self, answer: _Answer) -> bool:
        """Whether the message is whole; its URL is then changed."""
        message = answer.message
        if len(message) < _PREFIX:
            return False
        compressed, size = struct.unpack_from("!BI", message)
        if size > _LARGEST:
            return True
        if len(message) < _PREFIX + size:
            return False
        if compressed:
            logger.warning("a compressed answer: its streaming URL is left as it is")
        else:
            self._change(answer, message)
        return True

    def _change(self, answer: _Answer, message: bytes) -> None:
        found = _find_url(message[_PREFIX:])
        if found is None:
            return
        at, url = found
        ours = self._replace(url, answer.trace)
        if ours is None or len(ours) != len(url):
            logger.warning("a streaming URL that cannot be replaced: %s", url)
            return
        answer.overwrite(_PREFIX + at, ours.encode("ascii"))


def _with_field(frame: bytes, name: str, value: str) -> bytes:
    """A frame that ends a header block, with one more field at its end."""
    field = b"\0" + b"".join(
        bytes([len(part)]) + part.encode("ascii") for part in (name, value)
    )
    size = len(frame) - _FRAME_HEADER + len(field)
    if size > _MAX_HEADERS:
        return frame
    padded = frame[3] == Http2FrameType.HEADERS and frame[4] & _PADDED
    end = len(frame) - (frame[_FRAME_HEADER] if padded else 0)
    return size.to_bytes(3, "big") + frame[3:end] + field + frame[end:]


def _find_url(message: bytes) -> tuple[int, str] | None:
    """(offset, URL) of a message whose field 1 is a URL; it is the first and only one."""
    if len(message) < 2 or message[0] != _URL_FIELD:
        return None
    size = shift = 0
    for at in range(1, min(len(message), 4)):
        size |= (message[at] & 0x7F) << shift
        shift += 7
        if message[at] < 0x80:
            text = message[at + 1 : at + 1 + size]
            whole = len(text) == size and text.isascii()
            return (at + 1, text.decode("ascii")) if whole else None
    return None
