"""Buffers that all connections of one event loop share.

A callback that received bytes in one of them must be done with them when it
returns. So an idle connection holds no buffer at all, where asyncio's own TLS holds
256 KiB. One set a thread, since an event loop runs in one thread.
"""

from __future__ import annotations

import threading

__all__ = ["SIZE", "buffers"]

SIZE = 256 * 1024


class _Buffers(threading.local):
    """`received` is for sockets, `plain` for what TLS made of that."""

    def __init__(self) -> None:
        self.received = memoryview(bytearray(SIZE))
        self.plain = memoryview(bytearray(SIZE))


buffers = _Buffers()
