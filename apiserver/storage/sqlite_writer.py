"""Writer: the one thread that touches the database, with group commit.

Jobs come in through a queue. The thread takes all that wait, runs them in one
transaction and commits once; only then are they answered, together and in order, on
the event loop. A job that fails by itself (KeyExists, Conflict) changes nothing and
does not disturb the others; when the commit fails, all of them fail.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from apiserver.storage.interface import (
    Compacted,
    Conflict,
    FutureRevision,
    KeyExists,
    StoreUnavailable,
)
from apiserver.storage.sqlite_log import Change, RevisionLog

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StoreClosedError", "Writer"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_OWN_FAULTS: Final = (KeyExists, Conflict, Compacted, FutureRevision)
MAX_BATCH: Final = 500


class StoreClosedError(OSError):
    """The store was closed before the request could be done."""


@dataclass(slots=True)
class _Job:
    run: Callable[[RevisionLog], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = field(default=None)


class Writer:
    """Runs functions of a RevisionLog; used from one event loop."""

    def __init__(
        self,
        open_log: Callable[[], RevisionLog],
        on_changes: Callable[[list[Change]], None],
    ) -> None:
        self._open_log = open_log
        self._on_changes = on_changes
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self.loop = asyncio.get_running_loop()
        self._closed = False
        self._finished = self.loop.create_future()
        self._opened: asyncio.Future[None] = self.loop.create_future()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    async def start(self) -> None:
        """Open the database.

        Raises:
            sqlite3.Error: it cannot be opened.
        """
        self._thread.start()
        await self._opened

    async def call(self, run: Callable[[RevisionLog], _T]) -> _T:
        """Run ``run`` in the thread; answered after the commit.

        Cancelling the caller does not undo the job.
        """
        if self._closed:
            raise StoreClosedError("the store is closed")
        future: asyncio.Future[_T] = self.loop.create_future()
        self._jobs.put(_Job(run, future))
        return await future

    async def close(self) -> None:
        """Finish what is queued, then close the database; idempotent."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        await asyncio.shield(self._finished)

    # -- in the thread ----------------------------------------------------------------

    def _run(self) -> None:
        try:
            log = self._open_log()
        except BaseException as err:  # noqa: BLE001 - handed to whoever opens
            self.loop.call_soon_threadsafe(self._fail_to_open, err)
            return
        self.loop.call_soon_threadsafe(self._opened.set_result, None)
        try:
            while self._serve(log):
                pass
        finally:
            log.close()
            self.loop.call_soon_threadsafe(self._finished.set_result, None)

    def _fail_to_open(self, err: BaseException) -> None:
        self._closed = True
        self._finished.set_result(None)
        self._opened.set_exception(err)

    def _serve(self, log: RevisionLog) -> bool:
        """One group; False when the store is to be closed."""
        jobs, go_on = self._take()
        if jobs:
            changes = self._execute(log, jobs)
            self.loop.call_soon_threadsafe(self._answer, jobs, changes)
        return go_on

    def _take(self) -> tuple[list[_Job], bool]:
        job = self._jobs.get()
        jobs: list[_Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) >= MAX_BATCH:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _execute(self, log: RevisionLog, jobs: list[_Job]) -> list[Change]:
        try:
            log.begin()
            for job in jobs:
                _execute_one(log, job)
            log.commit()
        except sqlite3.Error as err:  # a full disk, say: whoever asked is told
            return _give_up(log, jobs, StoreUnavailable(f"store: {err}"))
        except Exception as err:
            logger.exception("store transaction failed")
            return _give_up(log, jobs, OSError(f"store: {err}"))
        return [job.result for job in jobs if isinstance(job.result, Change)]

    # -- on the event loop ------------------------------------------------------------

    def _answer(self, jobs: list[_Job], changes: list[Change]) -> None:
        # Published first: whoever is told of a write can already be watched.
        self._on_changes(changes)
        for job in jobs:
            if job.future.done():
                continue  # the caller has gone away
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)


def _execute_one(log: RevisionLog, job: _Job) -> None:
    try:
        job.result = job.run(log)
    except _OWN_FAULTS as err:
        job.error = err


def _give_up(log: RevisionLog, jobs: list[_Job], error: OSError) -> list[Change]:
    _roll_back(log)
    for job in jobs:
        job.error = job.error or error
    return []


def _roll_back(log: RevisionLog) -> None:
    try:
        log.rollback()
    except sqlite3.Error:
        logger.exception("store rollback failed")
