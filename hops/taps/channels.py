"""channel.k8s.io messages, and what they mean in exec, attach and port-forward."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from hops.pipe import Direction
from hops.taps.remotecommand_facts import status_facts
from wire.channels import (
    SUBPROTOCOLS,
    Channel,
    Codec,
    Subprotocol,
    decode_base64,
)
from wire.errors import RemoteProtocolError
from wire.terminal import ResizeDecoder

if TYPE_CHECKING:
    from hops.taps.layer import MessageLayer
    from hops.taps.teller import Teller
    from wire.websocket_scan import ScannedFrame

__all__ = ["channel_layer", "channel_name"]

# /api/v1/.../exec, /exec/NAMESPACE/POD/CONTAINER, /exec/TOKEN and so on
_COMMAND = re.compile(r"/(?:exec|attach)(?:/|\?|$)")
_FORWARD = re.compile(r"/portforward(?:/|\?|$)", re.IGNORECASE)
_MAX_MEANING = 1 << 20  # bytes of a status or a size that are looked at
_NAMES = {int(channel): channel.name.lower() for channel in Channel}
_DATA_CHANNELS = frozenset(map(int, (Channel.STDIN, Channel.STDOUT, Channel.STDERR)))


def channel_layer(teller: Teller, subprotocol: str, target: str) -> MessageLayer | None:
    """The layer above WebSocket frames, or None when they carry no channels."""
    kind = SUBPROTOCOLS.get(subprotocol)
    if kind is None:
        return None
    if _FORWARD.search(target):
        return _ForwardChannels(teller, kind, target)
    # A watch or a log on a WebSocket has no subprotocol, and no channels.
    if subprotocol or _COMMAND.search(target):
        return _CommandChannels(teller, kind)
    return None


def channel_name(number: int) -> str:
    """`stdin`, `stdout` ...; `channel-9` when it has no name."""
    return _NAMES.get(number) or f"channel-{number}"


class _Channels:
    """Splits messages. Each frame is a message, as the servers read it."""

    def __init__(self, teller: Teller, kind: Subprotocol) -> None:
        self._teller = teller
        self._kind = kind
        self._is_binary = kind.codec is Codec.BINARY

    def wanted(self, length: int, first: int) -> int:
        """All of base64; of data what is shown of it; all of what has a meaning."""
        if not self._is_binary:
            return length
        if self._is_data(first):
            return self._teller.settings.data_bytes + 1
        return _MAX_MEANING

    def _is_data(self, channel: int) -> bool:
        return channel in _DATA_CHANNELS

    def on_frame(self, direction: Direction, frame: ScannedFrame) -> None:
        """A data frame went by."""
        if not frame.length:
            return
        if self._is_binary:
            data = frame.payload[1:]
            self._on_message(direction, frame.payload[0], data, frame.length - 1)
            return
        try:
            message = decode_base64(frame.payload)
        except RemoteProtocolError as err:
            info = {"error": str(err)}
            self._teller.tell(
                direction, "channel", "undecodable", size=frame.length, info=info
            )
            return
        size = len(message.data)
        self._on_message(direction, message.channel, message.data, size)

    def _on_message(
        self, direction: Direction, channel: int, data: bytes, size: int
    ) -> None:
        raise NotImplementedError


class _CommandChannels(_Channels):
    """exec and attach."""

    def __init__(self, teller: Teller, kind: Subprotocol) -> None:
        super().__init__(teller, kind)
        self._resizes = ResizeDecoder()

    def _on_message(
        self, direction: Direction, channel: int, data: bytes, size: int
    ) -> None:
        self._teller.tell(
            direction,
            "channel",
            channel_name(channel),
            stream=channel,
            channel=channel,
            size=size,
            payload=data,
        )
        if channel not in _DATA_CHANNELS or not size:
            self._tell_meaning(direction, channel, data)

    def _tell_meaning(self, direction: Direction, channel: int, data: bytes) -> None:
        match channel:
            case Channel.RESIZE:
                for size in self._resizes.receive_data(data):
                    info = {"width": size.width, "height": size.height}
                    self._tell(direction, "resize", channel, info)
            case Channel.ERROR if data:
                self._tell(direction, "status", channel, status_facts(data))
            case Channel.CLOSE if self._kind.close_channel and data:
                closed = channel_name(data[0])
                self._tell(direction, "close", channel, {"channel": closed})
                if data[0] == Channel.STDIN and direction is Direction.UP:
                    self._tell(direction, "stdin_end", channel, {})
            case Channel.STDOUT | Channel.STDERR | Channel.ERROR if not data:
                if direction is Direction.DOWN:
                    self._tell(direction, "ready", channel, {})

    def _tell(
        self, direction: Direction, kind: str, channel: int, info: dict[str, Any]
    ) -> None:
        self._teller.tell(direction, "remotecommand", kind, channel=channel, info=info)


class _ForwardChannels(_Channels):
    """Port-forward, two channels a port: 2i for data, 2i + 1 for an error text."""

    def __init__(self, teller: Teller, kind: Subprotocol, target: str) -> None:
        super().__init__(teller, kind)
        self._asked = _ports(target)
        self._named: set[int] = set()  # channels whose port the server has said
        self._opened: set[int] = set()

    def _is_data(self, channel: int) -> bool:
        return channel % 2 == 0 and channel in self._named

    def _on_message(
        self, direction: Direction, channel: int, data: bytes, size: int
    ) -> None:
        self._teller.tell(
            direction,
            "channel",
            "error" if channel % 2 else "data",
            stream=channel,
            channel=channel,
            size=size,
            payload=data,
        )
        # Source: cri-streaming pkg/streaming/portforward/websocket.go: the first
        # message on each channel, from the server, is the port.
        if direction == "down" and channel not in self._named:
            self._named.add(channel)
            if size == 2:
                self._on_port(direction, channel, data)
                return
        kind = "error" if channel % 2 else "data"
        self._tell(direction, kind, channel, data, size=size)

    def _on_port(self, direction: Direction, channel: int, data: bytes) -> None:
        """It stands on both channels of the port, and opens it once."""
        if channel // 2 not in self._opened:
            self._opened.add(channel // 2)
            self._tell(direction, "opened", channel, data, size=0)

    def _tell(
        self, direction: Direction, kind: str, channel: int, data: bytes, *, size: int
    ) -> None:
        index = channel // 2
        info: dict[str, Any] = {"forward": index}
        if index < len(self._asked):
            info["port"] = self._asked[index]
        if kind == "opened":
            info["port"] = int.from_bytes(data, "little")
        if kind == "error":
            info["text"] = data[:_MAX_MEANING].decode(errors="replace")
        self._teller.tell(
            direction,
            "portforward",
            kind,
            channel=channel,
            size=size,
            payload=data if kind == "data" else None,
            info=info,
        )


def _ports(target: str) -> list[int]:
    """The ports of a query: `ports=80,81`, or `port` many times."""
    query = parse_qs(target.partition("?")[2])
    texts = ",".join([*query.get("ports", ()), *query.get("port", ())]).split(",")
    return [int(text) for text in texts if text.isascii() and text.isdigit()]
