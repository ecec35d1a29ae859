"""Compaction that API servers on one etcd share: one of them does it each interval.

Who can raise the version of the key `compact_rev_key` is the one, writes there the
revision of now, and forgets what was before the revision of one interval ago.

Source: kubernetes/apiserver pkg/storage/etcd3/compact.go.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apiserver.storage.etcd_client import CompactedError, EtcdError
from rpc import etcd_v3_pb2 as etcd

if TYPE_CHECKING:
    from apiserver.storage.etcd_client import EtcdClient

__all__ = ["COMPACT_KEY", "CompactionTurn", "compact_once", "compact_periodically"]

logger = logging.getLogger(__name__)

COMPACT_KEY = b"compact_rev_key"


@dataclass(frozen=True, slots=True)
class CompactionTurn:
    """What one API server knows: the version of the key, and the revision at that time."""

    version: int = 0
    revision: int = 0


async def compact_once(client: EtcdClient, known: CompactionTurn) -> CompactionTurn:
    """Try to be the one; answers what is known now.

    Raises:
        EtcdError
    """
    mine = etcd.PutRequest(key=COMPACT_KEY, value=b"%d" % known.revision)
    request = etcd.TxnRequest(
        compare=[
            etcd.Compare(
                result=etcd.Compare.EQUAL,
                target=etcd.Compare.VERSION,
                key=COMPACT_KEY,
                version=known.version,
            )
        ],
        success=[etcd.RequestOp(request_put=mine)],
        failure=[etcd.RequestOp(request_range=etcd.RangeRequest(key=COMPACT_KEY))],
    )
    outcome = await client.transact(request)
    if not outcome.succeeded:
        kvs = outcome.response.responses[0].response_range.kvs
        return CompactionTurn(kvs[0].version if kvs else 0, outcome.revision)
    if known.revision:  # the first turn knows no past
        try:
            await client.compact(known.revision)
        except CompactedError:
            logger.debug("compacted already")
    return CompactionTurn(known.version + 1, outcome.revision)


async def compact_periodically(client: EtcdClient, *, interval: float) -> None:
    """Run until cancelled."""
    known = CompactionTurn()
    while True:
        await asyncio.sleep(interval)
        try:
            known = await compact_once(client, known)
        except EtcdError as err:
            logger.warning("compaction failed: %s", err)
