"""One event of a trace, as readers see it: the fields of the line, and where it stood.

Source of the fields: `hops.trace`, docs/trace-events.schema.json.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "Event",
    "EventError",
    "JsonObject",
    "parse_event",
    "parse_object",
    "time_field",
]

JsonObject = dict[str, Any]

_DIRECTIONS = ("up", "down", "")


class EventError(ValueError):
    """A line is no event; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Event:
    """What one process saw at one moment on one hop.

    Args:
        ts: monotonic seconds of the machine that saw it.
        dir: "up" from who dialled, "down" back, "" of neither.
        stream: HTTP/2 or SPDY stream, or the number of the request.
        channel: of channel.k8s.io or of port-forward.
        len: bytes of payload; `data` may hold fewer.
        data: base64 of the payload, or of its first bytes; None: not kept.
        hash: sha256 in hex of the whole payload, when `data` is cut.
        trace: the session id.
        fault: the name of the fault that made it.
        process: who saw it, e.g. "kubelet/node-1".
        wall: Unix time in seconds.
        seq: its place in the trace it was read with.
    """

    ts: float
    hop: str
    conn: str
    dir: str
    layer: str
    type: str
    stream: int | None = None
    channel: int | None = None
    len: int = 0
    info: JsonObject = field(default_factory=dict)
    data: str | None = None
    hash: str | None = None
    trace: str | None = None
    fault: str | None = None
    process: str = ""
    wall: float = 0.0
    seq: int = 0

    @property
    def payload(self) -> bytes | None:
        """The bytes that were kept: all, the first, or None for none."""
        if self.data is None:
            return b"" if self.len == 0 and self.layer == "channel" else None
        return base64.b64decode(self.data)

    @property
    def is_cut(self) -> bool:
        """Whether `payload` lacks bytes of the payload."""
        payload = self.payload
        return payload is None or len(payload) < self.len

    def to_object(self) -> JsonObject:
        """The fields as a line has them."""
        return {name: getattr(self, name) for name in self.__slots__}


def parse_object(line: str | bytes) -> JsonObject:
    """One line as a JSON object.

    Raises:
        EventError: it is none.
    """
    try:
        found = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as err:
        raise EventError(f"not JSON: {_short(err)}") from None
    if not isinstance(found, dict):
        raise EventError(f"not a JSON object but {type(found).__name__}")
    return _without_surrogates(found) if _may_have_surrogates(line) else found


def parse_event(fields: JsonObject, *, process: str, offset: float, seq: int) -> Event:
    """An event of a line's fields. Unknown fields are passed over.

    Args:
        process: who wrote the line, unless it says so itself.
        offset: Unix time at monotonic time 0, unless the line has its own `wall`.

    Raises:
        EventError: a field is missing or of another type.
    """
    ts = time_field(fields, "ts")
    way = _text(fields, "dir")
    if way not in _DIRECTIONS:
        raise EventError(f"dir: expected up, down or nothing, not {way[:20]!r}")
    info = fields.get("info")
    if info is not None and not isinstance(info, dict):
        raise EventError("info: an object is expected")
    return Event(
        ts=ts,
        hop=_text(fields, "hop"),
        conn=_text(fields, "conn"),
        dir=way,
        layer=_text(fields, "layer"),
        type=_text(fields, "type"),
        stream=_whole(fields, "stream"),
        channel=_whole(fields, "channel"),
        len=max(0, _whole(fields, "len") or 0),
        info=info or {},
        data=_base64(fields),
        hash=_maybe_text(fields, "hash"),
        trace=_maybe_text(fields, "trace"),
        fault=_maybe_text(fields, "fault"),
        process=_maybe_text(fields, "process") or process,
        wall=time_field(fields, "wall") if "wall" in fields else ts + offset,
        seq=seq,
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _short(err: Exception) -> str:
    return str(err)[:120] or type(err).__name__


def _text(fields: JsonObject, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise EventError(f"{name}: a string is expected")
    return value


def _maybe_text(fields: JsonObject, name: str) -> str | None:
    return None if fields.get(name) is None else _text(fields, name)


def time_field(fields: JsonObject, name: str) -> float:
    """A time in seconds.

    Raises:
        EventError: it is missing, or no number that a calendar knows.
    """
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EventError(f"{name}: a number is expected")
    # as far as a calendar goes; the rest of the code may then add and format it
    if not math.isfinite(value) or abs(value) > 1e11:
        raise EventError(f"{name}: not a time")
    return float(value)


def _whole(fields: JsonObject, name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 63:
        raise EventError(f"{name}: a whole number is expected")
    return value


def _base64(fields: JsonObject) -> str | None:
    text = _maybe_text(fields, "data")
    if text is None:
        return None
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EventError("data: not base64") from None
    return text


def _may_have_surrogates(line: str | bytes) -> bool:
    return (
        (b"\\ud" in line.lower()) if isinstance(line, bytes) else "\\ud" in line.lower()
    )


def _without_surrogates(value: Any) -> Any:
    """JSON may hold half of a surrogate pair; no file or terminal takes it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {
            _without_surrogates(k): _without_surrogates(v) for k, v in value.items()
        }
    return value
