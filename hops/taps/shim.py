"""What a runtime and its shims say to each other: one JSON object a line.

Requests have `do`, answers `ok` or `error`, both an `id`; events come unasked. NUL bytes
before a line are marks of descriptors that travel beside it. See
`cri_runtime.shim.protocol`, which is a private protocol: only its shape is read here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hops.expansions import hide_values, telling_values, value_spans
from hops.pipe import Direction
from hops.taps.masks import MASK
from wire.errors import RemoteProtocolError

if TYPE_CHECKING:
    from hops.taps.teller import Teller

__all__ = ["ShimLayer"]

_MAX_LINE = 16 << 20
_MARK = b"\0"


class ShimLayer:
    """Events of layer `process`: request, answer, notice."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._partial = {way: bytearray() for way in Direction}
        self._unsynced: set[Direction] = set()
        self._asked: dict[int, str] = {}  # what, by id

    def feed(self, direction: Direction, data: bytes | memoryview) -> None:
        """Bytes went by. Raises RemoteProtocolError when they are no such lines."""
        data = bytes(data)
        if direction in self._unsynced:
            data = self._synchronise(direction, data)
        *lines, rest = (bytes(self._partial[direction]) + data).split(b"\n")
        self._partial[direction] = bytearray(rest)
        if len(rest) > _MAX_LINE:
            raise RemoteProtocolError("a line without end")
        for line in lines:
            self._on_line(direction, line)

    def _synchronise(self, direction: Direction, data: bytes) -> bytes:
        """Begin where a line begins; answers what is left of `data` then."""
        if data.lstrip(_MARK).startswith(b'{"'):
            self._unsynced.discard(direction)
            return data
        skipped, newline, rest = data.partition(b"\n")
        if newline:
            self._unsynced.discard(direction)
        self._teller.chunks.give_up(direction)  # it may be of an environment
        info = {"reason": "began before the trace"}
        size = len(skipped) + len(newline)
        self._teller.tell(direction, "raw", "skipped", size=size, info=info)
        return rest

    def eof(self, direction: Direction) -> None:
        """Told by the connection itself."""

    def settled(self, direction: Direction) -> bool:
        """Whether no line is half there: it may hold an environment."""
        return not self._partial[direction]

    def join_late(self) -> None:
        """A line may be under way; whoever talks here begins with `{`."""
        self._unsynced = set(Direction)

    def _on_line(self, direction: Direction, line: bytes) -> None:
        text = line.replace(_MARK, b"")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError) as err:
            raise RemoteProtocolError(f"no JSON line: {err}") from None
        if not isinstance(message, dict):
            raise RemoteProtocolError("no JSON object")
        kind, info = self._read(message)
        secrets: list[_Secret] = []
        if not self._teller.settings.secrets:
            info = _masked(info, secrets)
            values = telling_values((one.name, one.value) for one in secrets)
            spans = _spans(line, secrets) if secrets else []
            if message.get("do") == "start" and isinstance(message.get("argv"), list):
                # What a container runs by itself; an exec's command a user has typed.
                shown = [hide_values(str(item), values) for item in message["argv"]]
                info["message"]["argv"] = shown
                spans += _argument_spans(line, message["argv"], values)
            if spans:
                self._teller.chunks.conceal_spans(direction, line, spans)
        self._teller.tell(
            direction,
            "process",
            kind,
            size=len(line) + 1,
            payload=None if secrets else text,
            info=info,
        )

    def _read(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        if "do" in message:
            number = message.get("id")
            if isinstance(number, int) and len(self._asked) < _MAX_LINE:
                self._asked[number] = str(message["do"])
            return "request", {"message": message}
        if "event" in message:
            return "notice", {"message": message}
        info: dict[str, Any] = {"message": message}
        number = message.get("id")
        asked = self._asked.pop(number, None) if isinstance(number, int) else None
        if asked is not None:
            info["do"] = asked
        return "answer", info


@dataclass(frozen=True, slots=True)
class _Secret:
    """A string in an environment, without its first `keeps` characters, `NAME=`."""

    name: str
    text: str
    keeps: int = 0

    @property
    def value(self) -> str:
        return self.text[self.keeps :]


def _masked(value: Any, secrets: list[_Secret], *, is_env: bool = False) -> Any:
    """JSON without the values of environments, which are put into `secrets`."""
    if isinstance(value, dict):
        if is_env:
            secrets += [_Secret(key, str(item)) for key, item in value.items()]
            return dict.fromkeys(value, MASK)
        return {
            key: _masked(item, secrets, is_env=key in ("env", "environment"))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _hidden(str(item), secrets) if is_env else _masked(item, secrets)
            for item in value
        ]
    return value


def _hidden(item: str, secrets: list[_Secret]) -> str:
    """`NAME=***`, or just `***`."""
    name, equals, _ = item.partition("=")
    keeps = len(name) + 1 if equals else 0
    secrets.append(_Secret(name, item, keeps))
    return f"{item[:keeps]}{MASK}"


def _spans(line: bytes, secrets: list[_Secret]) -> list[tuple[int, int]]:
    """Where they stand in a line of JSON."""
    spans: list[tuple[int, int]] = []
    for one in {*secrets}:
        quoted = json.dumps(one.text).encode()
        skip = len(json.dumps(one.text[: one.keeps])) - 1
        position = 0
        while (found := line.find(quoted, position)) >= 0:
            position = found + len(quoted)
            spans.append((found + skip, position - 1))
        if not position:
            return [(0, len(line))]  # written in another way
    return spans


def _argument_spans(
    line: bytes, arguments: list[Any], values: list[str]
) -> list[tuple[int, int]]:
    """Where values were expanded into arguments, in a line of JSON."""
    written = [json.dumps(value)[1:-1].encode() for value in values]
    spans = []
    for item in arguments:
        quoted = json.dumps(item).encode()
        start = line.find(quoted)
        if start >= 0:
            found = value_spans(quoted, written)
            spans += [(start + first, start + last) for first, last in found]
    return spans
