"""Trace events: what went by on a hop, in the words of the layer that saw it.

A trace is JSON lines, a file a process (`hops.trace_sinks`). The first line is a header:
{"header": 1, "process", "pid", "wall", "mono", "bytes", "hash", "secrets"}; `wall` is
Unix time at the monotonic time `mono`, so that files of several processes can be
merged. Each other line is one event; docs/trace-events.md tells of all of them:

    ts       monotonic seconds (comparable between processes of one machine)
    hop      the edge, e.g. "kubectl-apiserver"
    conn     the connection: process, pid and number
    dir      "up" from who dialled, "down" back, "" of neither
    layer    conn tls bytes http1 websocket channel remotecommand portforward spdy
             http2 grpc cri etcd podresources crilog process raw
    type     what it is, in the words of the layer
    stream   HTTP/2 or SPDY stream, channel, or the number of the request; else null
    len      bytes of payload
    info     facts of the layer, secrets masked
    trace    the session id (`hops.session`), or null
    fault    the name of the fault that made it, or null
    channel  the channel.k8s.io or port-forward channel, or null
    data     base64 of the first bytes of the payload; null without, or when masked
    hash     SHA-256 of the whole payload in hex, when data is cut and hashes are asked
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ALL_BYTES",
    "DEFAULT_BYTES",
    "MemorySink",
    "Sink",
    "TraceEvent",
    "TraceSettings",
    "connection_ids",
    "header",
    "parse_bytes",
    "preview",
]

#: `data_bytes` that cuts nothing; the chunks themselves are told too then.
ALL_BYTES = 1 << 62

#: How much of a payload an event shows unless asked for more.
DEFAULT_BYTES = 256


@dataclass(frozen=True, slots=True)
class TraceSettings:
    """What one who looks wants to see.

    Args:
        data_bytes: how much of each payload; `ALL_BYTES`: all, and each chunk besides.
        hashes: the SHA-256 of payloads that are cut.
        secrets: nothing is masked.
    """

    data_bytes: int = DEFAULT_BYTES
    hashes: bool = False
    secrets: bool = False

    @property
    def all_bytes(self) -> bool:
        """Whether nothing is cut, and chunks are told."""
        return self.data_bytes >= ALL_BYTES

    def joined(self, other: TraceSettings) -> TraceSettings:
        """What satisfies both."""
        return TraceSettings(
            max(self.data_bytes, other.data_bytes),
            self.hashes or other.hashes,
            self.secrets or other.secrets,
        )

    @classmethod
    def parse(cls, request: dict[str, Any]) -> Self:
        """From a command's `bytes`, `hash` and `secrets`. Raises TypeError, ValueError."""
        flags = {}
        for name in ("hash", "secrets"):
            flags[name] = request.get(name, False)
            if not isinstance(flags[name], bool):
                raise TypeError(f"{name}: true or false is expected")
        size = parse_bytes(request.get("bytes", DEFAULT_BYTES))
        return cls(size, flags["hash"], flags["secrets"])


def parse_bytes(value: int | str) -> int:
    """The setting `bytes`: a number, or "all". Raises TypeError, ValueError."""
    if value == "all":
        return ALL_BYTES
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError('bytes: a number or "all" is expected')
    try:
        size = int(value)
    except ValueError:
        size = -1
    if size < 0:
        raise ValueError(f'bytes: a number or "all" is expected, not {value!r}')
    return min(size, ALL_BYTES)


