"""SPDY/3.1 frames, and what the streams of exec, attach and port-forward carry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hops.pipe import Direction
from hops.taps.masks import mask_headers
from hops.taps.remotecommand_facts import status_facts
from wire.spdy import frames as spdy
from wire.spdy.frame_decoder import FrameDecoder
from wire.spdy.limits import Limits
from wire.spdy.middle import FrameFinder, is_whole
from wire.terminal import ResizeDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.taps.teller import Teller

__all__ = ["SpdyLayer"]

_MAX_STATUS = 1 << 20
_MAX_STREAMS = 10_000  # whose meaning is told; a peer may open any number
# kubernetes/api core/v1: StreamType and the headers of port-forward
_STREAM_TYPE, _PORT, _REQUEST_ID = "streamtype", "port", "requestid"


@dataclass(slots=True)
class _Stream:
    """One stream: its role, and what has to be read as a whole."""

    role: str
    port: int | None = None
    request_id: str = ""
    text: bytearray = field(default_factory=bytearray)
    ended: set[Direction] = field(default_factory=set)
    resizes: ResizeDecoder = field(default_factory=ResizeDecoder)


class SpdyLayer:
    """Every frame as `spdy`; then what it means.

    Args:
        forwards: a session of port-forward, else of exec or attach.
    """

    def __init__(self, teller: Teller, *, forwards: bool = False) -> None:
        self._teller = teller
        limits = Limits()
        self._decoders = {way: FrameDecoder(limits) for way in Direction}
        self._streams: dict[int, _Stream] = {}
        self._mean: Callable[[Direction, int, _Stream, spdy.Data], None]
        self._mean = self._mean_forward if forwards else self._mean_command
        self._forwards = forwards
        self._late = False
        self._finders: dict[Direction, FrameFinder] = {}  # of what is not read yet

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are no SPDY."""
        if direction in self._finders and not self._found(direction, bytes(data)):
            info = {"reason": "began before the trace"}
            self._teller.tell(direction, "raw", "skipped", size=len(data), info=info)
            return
        decoder = self._decoders[direction]
        for frame in decoder.receive_data(data):
            self._on_frame(direction, frame)
        if decoder.error is None:
            return
        if not self._late:
            raise decoder.error
        self._seek(direction)  # what seemed to be frames was none

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""

    def settled(self, direction: Direction) -> bool:
        """Frames carry what the user sends; no credential of the protocol."""
        return True

    def join_late(self) -> None:
        """Header blocks cannot be read from here, and so no stream has a name."""
        self._late = True
        for direction in Direction:
            self._seek(direction)

    def _seek(self, direction: Direction) -> None:
        self._finders[direction] = FrameFinder()
        self._decoders[direction] = FrameDecoder(Limits(), late=True)

    def _found(self, direction: Direction, data: bytes) -> bool:
        """Whether this chunk can be read; else perhaps the next."""
        if is_whole(data):
            del self._finders[direction]
            return True
        if self._finders[direction].receive(data):
            del self._finders[direction]
        return False

    def _on_frame(self, direction: Direction, frame: spdy.Frame) -> None:
        stream: int | None = getattr(frame, "stream_id", None)
        if isinstance(frame, spdy.Data):
            self._on_data(direction, frame)
            return
        info = _flags(frame)
        headers = getattr(frame, "headers", None)
        if headers is not None and not self._late:
            info["headers"] = mask_headers(headers)
        info |= _numbers(frame)
        room = len(self._streams) < _MAX_STREAMS and not self._late
        if isinstance(frame, spdy.SynStream) and room:
            self._streams[frame.stream_id] = _stream_of(frame)
        opened = self._streams.get(stream) if stream is not None else None
        if opened is not None and opened.role:
            info["name"] = opened.role
        name = frame.type.name.lower()
        self._teller.tell(direction, "spdy", name, stream=stream, info=info)
        if opened is not None and stream is not None:
            self._on_control(direction, stream, opened, frame)

    def _on_control(
        self, direction: Direction, number: int, stream: _Stream, frame: spdy.Frame
    ) -> None:
        if isinstance(frame, spdy.SynStream):
            if self._forwards and stream.role == "data":
                self._tell_forward(direction, "opened", number, stream)
            elif not self._forwards:
                info = {"name": stream.role}
                self._tell_command(direction, "stream", number, info)
        elif isinstance(frame, spdy.RstStream):
            self._streams.pop(number, None)
            if self._forwards:
                reset = {"reset": int(frame.status)}
                self._tell_forward(direction, "closed", number, stream, info=reset)

    def _on_data(self, direction: Direction, frame: spdy.Data) -> None:
        number, data = frame.stream_id, frame.data
        stream = self._streams.get(number)
        info: dict[str, Any] = {}
        if frame.fin:
            info["fin"] = True
        if frame.length >= 0 and frame.length != len(data):
            info["frame"] = frame.length
            info["offset"] = frame.offset
        if stream is not None and stream.role:
            info["name"] = stream.role
        self._teller.tell(
            direction,
            "spdy",
            "data",
            stream=number,
            size=len(data),
            payload=data,
            info=info,
        )
        if stream is None:
            return
        self._mean(direction, number, stream, frame)
        if frame.fin:
            self._end(direction, number, stream)

    def _mean_command(
        self, direction: Direction, number: int, stream: _Stream, frame: spdy.Data
    ) -> None:
        match stream.role:
            case "resize":
                for size in stream.resizes.receive_data(frame.data):
                    info = {"width": size.width, "height": size.height}
                    self._tell_command(direction, "resize", number, info)
            case "error" if direction is Direction.DOWN:
                self._collect(stream, frame.data)
                if stream.text and _is_whole(stream.text, fin=frame.fin):
                    info = status_facts(bytes(stream.text))
                    self._tell_command(direction, "status", number, info)
                    stream.text.clear()
            case "stdin" if frame.fin and direction is Direction.UP:
                self._tell_command(direction, "stdin_end", number, {})

    def _mean_forward(
        self, direction: Direction, number: int, stream: _Stream, frame: spdy.Data
    ) -> None:
        if stream.role == "data":
            if frame.data:
                self._tell_forward(
                    direction, "data", number, stream, payload=frame.data
                )
        elif direction is Direction.DOWN and frame.data:
            # Servers write it at once, and end or reset the stream behind it.
            info = {"text": frame.data.decode(errors="replace")}
            self._tell_forward(direction, "error", number, stream, info=info)

    def _end(self, direction: Direction, number: int, stream: _Stream) -> None:
        stream.ended.add(direction)
        both = len(stream.ended) == len(Direction)
        if self._forwards and stream.role == "data":
            kind = "closed" if both else "eof"
            self._tell_forward(direction, kind, number, stream)
        if both:
            self._streams.pop(number, None)

    def _collect(self, stream: _Stream, data: bytes) -> None:
        if len(stream.text) < _MAX_STATUS:
            stream.text += data

    def _tell_command(
        self, direction: Direction, kind: str, number: int, info: dict[str, Any]
    ) -> None:
        self._teller.tell(direction, "remotecommand", kind, stream=number, info=info)

    def _tell_forward(
        self,
        direction: Direction,
        kind: str,
        number: int,
        stream: _Stream,
        *,
        payload: bytes = b"",
        info: dict[str, Any] | None = None,
    ) -> None:
        facts: dict[str, Any] = {"port": stream.port}
        if stream.request_id:
            facts["request_id"] = stream.request_id
        self._teller.tell(
            direction,
            "portforward",
            kind,
            stream=number,
            size=len(payload),
            payload=payload,
            info=facts | (info or {}),
        )


def _stream_of(frame: spdy.SynStream) -> _Stream:
    headers = {name.lower(): value for name, value in frame.headers}
    port = headers.get(_PORT, "")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else None
    return _Stream(headers.get(_STREAM_TYPE, ""), number, headers.get(_REQUEST_ID, ""))


def _is_whole(text: bytearray, *, fin: bool) -> bool:
    """A status is told as soon as it is JSON: some servers end the stream much later."""
    return fin or "status" in status_facts(bytes(text))


def _flags(frame: spdy.Frame) -> dict[str, Any]:
    info: dict[str, Any] = {}
    if frame.fin:
        info["fin"] = True
    flags = int(frame.flags) & ~int(spdy.Flag.FIN)
    if flags:
        info["flags"] = flags
    return info


def _numbers(frame: spdy.Frame) -> dict[str, Any]:
    names = ("status", "ping_id", "last_good_stream_id", "delta", "associated_to")
    info: dict[str, Any] = {
        name: int(getattr(frame, name))
        for name in names
        if getattr(frame, name, None) is not None
    }
    if not info.get("associated_to"):
        info.pop("associated_to", None)
    if isinstance(frame, spdy.Settings):
        info["entries"] = [[entry.id, entry.value] for entry in frame.entries]
    return info
