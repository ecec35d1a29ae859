"""gRPC calls: who is called, what is said, and how it ends.

Source: grpc/grpc doc/PROTOCOL-HTTP2.md.
"""

from __future__ import annotations

import contextlib
import zlib
from typing import TYPE_CHECKING, Any

from hops.pipe import Direction
from hops.session import HEADER, TraceParent, from_token
from hops.taps.grpc_json import MessageReader
from hops.taps.grpc_registry import Method, find_method
from hops.taps.grpc_spans import message_spans
from hops.taps.masks import paint_spans, scrub, streaming_token
from wire.grpc_messages import (
    GrpcMessage,
    GrpcMessageReader,
    grpc_status,
    is_grpc,
    method_name,
)
from wire.http2 import Http2FrameType

if TYPE_CHECKING:
    from hops.taps.teller import Teller
    from wire.http2 import Http2Frame

__all__ = ["GrpcCall", "GrpcCalls"]

_MAX_CALLS = 10_000  # at once; a peer may open any number
_MAX_DECODED = 4 << 20  # bytes of a message that is shown as JSON


class GrpcCall:
    """One call: its method, its session, and the messages of both directions."""

    def __init__(self, path: str, trace: str | None, begun: float) -> None:
        self.path = path
        self.trace = trace
        self.begun = begun
        self.method: Method | None = find_method(path)
        self.messages = {way: GrpcMessageReader() for way in Direction}
        self.counts = dict.fromkeys(Direction, 0)
        self.coding = dict.fromkeys(Direction, "identity")


class GrpcCalls:
    """The calls of one connection. Events of `grpc`, and one of its service at the end."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._calls: dict[int, GrpcCall] = {}

    def get(self, stream: int) -> GrpcCall | None:
        """The call of a stream, or None."""
        return self._calls.get(stream)

    def inside_message(self, direction: Direction) -> bool:
        """Whether some message of that direction is half there."""
        return any(call.messages[direction].pending for call in self._calls.values())

    def on_headers(self, direction: Direction, frame: Http2Frame) -> None:
        """Headers came: they may begin a call."""
        headers = frame.headers or ()
        call = self._calls.get(frame.stream)
        if direction is Direction.UP and call is None and is_grpc(headers):
            if len(self._calls) >= _MAX_CALLS:
                return
            session = TraceParent.parse(dict(headers).get(HEADER))
            trace = session.trace_id if session is not None else None
            call = GrpcCall(method_name(headers), trace, self._teller.now)
            self._calls[frame.stream] = call
        if call is not None:
            coding = dict(headers).get("grpc-encoding")
            call.coding[direction] = coding or call.coding[direction]

    def on_frame(self, direction: Direction, frame: Http2Frame, call: GrpcCall) -> None:
        """A frame of a call went by."""
        up = direction is Direction.UP
        if frame.headers is not None and up and not call.counts[direction]:
            self._tell(direction, frame.stream, call, "call", {})
        if frame.type == Http2FrameType.DATA:
            for message in call.messages[direction].receive_data(frame.data):
                self._on_message(direction, frame.stream, call, message)
        status = grpc_status(frame.headers) if frame.headers and not up else None
        if status is not None:
            info: dict[str, Any] = {"code": status[0], "message": status[1]}
            self._tell(direction, frame.stream, call, "status", info)
            self._tell_service(frame.stream, call, status[0])
        reset = frame.type == Http2FrameType.RST_STREAM
        if reset and status is None:
            info = {"code": int.from_bytes(frame.data[:4], "big")}
            self._tell(direction, frame.stream, call, "reset", info)
            self._tell_service(frame.stream, call, None)
        if reset or (frame.end_stream and not up):
            self._calls.pop(frame.stream, None)

    def _on_message(
        self, direction: Direction, stream: int, call: GrpcCall, message: GrpcMessage
    ) -> None:
        call.counts[direction] += 1
        if self._teller.muted:
            return
        reader = MessageReader(unmasked=self._teller.settings.secrets)
        info, data = self._read(direction, call, message, reader)
        if call.trace is None and reader.url is not None:
            token = streaming_token(reader.url)
            call.trace = from_token(token).trace_id if token is not None else None
        if reader.masked:
            data = self._conceal(direction, call, message)
        self._tell(
            direction,
            stream,
            call,
            "message",
            info,
            size=len(message.data),
            payload=data,
        )

    def _read(
        self,
        direction: Direction,
        call: GrpcCall,
        message: GrpcMessage,
        reader: MessageReader,
    ) -> tuple[dict[str, Any], bytes | None]:
        """(facts, what may be shown of the bytes)."""
        if call.method is None:
            return {}, self._unknown(direction, message)
        up = direction is Direction.UP
        kind = call.method.request if up else call.method.response
        info: dict[str, Any] = {"message_type": kind.DESCRIPTOR.full_name}
        if len(message.data) > _MAX_DECODED:
            return info | {"omitted": "too large"}, None
        try:
            data = _inflate(message, call.coding[direction])
            info["message"] = reader.parse(kind, data)
        except (ValueError, zlib.error) as err:
            return info | {"error": str(err)}, None
        # Compressed bytes cannot be painted over, and say nothing to a reader.
        return info, None if message.compressed else message.data

    def _unknown(self, direction: Direction, message: GrpcMessage) -> bytes:
        """Of a message whose fields nobody knows: without what looks like a credential."""
        if self._teller.settings.secrets:
            return message.data
        shown = scrub(message.data)
        if shown != message.data:
            whole = [(0, len(message.data))]
            self._teller.chunks.conceal_spans(direction, message.data, whole)
        return shown

    def _conceal(
        self, direction: Direction, call: GrpcCall, message: GrpcMessage
    ) -> bytes | None:
        """Paint over the secrets of a message; answers what may be shown of it."""
        spans = [(0, len(message.data))]
        if call.method is not None and not message.compressed:
            up = direction is Direction.UP
            kind = call.method.request if up else call.method.response
            with contextlib.suppress(ValueError):
                spans = message_spans(kind, message.data)
        self._teller.chunks.conceal_spans(direction, message.data, spans)
        return paint_spans(message.data, spans)

    def _tell(
        self,
        direction: Direction,
        stream: int,
        call: GrpcCall,
        kind: str,
        info: dict[str, Any],
        *,
        size: int = 0,
        payload: bytes | None = None,
    ) -> None:
        self._teller.tell(
            direction,
            "grpc",
            kind,
            stream=stream,
            size=size,
            payload=payload,
            info={"method": call.path} | info,
            trace=call.trace,
        )

    def _tell_service(self, stream: int, call: GrpcCall, code: int | None) -> None:
        """The whole call, in the layer of its service."""
        if call.method is None:
            return
        info = {
            "code": code,
            "seconds": round(self._teller.now - call.begun, 6),
            "requests": call.counts[Direction.UP],
            "responses": call.counts[Direction.DOWN],
        }
        self._teller.tell(
            Direction.DOWN,
            call.method.layer,
            call.method.name,
            stream=stream,
            info=info,
            trace=call.trace,
        )


def _inflate(message: GrpcMessage, coding: str) -> bytes:
    """A message without its compression. Raises ValueError, zlib.error."""
    if not message.compressed:
        return message.data
    windows = {"gzip": 31, "deflate": 15}
    if coding not in windows:
        raise ValueError(f"unknown grpc-encoding {coding!r}")
    inflater = zlib.decompressobj(windows[coding])
    data = inflater.decompress(message.data, _MAX_DECODED)
    if inflater.unconsumed_tail:
        raise ValueError("too large")
    return data
