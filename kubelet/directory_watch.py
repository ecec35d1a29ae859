"""Says when something changes in a directory: inotify, where there is one.

ctypes is imported when a log is first followed, not before: it costs 10 ms.
"""

from __future__ import annotations

import asyncio
import os
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["wake_on_change"]

_MODIFY, _CREATE, _MOVED_TO = 0x2, 0x100, 0x80
_CLOSE_WRITE, _MOVED_FROM, _DELETE = 0x8, 0x40, 0x200
_GROWTH = _MODIFY | _CREATE | _MOVED_TO
_WHOLE = _CLOSE_WRITE | _MOVED_TO | _MOVED_FROM | _DELETE
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_EVENT_HEAD = struct.calcsize("iIII")


@contextmanager
def wake_on_change(
    directory: str, wake: asyncio.Event, *, whole: bool = False
) -> Iterator[bool]:
    """Set `wake` whenever a file of `directory` is written, made or moved there.

    Args:
        whole: when one has been written to its end, or is there or gone, instead.

    Yields False when the system has no inotify (or no more of it): poll then.
    """
    descriptor = _open(directory, _WHOLE if whole else _GROWTH)
    if descriptor is None:
        yield False
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, _drain, descriptor, wake)
    try:
        yield True
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _drain(descriptor: int, wake: asyncio.Event) -> None:
    """Which file it was does not matter: the reader looks at its own."""
    try:
        os.read(descriptor, 64 * (_EVENT_HEAD + 256))
    except BlockingIOError:
        return
    wake.set()


def _open(directory: str, mask: int) -> int | None:
    import ctypes  # heavy, and only followers need it

    try:
        library = ctypes.CDLL(None, use_errno=True)
        init, add = library.inotify_init1, library.inotify_add_watch
    except (OSError, AttributeError):
        return None
    descriptor = int(init(_NONBLOCK_CLOEXEC))
    if descriptor < 0:
        return None
    if add(descriptor, os.fsencode(directory), mask) < 0:
        os.close(descriptor)
        return None
    return descriptor