@dataclass(slots=True)
class TraceEvent:
    """One line of a trace; the fields are those of the file. Nobody changes it.

    It is not frozen, since to make a frozen one takes three times as long, and a trace
    makes many thousands a second.
    """

    ts: float
    hop: str
    conn: str
    dir: str
    layer: str
    type: str
    stream: int | None = None
    len: int = 0
    info: dict[str, Any] = field(default_factory=dict)
    trace: str | None = None
    fault: str | None = None
    channel: int | None = None
    data: str | None = None
    hash: str | None = None

    def to_json(self) -> str:
        """The line, without its end."""
        stream, channel = self.stream, self.channel
        # base64 and hex need no quoting
        data = "null" if self.data is None else f'"{self.data}"'
        digest = "null" if self.hash is None else f'"{self.hash}"'
        return (
            f'{{"ts":{self.ts:.6f},'
            f"{_start(self.hop, self.conn, self.dir, self.layer, self.type)},"
            f'"stream":{"null" if stream is None else stream},"len":{self.len},'
            f'"info":{_json(self.info) if self.info else "{}"},'
            f"{_names(self.trace, self.fault)},"
            f'"channel":{"null" if channel is None else channel},'
            f'"data":{data},"hash":{digest}}}'
        )

    def cut(self, settings: TraceSettings) -> TraceEvent | None:
        """The event for one who wants to see less; None: not at all."""
        if self.layer == "bytes" and not settings.all_bytes:
            return None
        if self.data is None or len(self.data) * 3 // 4 <= settings.data_bytes:
            return self
        whole = base64.b64decode(self.data)
        digest = self.hash if settings.hashes else None
        if settings.hashes and digest is None and len(whole) > settings.data_bytes:
            digest = hashlib.sha256(whole).hexdigest()
        shown = base64.b64encode(whole[: settings.data_bytes]).decode("ascii")
        return replace(self, data=shown, hash=digest)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _encoder() -> Callable[[Any], str]:
    """`JSONEncoder.encode` without making its machine anew for each line."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return _ENCODER.encode
    machine = make(
        None,  # no look for circles: what is told is made here
        _ENCODER.default,
        json.encoder.encode_basestring,
        None,
        ":",
        ",",
        False,
        False,
        True,
    )
    return lambda value: "".join(machine(value, 0))


_json = _encoder()

# What events of a connection have in common is encoded once.


@functools.lru_cache(4096)
def _start(hop: str, conn: str, direction: str, layer: str, kind: str) -> str:
    fields = {"hop": hop, "conn": conn, "dir": direction, "layer": layer, "type": kind}
    return _json(fields)[1:-1]


@functools.lru_cache(4096)
def _names(trace: str | None, fault: str | None) -> str:
    return _json({"trace": trace, "fault": fault})[1:-1]


def preview(payload: bytes, settings: TraceSettings) -> tuple[str, str | None]:
    """(data, hash) of a payload."""
    shown = payload[: settings.data_bytes]
    digest = None
    if settings.hashes and len(shown) < len(payload):
        digest = hashlib.sha256(payload).hexdigest()
    return base64.b64encode(shown).decode("ascii"), digest


class Sink(Protocol):
    """Where events go.

    Attributes:
        settings: what it wants to see.
    """

    settings: TraceSettings

    def emit(self, event: TraceEvent) -> None:
        """Take an event. Must not raise and not block for long."""

    def flush(self) -> None:
        """What was taken is to be seen now."""

    def close(self) -> None:
        """No more events."""


class MemorySink:
    """Keeps events in a list: for tests."""

    def __init__(self, settings: TraceSettings | None = None) -> None:
        self.settings = settings or TraceSettings()
        self.events: list[TraceEvent] = []

    def emit(self, event: TraceEvent) -> None:
        """Keep the event."""
        self.events.append(event)

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


def header(process: str, settings: TraceSettings) -> dict[str, Any]:
    """The first line of a trace."""
    return {
        "header": 1,
        "process": process,
        "pid": os.getpid(),
        "wall": time.time(),
        "mono": time.monotonic(),
        "bytes": "all" if settings.all_bytes else settings.data_bytes,
        "hash": settings.hashes,
        "secrets": settings.secrets,
    }


def connection_ids(process: str) -> Callable[[], str]:
    """Names for connections that no other process of the machine gives."""
    numbers = itertools.count(1)
    return lambda: f"{process}-{os.getpid()}-{next(numbers)}"
