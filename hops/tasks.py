"""Tasks that outlive their caller.

The event loop holds tasks weakly, so one that nobody else holds may vanish in the
middle of its work. `spawn` holds it, and logs how it failed.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["cancel_and_wait", "running", "spawn"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_tasks: set[asyncio.Task[Any]] = set()


def spawn(name: str, coro: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
    """Run `coro` as a task that is held until it ends.

    An exception is logged unless somebody awaits the task and thereby takes it.
    """
    task = asyncio.get_running_loop().create_task(coro, name=name)
    _tasks.add(task)
    task.add_done_callback(_finish)
    return task


def running() -> list[str]:
    """The names of the tasks that have not ended."""
    return sorted(task.get_name() for task in _tasks)


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have cleaned up; how they ended is ignored."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _finish(task: asyncio.Task[Any]) -> None:
    _tasks.discard(task)
    if task.cancelled():
        return
    error = task.exception()
    if error is not None:
        logger.error("task failed", exc_info=error, extra={"task": task.get_name()})
