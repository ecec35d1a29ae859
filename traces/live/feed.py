"""The live events of all services of a cluster, merged.

Each service's admin socket is asked for its stream (`hops.admin`: `trace_stream`). A
service that restarts is joined again; one that comes later, too. What a service had to
drop because we were too slow is told as `EventsLost`.

Blocking, without an event loop: the command line waits in `read`, and who has a loop
runs it in a thread.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, Self

from traces.events import Event, EventError, parse_object
from traces.reader import LineReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hops.cluster_view import ClusterView
    from traces.events import JsonObject

    Size = int | Literal["all"]

__all__ = [
    "EventsLost",
    "LiveFeed",
    "News",
    "ServiceJoined",
    "ServiceLeft",
    "ServiceRefused",
    "sockets_of",
]

_READ: Final = 256 * 1024
_RETRY: Final = 0.3  # seconds between looks for services that are not there
# Of one turn; what several services saw at about the same time is then in order.
_GATHER: Final = 0.03
_PATIENCE: Final = 1.0  # seconds that a service may take to accept us
_LONGEST_LINE: Final = 64 << 20  # an event with all its bytes


@dataclass(frozen=True, slots=True)
class ServiceJoined:
    """A service tells its events from now on; `again`: it had left."""

    service: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class ServiceLeft:
    """A service is gone; it will be joined again when it is back."""

    service: str


@dataclass(frozen=True, slots=True)
class ServiceRefused:
    """A service does not tell its events, and will not be asked again."""

    service: str
    reason: str


@dataclass(frozen=True, slots=True)
class EventsLost:
    """A service dropped so many events, since we read too slowly."""

    service: str
    count: int


News = Event | ServiceJoined | ServiceLeft | ServiceRefused | EventsLost


def sockets_of(view: ClusterView) -> Callable[[], dict[str, Path]]:
    """Where the services of a cluster listen, looked up anew at each call."""

    def look() -> dict[str, Path]:
        known = dict(view.admin_sockets)
        if view.sockets.is_dir():
            known |= {path.stem: path for path in view.sockets.glob("*.admin")}
        return known

    return look


class _Stream:
    """The connection to one service."""

    def __init__(self, service: str, path: Path, size: Size, *, again: bool) -> None:
        self.service = service
        self._again = again
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._buffer = bytearray()
        self._lines = LineReader(service)
        self.joined = False  # whether the service has agreed
        try:
            self.socket.settimeout(_PATIENCE)
            self.socket.connect(str(path))
            command = {"cmd": "trace_stream", "bytes": size}
            self.socket.sendall(json.dumps(command).encode() + b"\n")
            self.socket.setblocking(False)
        except OSError:
            self.socket.close()
            raise

    def read(self) -> list[News]:
        """What there is. Raises EOFError at the end, ConnectionRefusedError for no."""
        try:
            data = self.socket.recv(_READ)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data or len(self._buffer) > _LONGEST_LINE:
            raise EOFError
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        news = (self._take(bytes(line)) for line in lines if line)
        return [one for one in news if one is not None]

    def _take(self, line: bytes) -> News | None:
        try:
            if not self.joined:
                return self._begin(parse_object(line))
            event = self._lines.read(line)
            # the only other line that a stream has
            return event or EventsLost(self.service, int(parse_object(line)["lost"]))
        except (EventError, KeyError, ValueError, TypeError):
            return None  # of a version that is not ours

    def _begin(self, answer: JsonObject) -> News:
        if not answer.get("ok"):
            raise ConnectionRefusedError(str(answer.get("error")))
        self._lines.read(json.dumps({"header": 1, **(answer.get("header") or {})}))
        self.joined = True
        return ServiceJoined(self.service, self._again)


class LiveFeed:
    """Merged live events; use it as a context manager.

    Args:
        sockets: service name -> admin socket, asked again and again.
        size: how many bytes of each payload come along.
    """

    def __init__(
        self, sockets: Callable[[], Mapping[str, Path]], size: Size = 256
    ) -> None:
        self._sockets = sockets
        self._size = size
        self._selector = selectors.DefaultSelector()
        self._streams: dict[str, _Stream] = {}
        self._refused: set[str] = set()
        self._left: set[str] = set()
        self._next_look = 0.0
        self._seq = 0
        self._closed = False
        self._wake_reader, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def services(self) -> tuple[str, ...]:
        """Those that are joined now."""
        return tuple(self._streams)

    def close(self) -> None:
        """End all streams. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for stream in self._streams.values():
            stream.socket.close()
        self._streams.clear()
        self._selector.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def wake(self) -> None:
        """Let `read` return; safe from other threads and from signal handlers."""
        if not self._closed:
            os.write(self._wake_writer, b"w")

    def join(self, patience: float = 2.0) -> list[News]:
        """Wait until all services that are there tell their events; the news meanwhile.

        What happens afterwards is seen from its beginning.
        """
        news: list[News] = []
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            news += self.read(min(left, _RETRY))
            joined = {n for n, stream in self._streams.items() if stream.joined}
            if not set(self._sockets()) - joined - self._refused:
                break
        return news

    def read(self, timeout: float | None) -> list[News]:
        """Wait for something to happen; what it was, events in the order of time.

        Args:
            timeout: seconds; None waits until there is news, or `wake` is called.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            self._look()
            now = time.monotonic()
            until = self._next_look if deadline is None else deadline
            wait = max(0.0, min(until, self._next_look) - now)
            news, woken = self._gather(wait)
            if news or woken or (deadline is not None and time.monotonic() >= deadline):
                return self._in_order(news)

    def _gather(self, wait: float) -> tuple[list[News], bool]:
        """Read what there is, and what comes right behind it."""
        news: list[News] = []
        end = time.monotonic() + wait + _GATHER
        while ready := self._selector.select(wait):
            for key, _ in ready:
                if key.data is None:
                    os.read(self._wake_reader, 512)
                    return news, True
                news += self._read(key.data)
            wait = max(0.0, min(_GATHER, end - time.monotonic()))
            if not wait:
                break
        return news, False

    def _look(self) -> None:
        """Join services that are there and not joined, once in a while."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _RETRY
        for service, path in self._sockets().items():
            if service in self._streams or service in self._refused:
                continue
            try:
                again = service in self._left
                stream = _Stream(service, path, self._size, again=again)
            except OSError:
                continue
            self._streams[service] = stream
            self._selector.register(stream.socket, selectors.EVENT_READ, stream)

    def _read(self, stream: _Stream) -> list[News]:
        try:
            return stream.read()
        except EOFError:
            self._drop(stream)
            if not stream.joined:
                return []
            self._left.add(stream.service)
            return [ServiceLeft(stream.service)]
        except ConnectionRefusedError as err:
            self._drop(stream)
            self._refused.add(stream.service)
            return [ServiceRefused(stream.service, str(err))]

    def _drop(self, stream: _Stream) -> None:
        self._selector.unregister(stream.socket)
        stream.socket.close()
        self._streams.pop(stream.service, None)

    def _in_order(self, news: list[News]) -> list[News]:
        """Events by time; what is told of a service stays before its events."""
        news.sort(key=lambda one: one.wall if isinstance(one, Event) else 0.0)
        return [self._numbered(one) for one in news]

    def _numbered(self, one: News) -> News:
        if not isinstance(one, Event):
            return one
        self._seq += 1
        return replace(one, seq=self._seq)
