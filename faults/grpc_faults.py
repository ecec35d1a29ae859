"""Faults on gRPC calls: any code, a late answer, a streaming URL that leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from faults.frame_fault import FrameFault
from faults.frame_faults import returned_window
from faults.framing.http2 import Http2Unit
from hops.pipe import Direction
from wire.grpc_codes import GRPC_CODES
from wire.http2 import Http2Flag, Http2FrameType

if TYPE_CHECKING:
    from faults.actions import Item
    from faults.frame_fault import Terms
    from faults.framing.frame import Frame
    from faults.selectors import RequestFacts

__all__ = ["GrpcDelay", "GrpcStatus", "StreamUrl"]

_URL_METHODS = ("Exec", "Attach", "PortForward")


class _CallFault(FrameFault):
    """Looks at the frames of calls to one method."""

    def frame(self, frame: Frame, now: float) -> list[Item] | None:
        """Only frames of streams; see `unit`."""
        if not isinstance(frame, Http2Unit) or not frame.stream:
            return None
        return self.unit(frame, now)

    def unit(self, unit: Http2Unit, now: float) -> list[Item] | None:
        """What to send in place of a frame of a stream."""
        raise NotImplementedError

    def is_meant(self, call: RequestFacts | None) -> bool:
        """Whether this is a call to the method; without one: to any."""
        if call is None or not call.is_call:
            return False
        method = self.values["method"]
        return method in ("", call.path, call.path.rpartition("/")[2])


class GrpcStatus(_CallFault):
    """A call is answered here with a code and a message; it never reaches the server."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._answered: set[int] = set()

    def unit(self, unit: Http2Unit, now: float) -> list[Item] | None:
        """Answer the call's headers, drop its other frames."""
        if unit.direction is Direction.DOWN:
            return None
        if unit.stream in self._answered:
            return returned_window(unit, self)
        begins = unit.kinds.get("grpc") == "call"
        if not begins or not self.is_meant(unit.request) or not self.strike():
            return None
        self._answered.add(unit.stream)
        http2 = self.conversation.http2 if self.conversation is not None else None
        if http2 is None:
            return None
        return [
            http2.make(
                Direction.DOWN,
                Http2FrameType.HEADERS,
                unit.stream,
                flags=Http2Flag.END_STREAM,
                headers=self._trailers(),
            )
        ]

    def _trailers(self) -> tuple[tuple[str, str], ...]:
        # PROTOCOL-HTTP2.md: Trailers-Only; the message is percent-encoded
        code = GRPC_CODES.index(self.values["code"])
        trailers = [
            (":status", "200"),
            ("content-type", "application/grpc"),
            ("grpc-status", str(code)),
        ]
        if self.values["message"]:
            safe = " !\"#$&'()*+,-./:;<=>?@[]^_`{|}~"
            trailers.append(("grpc-message", quote(self.values["message"], safe=safe)))
        return tuple(trailers)


class GrpcDelay(_CallFault):
    """The answer to a call comes late; other calls are not held up."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._held: dict[int, tuple[float, list[Frame]]] = {}
        self._done: set[int] = set()

    def unit(self, unit: Http2Unit, now: float) -> list[Item] | None:
        """Hold what comes back on the call's stream."""
        if unit.direction is Direction.UP:
            return None
        held = self._held.get(unit.stream)
        if held is not None:
            held[1].append(unit)
            return []
        if unit.stream in self._done or not self.is_meant(unit.request):
            return None
        if not self.strike():
            return None
        self._held[unit.stream] = (now + self.values["delay"] / 1000, [unit])
        return []

    def deadline(self) -> float | None:
        """When the next answer is due."""
        return min((due for due, _ in self._held.values()), default=None)

    def expire(self, now: float) -> list[Item]:
        """Let go what is due."""
        due = [stream for stream, (when, _) in self._held.items() if when <= now]
        self._done.update(due)
        return [frame for stream in due for frame in self._held.pop(stream)[1]]

    def end(self, direction: Direction, now: float) -> list[Item]:
        """Let go everything."""
        if direction is Direction.UP:
            return []
        held, self._held = self._held, {}
        return [frame for _, frames in held.values() for frame in frames]


class StreamUrl(_CallFault):
    """The URL in the answer to Exec, Attach or PortForward leads nowhere."""

    def unit(self, unit: Http2Unit, now: float) -> list[Item] | None:
        """Change the URL."""
        is_answer = unit.direction is Direction.DOWN and unit.data
        if not is_answer or not self._is_streaming(unit.request):
            return None
        changed = self._changed(unit.payload)
        if changed is None or not self.strike():
            return None
        unit.data = changed
        return [unit]

    def _is_streaming(self, call: RequestFacts | None) -> bool:
        if call is None or not self.is_meant(call):
            return False
        return call.path.rpartition("/")[2] in _URL_METHODS

    def _changed(self, message: bytes) -> bytes | None:
        """The message with another URL of the same length: no window has to change.

        The answers have one field: `string url = 1` (CRI v1 api.proto).
        """
        if len(message) < 5 or message[0]:
            return None
        body = message[5:]
        url = _read_url(body)
        if url is None:
            return None
        other = _dead(url) if self.values["how"] == "dead" else self._used(url)
        return message[:5] + body.replace(url, other, 1)

    def _used(self, url: bytes) -> bytes:
        """The same place with a token that is not valid, as after its first use."""
        base, slash, token = url.rpartition(b"/")
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        other = "".join(self.chance.choice(letters) for _ in token)
        return base + slash + other.encode()


def _read_url(body: bytes) -> bytes | None:
    """Field 1 of a message, when it is the first."""
    if len(body) < 2 or body[0] != 0x0A:
        return None
    size, position = 0, 1
    for shift in range(0, 35, 7):
        if position >= len(body):
            return None
        size |= (body[position] & 0x7F) << shift
        position += 1
        if not body[position - 1] & 0x80:
            break
    url = body[position : position + size]
    return url if len(url) == size and b"://" in url else None


def _dead(url: bytes) -> bytes:
    """The same host at port 1, where nobody listens; written as long as it was."""
    scheme, _, rest = url.partition(b"://")
    authority, slash, path = rest.partition(b"/")
    host, colon, port = authority.rpartition(b":")
    if not colon or not port.isdigit():
        return url
    return scheme + b"://" + host + b":" + b"1".rjust(len(port), b"0") + slash + path
