"""HTTP/2 frames, and the gRPC calls in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hops.pipe import Direction
from hops.taps.grpc import GrpcCalls
from hops.taps.masks import mask_headers
from wire.http2 import Http2Flag, Http2Frame, Http2FrameType, Http2Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.taps.teller import Teller

__all__ = ["Http2Layer"]

_MAX_STREAMS = 10_000


class Http2Layer:
    """Events: every frame as `http2`; what the calls say as `grpc` and its services."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._readers = {
            Direction.UP: Http2Reader(client=True),
            Direction.DOWN: Http2Reader(client=False),
        }
        self._calls = GrpcCalls(teller)

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are not HTTP/2."""
        for frame in self._readers[direction].receive_data(bytes(data)):
            self._on_frame(direction, frame)

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""

    def settled(self, direction: Direction) -> bool:
        """Whether no frame and no message is half there."""
        reader = self._readers[direction]
        return not reader.inside_frame and not self._calls.inside_message(direction)

    def _on_frame(self, direction: Direction, frame: Http2Frame) -> None:
        if frame.headers is not None:
            self._calls.on_headers(direction, frame)
        call = self._calls.get(frame.stream)
        if not self._teller.muted:
            # A message may hold what must not be seen; it is told as a message.
            shown = frame.type == Http2FrameType.DATA and call is None
            self._teller.tell(
                direction,
                "http2",
                frame.name.lower(),
                stream=frame.stream,
                size=len(frame.data),
                payload=frame.data if shown else None,
                info=self._info(direction, frame),
                trace=call.trace if call is not None else None,
            )
        if call is not None:
            self._calls.on_frame(direction, frame, call)

    def _info(self, direction: Direction, frame: Http2Frame) -> dict[str, Any]:
        info: dict[str, Any] = {"wire": frame.size}
        if frame.flags:
            info["flags"] = _flag_names(frame)
        if frame.headers is not None:
            if self._teller.settings.secrets:
                info["headers"] = [list(pair) for pair in frame.headers]
            else:
                info["headers"] = mask_headers(frame.headers)
                if info["headers"] != [list(pair) for pair in frame.headers]:
                    # Compressed: it cannot be painted over where it stands.
                    whole = [(0, len(frame.data))]
                    self._teller.chunks.conceal_spans(direction, frame.data, whole)
        read = _PAYLOADS.get(frame.type)
        if read is not None:
            info |= read(frame)
        return info


def _flag_names(frame: Http2Frame) -> list[str]:
    """The flags that mean something on this frame, and others as their number."""
    names, left = [], frame.flags
    for flag, name in _FLAGS.get(frame.type, ()):
        if left & flag:
            names.append(name)
            left &= ~flag
    return [*names, f"0x{left:02x}"] if left else names


_END_STREAM = (int(Http2Flag.END_STREAM), "end_stream")
_END_HEADERS = (int(Http2Flag.END_HEADERS), "end_headers")
_PADDED = (int(Http2Flag.PADDED), "padded")
_ACK = (int(Http2Flag.ACK), "ack")
_FLAGS: dict[int, tuple[tuple[int, str], ...]] = {
    Http2FrameType.DATA: (_END_STREAM, _PADDED),
    Http2FrameType.HEADERS: (
        _END_STREAM,
        _END_HEADERS,
        _PADDED,
        (int(Http2Flag.PRIORITY), "priority"),
    ),
    Http2FrameType.CONTINUATION: (_END_HEADERS,),
    Http2FrameType.SETTINGS: (_ACK,),
    Http2FrameType.PING: (_ACK,),
    Http2FrameType.PUSH_PROMISE: (_END_HEADERS, _PADDED),
}


def _number(data: bytes) -> int:
    return int.from_bytes(data[:4], "big") & 0x7FFF_FFFF


def _settings(frame: Http2Frame) -> dict[str, Any]:
    # RFC 9113 6.5.1: pairs of a 16-bit identifier and a 32-bit value
    pairs = [frame.data[start : start + 6] for start in range(0, len(frame.data), 6)]
    entries = {
        _SETTINGS.get(number := int.from_bytes(pair[:2], "big"), f"0x{number:02x}"): (
            int.from_bytes(pair[2:], "big")
        )
        for pair in pairs
    }
    return {"settings": entries} if entries else {}


_SETTINGS = {
    1: "HEADER_TABLE_SIZE",
    2: "ENABLE_PUSH",
    3: "MAX_CONCURRENT_STREAMS",
    4: "INITIAL_WINDOW_SIZE",
    5: "MAX_FRAME_SIZE",
    6: "MAX_HEADER_LIST_SIZE",
}

# RFC 9113 6.4, 6.5, 6.7, 6.8, 6.9
_PAYLOADS: dict[int, Callable[[Http2Frame], dict[str, Any]]] = {
    Http2FrameType.RST_STREAM: lambda frame: {"code": _number(frame.data)},
    Http2FrameType.SETTINGS: _settings,
    Http2FrameType.PING: lambda frame: {"opaque": frame.data.hex()},
    Http2FrameType.GOAWAY: lambda frame: {
        "last_stream": _number(frame.data),
        "code": int.from_bytes(frame.data[4:8], "big"),
        "debug": frame.data[8:].decode(errors="replace"),
    },
    Http2FrameType.WINDOW_UPDATE: lambda frame: {"delta": _number(frame.data)},
}
