"""Reads a container's log file, following it when asked.

Following ends when the container has ended and its file has been read to the end.
When the file is replaced (log rotation renames it and the runtime opens a new one),
the old one is read to its end first. Rotated files are never read.

Source: kubernetes/cri-client pkg/logs/logs.go (ReadLogs).
"""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING

from kubelet.directory_watch import wake_on_change
from kubelet.log_filter import LogFilter
from kubelet.log_tail import seek_to_tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from typing import BinaryIO

    from kubelet.log_options import LogOptions

__all__ = ["LogReadError", "read_log"]

_BLOCK = 512 * 1024
_RECHECK_SECONDS = 1.0
_POLL_SECONDS = 0.1


class LogReadError(Exception):
    """The file cannot be read; the text goes into the answer's body."""


async def read_log(
    path: str,
    options: LogOptions,
    is_running: Callable[[], Awaitable[bool]],
    wake: asyncio.Event | None = None,
) -> AsyncIterator[bytes]:
    """Yield the log as the options ask for it.

    Args:
        is_running: asks the runtime whether the container still runs.
        wake: the caller may set it to have that question asked at once.

    Raises:
        LogReadError: the file cannot be opened.
        UnknownLogFormatError: the file is not a container's log.
    """
    log = await asyncio.to_thread(_LogFile.open, path, options)
    try:
        async for chunk in _follow(log, options, is_running, wake or asyncio.Event()):
            yield chunk
    finally:
        log.close()


async def _follow(
    log: _LogFile,
    options: LogOptions,
    is_running: Callable[[], Awaitable[bool]],
    wake: asyncio.Event,
) -> AsyncIterator[bytes]:
    watch = wake_on_change(log.directory, wake) if options.follow else nullcontext(True)
    with watch as notified:
        patience = _RECHECK_SECONDS if notified else _POLL_SECONDS
        ending = not options.follow
        woken = False
        while not log.finished:
            output = await asyncio.to_thread(log.read)
            if output is not None:
                woken = False
                if output:
                    yield output
            elif log.reopen_if_replaced():
                continue
            elif ending:
                if rest := log.finish():
                    yield rest
                return
            elif woken:
                # Something happened, yet there is nothing new. If that was the end,
                # read once more: the last lines were written before it.
                woken = False
                ending = not await is_running()
            else:
                await _wait(wake, patience)
                woken = True


async def _wait(wake: asyncio.Event, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            await wake.wait()
    except TimeoutError:
        return
    wake.clear()


class _LogFile:
    """The open file, its filter, and whether it is still the one under its name."""

    def __init__(self, path: str, file: BinaryIO, options: LogOptions) -> None:
        self._path = path
        self._file = file
        self._filter = LogFilter(options)
        self.directory = os.path.dirname(path)

    @classmethod
    def open(cls, path: str, options: LogOptions) -> _LogFile:
        real = _resolve(path)
        file = _open(real)
        if options.tail is not None:
            seek_to_tail(file, options.tail)
        return cls(real, file, options)

    @property
    def finished(self) -> bool:
        return self._filter.finished

    def read(self) -> bytes | None:
        """The next output, maybe empty; None at the end of the file."""
        data = self._file.read(_BLOCK)
        return self._filter.receive_data(data) if data else None

    def finish(self) -> bytes:
        return self._filter.receive_eof()

    def reopen_if_replaced(self) -> bool:
        """Go on with the file that now has the name, if it is another one."""
        try:
            named = os.stat(self._path)
        except FileNotFoundError:
            return False
        ours = os.fstat(self._file.fileno())
        if (named.st_ino, named.st_dev) == (ours.st_ino, ours.st_dev):
            return False
        fresh = _open(self._path)
        self._file.close()
        self._file = fresh
        return True

    def close(self) -> None:
        self._file.close()


def _resolve(path: str) -> str:
    try:
        return os.path.realpath(path, strict=True)
    except OSError as err:
        raise LogReadError(
            f'failed to try resolving symlinks in path "{path}":'
            f" lstat {err.filename}: {_words(err)}"
        ) from err


def _open(path: str) -> BinaryIO:
    try:
        return open(path, "rb", buffering=0)
    except OSError as err:
        raise LogReadError(
            f'failed to open log file "{path}": open {path}: {_words(err)}'
        ) from err


def _words(err: OSError) -> str:
    """The system's words as Go prints them: in lower case."""
    return (err.strerror or str(err)).lower()
