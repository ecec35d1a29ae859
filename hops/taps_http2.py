"""HTTP/2 frames, and the gRPC calls in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hops.masks import mask_headers
from hops.pipe import Direction
from hops.session import HEADER, TraceParent
from wire.grpc_messages import GrpcMessageReader, grpc_status, is_grpc, method_name
from wire.http2 import Http2Frame, Http2FrameType, Http2Reader

if TYPE_CHECKING:
    from hops.taps import Teller

__all__ = ["Http2Layer"]


class _Call:
    """One gRPC call: its method, its session, and the messages of both directions."""

    def __init__(self, method: str, trace: str | None) -> None:
        self.method = method
        self.trace = trace
        self.messages = {way: GrpcMessageReader() for way in Direction}


class Http2Layer:
    """Events: every frame as `http2`; call, message and status as `grpc`."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._readers = {
            Direction.UP: Http2Reader(client=True),
            Direction.DOWN: Http2Reader(client=False),
        }
        self._calls: dict[int, _Call] = {}

    def feed(self, direction: Direction, data: bytes) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are not HTTP/2."""
        for frame in self._readers[direction].receive_data(data):
            self._on_frame(direction, frame)

    def eof(self, direction: Direction) -> None:
        """Nothing of this layer ends with a direction."""

    def _on_frame(self, direction: Direction, frame: Http2Frame) -> None:
        info: dict[str, Any] = {}
        if frame.flags:
            info["flags"] = frame.flags
        if frame.headers is not None:
            info["headers"] = mask_headers(frame.headers)
            self._note_call(direction, frame)
        call = self._calls.get(frame.stream)
        trace = call.trace if call is not None else None
        kind = frame.name.lower()
        self._teller.tell(
            direction,
            "http2",
            kind,
            stream=frame.stream,
            size=len(frame.data),
            info=info,
            trace=trace,
        )
        if call is not None:
            self._tell_grpc(direction, frame, call)

    def _note_call(self, direction: Direction, frame: Http2Frame) -> None:
        headers = frame.headers or ()
        if direction is not Direction.UP or not is_grpc(headers):
            return
        session = TraceParent.parse(dict(headers).get(HEADER))
        trace = session.trace_id if session is not None else None
        self._calls[frame.stream] = _Call(method_name(headers), trace)

    def _tell_grpc(self, direction: Direction, frame: Http2Frame, call: _Call) -> None:
        if frame.headers is not None and direction is Direction.UP:
            self._tell(direction, frame.stream, call, "call")
        if frame.type == Http2FrameType.DATA:
            for message in call.messages[direction].receive_data(frame.data):
                self._tell(
                    direction, frame.stream, call, "message", size=len(message.data)
                )
        if frame.headers is not None and direction is Direction.DOWN:
            status = grpc_status(frame.headers)
            if status is not None:
                info = {"code": status[0], "message": status[1]}
                self._tell(direction, frame.stream, call, "status", info=info)
        over = frame.end_stream and direction is Direction.DOWN
        if over or frame.type == Http2FrameType.RST_STREAM:
            self._calls.pop(frame.stream, None)

    def _tell(
        self,
        direction: Direction,
        stream: int,
        call: _Call,
        kind: str,
        *,
        size: int = 0,
        info: dict[str, Any] | None = None,
    ) -> None:
        self._teller.tell(
            direction,
            "grpc",
            kind,
            stream=stream,
            size=size,
            info={"method": call.method} | (info or {}),
            trace=call.trace,
        )
