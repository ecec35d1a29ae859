"""WebSocket frames: what they look like on the wire, both directions.

Source: RFC 6455 section 5. Two readings are offered: the strict one of the RFC
(gorilla/websocket, what clients use) and the lenient one of
golang.org/x/net/websocket, which kubelets and runtimes serve with: it looks
neither at reserved bits nor at unknown opcodes and takes every frame for a
message.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from wire.errors import RemoteProtocolError
from wire.masking import apply_mask
from wire.records import dataclass
from wire.websocket_handshake import (
    HandshakeRefused,
    Negotiated,
    accept_key,
    check_client_handshake,
    client_handshake,
    is_websocket_request,
    negotiate,
    offered_subprotocols,
)

__all__ = [
    "MAX_PAYLOAD",
    "CloseCode",
    "Frame",
    "FrameDecoder",
    "FrameError",
    "HandshakeRefused",
    "Negotiated",
    "Opcode",
    "accept_key",
    "apply_mask",
    "check_client_handshake",
    "client_handshake",
    "close_payload",
    "encode_frame",
    "frame_header",
    "is_websocket_request",
    "negotiate",
    "offered_subprotocols",
    "parse_close",
]

Buffer = bytes | bytearray | memoryview

MAX_PAYLOAD = 32 * 1024 * 1024  # x/net/websocket DefaultMaxPayloadBytes
_MAX_CONTROL_PAYLOAD = 125


class Opcode(IntEnum):
    """RFC 6455 5.2; control frames have the fourth bit set."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class CloseCode(IntEnum):
    """RFC 6455 7.4.1; those that occur in remotecommand."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    NO_STATUS = 1005  # never on the wire: the close frame was empty
    ABNORMAL = 1006  # never on the wire: there was no close frame
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, its payload unmasked; `raw_size` is its size on the wire."""

    fin: bool
    opcode: int
    payload: bytes
    masked: bool
    raw_size: int
    rsv: int = 0

    @property
    def is_control(self) -> bool:
        """Whether this is a close, ping or pong (or a reserved control frame)."""
        return self.opcode >= Opcode.CLOSE


def frame_header(
    opcode: int, length: int, *, fin: bool = True, mask: bytes | None = None
) -> bytes:
    """The header of a frame with a payload of `length` bytes.

    A caller that has the payload elsewhere can send it after this without
    copying; with a mask it must be masked already.
    """
    first = (0x80 if fin else 0) | opcode
    mask_bit = 0x80 if mask is not None else 0
    if length < 126:
        header = struct.pack("!BB", first, mask_bit | length)
    elif length < 0x10000:
        header = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        header = struct.pack("!BBQ", first, mask_bit | 127, length)
    return header if mask is None else header + mask


def encode_frame(
    opcode: int, payload: Buffer, *, fin: bool = True, mask: bytes | None = None
) -> bytes:
    """A whole frame; clients must pass a fresh random `mask`."""
    header = frame_header(opcode, len(payload), fin=fin, mask=mask)
    return header + (payload if mask is None else apply_mask(payload, mask))


def close_payload(code: int, reason: str = "") -> bytes:
    """The payload of a close frame; a long reason is cut to fit 125 bytes."""
    text = reason.encode()[: _MAX_CONTROL_PAYLOAD - 2]
    return struct.pack("!H", code) + text.decode(errors="ignore").encode()


def parse_close(payload: bytes) -> tuple[int, str]:
    """(code, reason) of a close frame; 1005 when it is empty (RFC 6455 7.1.5).

    Raises:
        RemoteProtocolError: a payload of one byte.
    """
    if not payload:
        return CloseCode.NO_STATUS, ""
    if len(payload) < 2:
        raise RemoteProtocolError(
            "invalid close payload", code=CloseCode.PROTOCOL_ERROR
        )
    (code,) = struct.unpack_from("!H", payload)
    return code, payload[2:].decode(errors="replace")


