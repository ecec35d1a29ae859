"""Terminal sizes on the resize channel: JSON objects, one after the other.

Source: kubernetes/client-go tools/remotecommand/resize.go; the servers read them
with a streaming encoding/json decoder, so keys match in any case.
"""

from __future__ import annotations

import json

from wire.records import dataclass

__all__ = ["ResizeDecoder", "TerminalSize", "encode_resize"]

_MAX_SIZE = 1024  # bytes of one object; client-go writes some 30
_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class TerminalSize:
    """Columns and rows, each 0..65535."""

    width: int
    height: int


def encode_resize(size: TerminalSize) -> bytes:
    """The bytes client-go writes, with its newline."""
    return b'{"Width":%d,"Height":%d}\n' % (size.width, size.height)


class ResizeDecoder:
    """Streamed JSON in, sizes out. Malformed input ends it silently, as upstream."""

    def __init__(self) -> None:
        self._text = ""
        self.broken = False

    def receive_data(self, data: bytes) -> list[TerminalSize]:
        """The sizes whose last byte is in."""
        if self.broken:
            return []
        # latin-1 keeps every byte apart; keys and numbers are ASCII anyway.
        text = self._text + data.decode("latin-1")
        sizes: list[TerminalSize] = []
        position = _skip_space(text, 0)
        while position < len(text):
            try:
                value, end = _DECODER.raw_decode(text, position)
            except (ValueError, RecursionError):
                break  # not whole yet, or malformed: the size limit tells
            size = _to_size(value)
            if size is None or end - position > _MAX_SIZE:
                self.broken = True
                break
            sizes.append(size)
            position = _skip_space(text, end)
        self._text = text[position:]
        if self.broken or len(self._text) > _MAX_SIZE:
            self.broken, self._text = True, ""
        return sizes


_DECODER = json.JSONDecoder()


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in _SPACE:
        position += 1
    return position


def _to_size(value: object) -> TerminalSize | None:
    # encoding/json: keys match in any case, null and absent leave zero.
    if value is None:
        return TerminalSize(0, 0)
    if not isinstance(value, dict):
        return None
    fields = {str(key).lower(): item or 0 for key, item in value.items()}
    width, height = fields.get("width", 0), fields.get("height", 0)
    if _is_uint16(width) and _is_uint16(height):
        return TerminalSize(width, height)
    return None


def _is_uint16(value: object) -> bool:
    return type(value) is int and 0 <= value <= 0xFFFF
