"""One frame of any layer, as faults see it: what it is, its bytes, and how to write it.

A frame that nobody changed goes out with the bytes it came in. One that was changed or
made is written anew by its layer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from faults.selectors import RequestFacts
    from hops.pipe import Direction

__all__ = ["Body", "Decoder", "Frame", "Opaque"]


@dataclass(slots=True, eq=False, kw_only=True)
class Frame:
    """What all frames have.

    Attributes:
        kinds: layer -> type; a frame can be of several, e.g. a WebSocket message that is
            the status: {"websocket": "binary", "channel": "error",
            "remotecommand": "status"}.
        raw: its bytes as they came; None when it was changed or made.
        size: how many bytes of the connection it is.
        request: the HTTP request or gRPC call that it belongs to.
        channel: the channel's number, or the SPDY or HTTP/2 stream's.
        name: of the channel or stream: "stdin" ... "resize"; "" when it has none.
    """

    direction: Direction
    kinds: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    size: int = 0
    request: RequestFacts | None = None
    channel: int | None = None
    name: str = ""

    @property
    def data(self) -> bytes | None:
        """What it carries for the layer above; None when it carries nothing."""
        return None

    @data.setter
    def data(self, value: bytes) -> None:
        raise TypeError(f"{self.text} carries no data")

    @property
    def text(self) -> str:
        """`layer/type` of its lowest layer, and the channel."""
        layer, kind = next(iter(self.kinds.items()), ("bytes", "chunk"))
        where = f" {self.name or self.channel}" if self.channel is not None else ""
        return f"{layer}/{kind}{where}"

    def __post_init__(self) -> None:
        if not self.size and self.raw is not None:
            self.size = len(self.raw)

    def changed(self) -> None:
        """Say that `raw` is not what should be sent any more."""
        self.raw = None

    def encode(self) -> bytes:
        """The bytes to send. Called once, in the order of sending."""
        raise NotImplementedError

    def copy(self) -> Frame:
        """The same frame once more, to be sent besides."""
        raise NotImplementedError


@dataclass(slots=True, eq=False, kw_only=True)
class Opaque(Frame):
    """Bytes that no layer reads."""

    content: bytes = b""

    @property
    def data(self) -> bytes | None:
        return self.content

    @data.setter
    def data(self, value: bytes) -> None:
        self.content = value

    def encode(self) -> bytes:
        return self.content

    def copy(self) -> Frame:
        return Opaque(
            direction=self.direction,
            kinds=self.kinds,
            request=self.request,
            content=self.content,
        )


class Body(Opaque):
    """A piece of a message body, with the chunk sizes that stand in it."""

    __slots__ = ()


class Decoder(Protocol):
    """Both directions of a layer: bytes in, whole frames out.

    The frames of a direction together are all of its bytes, in order. At most one
    incomplete frame a direction is held.
    """

    @property
    def rewriting(self) -> bool:
        """Whether every later byte must come through us, since we changed a context."""

    def receive(self, direction: Direction, data: bytes, out: list[Frame]) -> None:
        """Add the frames that are whole now to `out`.

        Raises:
            RemoteProtocolError: the bytes behind those frames are not of this layer.
        """

    def released(self) -> list[Frame]:
        """Take frames of the other direction than the last `receive`, free to go now."""
