"""Reads a container's log file, following it when asked.

Following ends when the container has ended and its file has been read to the end.
When the log is rotated meanwhile, the old file is read to its end and then those after
it. Files that were rotated before are never read.

Source: kubernetes/cri-client pkg/logs/logs.go (ReadLogs).
"""

from __future__ import annotations

import asyncio
import logging
import os
import zlib
from contextlib import nullcontext
from typing import TYPE_CHECKING

from kubelet.directory_watch import wake_on_change
from kubelet.log_files import rotated_files
from kubelet.log_filter import LogFilter
from kubelet.log_series import LogSeries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from kubelet.log_options import LogOptions
    from kubelet.log_witness import LogWitness

__all__ = ["LogReadError", "read_log"]

logger = logging.getLogger(__name__)

# Larger ones, and what is made of them, come from the kernel page by page (malloc(3)).
_BLOCK = 128 * 1024
_RECHECK_SECONDS = 1.0
_PATIENCE = (0.01, 0.03, 0.1, 0.3)
_POLL_SECONDS = 0.1


class LogReadError(Exception):
    """The file cannot be read; the text goes into the answer's body."""


async def read_log(
    path: str,
    options: LogOptions,
    is_running: Callable[[], Awaitable[bool]],
    wake: asyncio.Event | None = None,
    witness: LogWitness | None = None,
) -> AsyncGenerator[bytes]:
    """Yield the log as the options ask for it.

    Args:
        is_running: asks the runtime whether the container still runs.
        wake: the caller may set it to have that question asked at once.
        witness: is told what is read of which file.

    Raises:
        LogReadError: the file cannot be opened.
        UnknownLogFormatError: the file is not a container's log.
    """
    log = await _open(path, options)
    log.witness = witness
    if witness is not None:
        witness.opened(*log.position)
    try:
        async for chunk in _follow(log, options, is_running, wake or asyncio.Event()):
            yield chunk
    finally:
        log.close()
        if witness is not None:
            witness.closed()


async def _follow(
    log: _LogFile,
    options: LogOptions,
    is_running: Callable[[], Awaitable[bool]],
    wake: asyncio.Event,
) -> AsyncGenerator[bytes]:
    watch = wake_on_change(log.directory, wake) if options.follow else nullcontext(True)
    with watch as notified:
        patience = _RECHECK_SECONDS if notified else _POLL_SECONDS
        ending = not options.follow
        # It may have ended before: at the first end of the file we ask, too.
        woken = succeeded = asked = False
        while not log.finished:
            output = await log.next_block()
            if output is not None:
                woken = False
                if output:
                    yield output
            elif options.follow and log.has_successor():
                # Something may have been written between our read and the rotation:
                # only at the second end is the file over.
                if succeeded and (rest := log.advance()):
                    yield rest
                succeeded = not succeeded
            elif ending:
                if rest := log.finish():
                    yield rest
                return
            elif woken or not asked:
                # Something happened, yet there is nothing new. If that was the end,
                # read once more: the last lines were written before it.
                woken, asked = False, True
                ending = not await is_running()
            else:
                await _wait(wake, patience)
                woken = True


async def _open(path: str, options: LogOptions) -> _LogFile:
    """Between the two steps of a rotation the log has no file: wait for it."""
    for patience in _PATIENCE:
        try:
            return await asyncio.to_thread(_LogFile, path, options)
        except LogReadError:
            if not rotated_files(path):
                raise
            await asyncio.sleep(patience)
    return await asyncio.to_thread(_LogFile, path, options)


async def _wait(wake: asyncio.Event, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            await wake.wait()
    except TimeoutError:
        return
    wake.clear()


class _LogFile:
    """The log as a series of files, seen through its filter.

    Raises:
        LogReadError: it cannot be opened.
    """

    def __init__(self, path: str, options: LogOptions) -> None:
        real = _resolve(path)
        try:
            self._series = LogSeries(real, options.tail)
        except OSError as err:
            raise LogReadError(
                f'failed to open log file "{real}": open {real}: {_words(err)}'
            ) from err
        self._filter = LogFilter(options)
        self.directory = os.path.dirname(real)
        self.witness: LogWitness | None = None

    @property
    def finished(self) -> bool:
        return self._filter.finished

    @property
    def position(self) -> tuple[str, int]:
        """The file that was opened first, and how many bytes of it are left out."""
        return self._series.name, self._series.offset

    async def next_block(self) -> bytes | None:
        """The next output, maybe empty; None at the end of the file."""
        data, output = await asyncio.to_thread(self._read)
        if data and self.witness is not None:
            self.witness.read(data)
        return output

    def _read(self) -> tuple[bytes, bytes | None]:
        try:
            data = self._series.read(_BLOCK)
        except (OSError, EOFError, zlib.error) as err:
            logger.warning("log not read to its end", extra={"error": str(err)})
            return b"", None
        return data, self._filter.receive_data(data) if data else None

    def has_successor(self) -> bool:
        return self._series.has_successor()

    def advance(self) -> bytes:
        """Go on with the next file; returns what was unfinished at the end of this."""
        if not self._series.advance():
            return b""
        if self.witness is not None:
            self.witness.rotated(self._series.name)
        return self._filter.receive_eof()

    def finish(self) -> bytes:
        return self._filter.receive_eof()

    def close(self) -> None:
        self._series.close()


def _resolve(path: str) -> str:
    try:
        return os.path.realpath(path, strict=True)
    except OSError as err:
        raise LogReadError(
            f'failed to try resolving symlinks in path "{path}":'
            f" lstat {err.filename}: {_words(err)}"
        ) from err


def _words(err: OSError) -> str:
    """The system's words as Go prints them: in lower case."""
    return (err.strerror or str(err)).lower()