class FrameDecoder:
    """Bytes in, frames out; holds at most one incomplete frame.

    Args:
        require_mask: True at a server, False at a client, None at a tap.
        max_payload: larger frames are refused when their header is seen.
        lenient: read as x/net/websocket does (see the module).
    """

    def __init__(
        self,
        require_mask: bool | None,
        max_payload: int = MAX_PAYLOAD,
        *,
        lenient: bool = False,
    ) -> None:
        self._require_mask = require_mask
        self._max_payload = max_payload
        self._lenient = lenient
        self._buffer = bytearray()
        self._needed = 2  # bytes that must be there before it is worth looking

    @property
    def pending(self) -> int:
        """How many bytes of an incomplete frame are held."""
        return len(self._buffer)

    def receive_data(self, data: Buffer) -> list[Frame]:
        """The frames that are whole now.

        Raises:
            RemoteProtocolError: with the close code that suits. Frames before
                the bad one are in its `frames` attribute.
        """
        self._buffer += data
        frames: list[Frame] = []
        if len(self._buffer) < self._needed:
            return frames
        try:
            offset = self._decode_all(frames)
        except RemoteProtocolError as err:
            raise FrameError(err, frames) from None
        del self._buffer[:offset]
        self._needed -= offset
        return frames

    def _decode_all(self, frames: list[Frame]) -> int:
        """Decode while frames are whole; answers how far that came."""
        offset = 0
        with memoryview(self._buffer) as view:
            while True:
                end = self._decode_one(view, offset, frames)
                if end is None:
                    return offset
                offset = end

    def _decode_one(
        self, view: memoryview, offset: int, frames: list[Frame]
    ) -> int | None:
        available = len(view) - offset
        if available < 2:
            self._needed = offset + 2
            return None
        first, second = view[offset], view[offset + 1]
        masked, length = bool(second & 0x80), second & 0x7F
        self._check_start(first, masked, length)
        header = 2 + _EXTRA_LENGTH.get(length, 0)
        if available < header:
            self._needed = offset + header
            return None
        if length == 126:
            (length,) = struct.unpack_from("!H", view, offset + 2)
        elif length == 127:
            (length,) = struct.unpack_from("!Q", view, offset + 2)
        length = self._check_length(length)
        start = offset + header + (4 if masked else 0)
        end = start + length
        if len(view) < end:
            self._needed = end
            return None
        payload: bytes
        if masked:
            mask = bytes(view[start - 4 : start])
            payload = apply_mask(view[start:end], mask)
        else:
            payload = bytes(view[start:end])
        frames.append(
            Frame(
                fin=bool(first & 0x80),
                opcode=first & 0x0F,
                payload=payload,
                masked=masked,
                raw_size=end - offset,
                rsv=(first >> 4) & 7,
            )
        )
        return end

    def _check_start(self, first: int, masked: bool, length: int) -> None:
        if self._require_mask is not None and masked != self._require_mask:
            # RFC 6455 5.1: a server MUST close on an unmasked frame, a client
            # on a masked one; 1002 may be used.
            _refuse("bad MASK")
        if self._lenient:
            return
        opcode = first & 0x0F
        if first & 0x70:
            _refuse("RSV bits set")
        if opcode not in _OPCODES:
            _refuse(f"bad opcode {opcode}")
        if opcode >= Opcode.CLOSE:
            # RFC 6455 5.5: "All control frames MUST have a payload length of 125
            # bytes or less and MUST NOT be fragmented."
            if length > _MAX_CONTROL_PAYLOAD:
                _refuse("bad control frame length")
            if not first & 0x80:
                _refuse("FIN not set on control")

    def _check_length(self, length: int) -> int:
        if self._lenient:
            length &= 0x7FFF_FFFF_FFFF_FFFF  # x/net drops the highest bit
        if length > self._max_payload:
            raise RemoteProtocolError(
                f"frame of {length} bytes: at most {self._max_payload} are accepted",
                code=CloseCode.TOO_BIG,
            )
        return length


class FrameError(RemoteProtocolError):
    """The frame stream broke; `frames` came whole before that."""

    def __init__(self, cause: RemoteProtocolError, frames: list[Frame]) -> None:
        super().__init__(str(cause), code=cause.code)
        self.frames = frames


_EXTRA_LENGTH = {126: 2, 127: 8}
_OPCODES = frozenset(Opcode)


def _refuse(message: str) -> None:
    raise RemoteProtocolError(message, code=CloseCode.PROTOCOL_ERROR)
