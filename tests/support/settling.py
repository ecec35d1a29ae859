"""Letting tasks run until nothing more happens, without a clock."""

from __future__ import annotations

import asyncio

__all__ = ["settled"]

_TURNS = 200


async def settled(timers: float = 0) -> None:
    """Let every task run until it waits for something that will not come.

    With `timers`, first let timers that are due within so many seconds fire.
    """
    if timers:
        await asyncio.sleep(timers)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
