"""Working off a queue: one key after another, with failures logged and tried again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from controllers.api import Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from controllers.work_queue import WorkQueue

__all__ = ["work_off"]

logger = logging.getLogger(__name__)

Key = TypeVar("Key", bound="Hashable")


async def work_off(
    name: str, queue: WorkQueue[Key], reconcile: Callable[[Key], Awaitable[None]]
) -> None:
    """Reconcile keys as they come, until cancelled."""
    try:
        while True:
            key = await queue.get()
            try:
                await reconcile(key)
            except Trouble as err:
                # A conflict or a server that restarts: the next look sees the truth.
                logger.debug("retrying", extra={"controller": name, "why": str(err)})
                queue.retry(key)
            except Exception:
                logger.exception("reconcile failed", extra={"controller": name})
                queue.retry(key)
            else:
                queue.forget(key)
            finally:
                queue.done(key)
    finally:
        queue.close()
