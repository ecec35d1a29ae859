"""Joins two connections, and lets somebody look at the bytes on their way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hops.tasks import cancel_and_wait, spawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from hops.connection import Connection

__all__ = ["join"]


async def join(
    client: Connection,
    server: Connection,
    upward: Callable[[bytes], bytes],
    downward: Callable[[bytes], bytes],
) -> None:
    """Until both directions have ended; the end of one, and a reset, are passed on.

    Args:
        upward, downward: what to send on for what came.
    """
    tasks = (
        spawn("tap upward", _pump(client, server, upward)),
        spawn("tap downward", _pump(server, client, downward)),
    )
    try:
        await asyncio.gather(*tasks)
    finally:
        await cancel_and_wait(*tasks)
        client.close()
        server.close()
    await asyncio.gather(client.wait_closed(), server.wait_closed())


async def _pump(
    source: Connection, sink: Connection, change: Callable[[bytes], bytes]
) -> None:
    try:
        while data := await source.read():
            sink.write(change(data))
            await sink.drain()
    except OSError:
        sink.abort()
        return
    if source.is_closing or source.get_extra_info("truncated"):
        sink.abort()
    else:
        sink.write_eof()
