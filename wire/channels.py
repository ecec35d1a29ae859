"""channel.k8s.io: one WebSocket message is one channel number followed by data.

Source: kubernetes/apimachinery pkg/util/remotecommand/constants.go (names and
numbers), kubernetes/streaming pkg/httpstream/wsstream/conn.go (the codecs);
KEP-4006 for v5.
"""

from __future__ import annotations

import base64
import binascii
from enum import IntEnum

from wire.errors import RemoteProtocolError
from wire.records import dataclass
from wire.websocket import Opcode

__all__ = [
    "EXEC_SUBPROTOCOLS",
    "SUBPROTOCOLS",
    "Channel",
    "ChannelMessage",
    "Codec",
    "Subprotocol",
    "decode_base64",
    "decode_binary",
    "encode_base64",
    "encode_binary",
]

Buffer = bytes | bytearray | memoryview


class Channel(IntEnum):
    """Stream numbers of remotecommand; the first three are the file descriptors."""

    STDIN, STDOUT, STDERR, ERROR, RESIZE = range(5)
    CLOSE = 255  # v5 only; the payload is the number of the channel to close


class Codec(IntEnum):
    """How a message carries its channel; the value is the opcode a server sends."""

    BASE64 = Opcode.TEXT
    BINARY = Opcode.BINARY


@dataclass(frozen=True, slots=True)
class ChannelMessage:
    """Data on one channel. Empty data is legal: servers open with it."""

    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Subprotocol:
    """What a negotiated name means (remotecommand.md section 4)."""

    name: str
    codec: Codec
    json_status: bool  # else plain text, and only on failure
    close_channel: bool = False  # FF 00 ends stdin


SUBPROTOCOLS: dict[str, Subprotocol] = {
    protocol.name: protocol
    for protocol in (
        Subprotocol("", Codec.BINARY, json_status=False),
        Subprotocol("channel.k8s.io", Codec.BINARY, json_status=False),
        Subprotocol("base64.channel.k8s.io", Codec.BASE64, json_status=False),
        Subprotocol("v4.channel.k8s.io", Codec.BINARY, json_status=True),
        Subprotocol("v4.base64.channel.k8s.io", Codec.BASE64, json_status=True),
        Subprotocol("v5.channel.k8s.io", Codec.BINARY, True, close_channel=True),
    )
}

#: What our runtime serves on a WebSocket. Unlike cri-streaming, which leaves v5 to
#: the translators in front of it, it serves v5 itself.
EXEC_SUBPROTOCOLS: tuple[str, ...] = tuple(SUBPROTOCOLS)


def encode_binary(channel: int, data: Buffer) -> bytes:
    """A binary message."""
    return bytes((channel,)) + data


def decode_binary(message: bytes) -> ChannelMessage:
    """Split a binary message into its channel and data.

    Raises:
        RemoteProtocolError: the message is empty, so it names no channel.
    """
    if not message:
        raise RemoteProtocolError("empty message: expected a channel byte")
    return ChannelMessage(message[0], message[1:])


def encode_base64(channel: int, data: Buffer) -> bytes:
    """A text message: the channel as a digit, then this data alone in base64."""
    return b"%c%b" % (0x30 + channel, base64.b64encode(data))


def decode_base64(message: bytes) -> ChannelMessage:
    """Split a text message.

    Raises:
        RemoteProtocolError: empty, or not base64.
    """
    if not message:
        raise RemoteProtocolError("empty message: expected a channel digit")
    # Go's base64.StdEncoding skips line ends and is strict otherwise.
    text = message[1:].translate(None, b"\r\n")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise RemoteProtocolError(f"illegal base64 data: {err}") from None
    return ChannelMessage(message[0] - 0x30, data)
