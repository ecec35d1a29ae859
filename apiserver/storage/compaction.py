"""Compactor: history goes when it is both old enough and long enough.

As kube-apiserver does it with etcd: each interval everything up to the revision of the
interval before is forgotten, so that what is younger than one interval always stays.
Source: kubernetes/apiserver pkg/storage/etcd3/compact.go; kine keeps 1,000 revisions.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apiserver.storage.interface import Store

__all__ = ["INTERVAL", "KEPT_REVISIONS", "compact_once", "compact_periodically"]

INTERVAL = 300.0  # seconds, --etcd-compaction-interval
KEPT_REVISIONS = 1_000


async def compact_once(store: Store, seen: int, *, kept: int = KEPT_REVISIONS) -> int:
    """Forget up to ``seen``, but not the newest; returns the revision of now."""
    current = await store.current_revision()
    target = min(seen, current - kept)
    if target > 0:
        await store.compact(target)
    return current


async def compact_periodically(
    store: Store, *, interval: float = INTERVAL, kept: int = KEPT_REVISIONS
) -> None:
    """Run until cancelled."""
    seen = 0
    while True:
        await asyncio.sleep(interval)
        seen = await compact_once(store, seen, kept=kept)
