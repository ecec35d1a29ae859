"""What a runtime and its shims say to each other: one JSON object a line.

Requests have `do`, answers `ok` or `error`, both an `id`; events come unasked. NUL bytes
before a line are marks of descriptors that travel beside it. See
`cri_runtime.shim.protocol`, which is a private protocol: only its shape is read here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hops.masks import MASK
from hops.pipe import Direction
from wire.errors import RemoteProtocolError

if TYPE_CHECKING:
    from hops.teller import Teller

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
        secrets: list[str] = []  # items of environments
        if not self._teller.settings.secrets:
            info = _masked(info, secrets)
            if secrets:
                self._teller.chunks.conceal_spans(
                    direction, line, _spans(line, secrets)
                )
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


def _masked(value: Any, secrets: list[str], *, is_env: bool = False) -> Any:
    """JSON without the values of environments, whose items are put into `secrets`."""
    if isinstance(value, dict):
        return {
            key: _hidden(item, secrets)
            if is_env
            else _masked(item, secrets, is_env=key in ("env", "environment"))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _hidden(item, secrets) if is_env else _masked(item, secrets)
            for item in value
        ]
    return value


def _hidden(item: Any, secrets: list[str]) -> Any:
    """`NAME=***`, or just `***`."""
    if not isinstance(item, str):
        return MASK
    name, equals, _ = item.partition("=")
    secrets.append(item)
    return f"{name}={MASK}" if equals else MASK


def _spans(line: bytes, items: list[str]) -> list[tuple[int, int]]:
    """Where the values of `NAME=value`, or whole items, stand in a line of JSON."""
    spans: list[tuple[int, int]] = []
    for item in {*items}:
        quoted = json.dumps(item).encode()
        name = item.partition("=")[0] if "=" in item else None
        skip = 1 if name is None else len(json.dumps(name)) - 1 + len("=")
        position = 0
        while (found := line.find(quoted, position)) >= 0:
            position = found + len(quoted)
            spans.append((found + skip, position - 1))
        if not position:
            return [(0, len(line))]  # written in another way
    return spans
