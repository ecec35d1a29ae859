"""Strips the prefixes of many CRI log records at once.

Only blocks of full records are understood; whatever cannot be vouched for is answered
None and must be read record by record. Our runtime and containerd write stamps of 30
bytes in UTC, so the first way cuts at fixed places; the second takes any stamp.
"""

from __future__ import annotations

import re

__all__ = ["strip_block"]

_STAMP = 30  # 2024-05-01T10:00:00.123456789Z
_PREFIX = 40  # with the stream and the tag F behind it
_HEADS = frozenset({b"Z stdout F ", b"Z stderr F "})
_DIGITS = b"0123456789-T:."

_FULL = re.compile(rb"(?m)^[0-9T:.+Z-]+ std(?:out|err) F(?::[^ \n]*)? ")


def strip_block(
    block: bytes, *, timestamps: bool = False, since: bytes | None = None
) -> bytes | None:
    """The records of a block as a reader gets them.

    Args:
        block: whole lines.
        timestamps: whether each line keeps its stamp.
        since: a stamp; records before it are left out, which is then for the caller.
    """
    lines = block.split(b"\n")
    lines.pop()
    if not _is_uniform(lines):
        return None if timestamps or since else _strip_any(block, len(lines))
    # Stamps of one length in one zone compare as text.
    if since is not None and min(line[:_STAMP] for line in lines) < since:
        return None
    if timestamps:
        kept = [line[: _STAMP + 1] + line[_PREFIX:] for line in lines]
    else:
        kept = [line[_PREFIX:] for line in lines]
    return b"\n".join(kept) + b"\n"


def _is_uniform(lines: list[bytes]) -> bool:
    heads = {line[_STAMP - 1 : _PREFIX] for line in lines}
    if not heads <= _HEADS:
        return False
    stamps = b"".join([line[: _STAMP - 1] for line in lines])
    return not stamps.translate(None, _DIGITS)


def _strip_any(block: bytes, records: int) -> bytes | None:
    text, found = _FULL.subn(b"", block)
    return text if found == records else None
