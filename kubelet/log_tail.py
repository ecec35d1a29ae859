"""Where the last N lines of a file begin.

Source: kubernetes/cri-client pkg/logs/tail.go: lines are physical, counted by newlines
from the end of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["seek_to_tail"]

_BLOCK = 64 * 1024


def seek_to_tail(file: BinaryIO, lines: int) -> int:
    """Position the file at its last `lines` lines; returns the offset.

    An unfinished line at the end counts as a line.
    """
    end = file.seek(0, 2)
    if lines <= 0 or end == 0:
        return end
    file.seek(end - 1)
    wanted = lines + (file.read(1) == b"\n")
    position = end
    while position > 0:
        size = min(_BLOCK, position)
        position = file.seek(position - size)
        block = file.read(size)
        found = block.count(b"\n")
        if found >= wanted:
            return file.seek(position + _nth_newline_from_end(block, wanted) + 1)
        wanted -= found
    return file.seek(0)


def _nth_newline_from_end(block: bytes, count: int) -> int:
    at = len(block)
    for _ in range(count):
        at = block.rfind(b"\n", 0, at)
    return at
