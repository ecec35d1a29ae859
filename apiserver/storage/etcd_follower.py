"""Follows every change of an etcd, once, and hands it to all watches of this process.

Unlike kube-apiserver, which has a watch for each resource and asks etcd how far each has
come: etcd before 3.4.25 and 3.5.8 answers that question ahead of the events
(etcd-io/etcd issue 15220). One watch over all keys needs no such question, for each
revision shows up in it, in order, and none is left out.

When the stream breaks it is taken up behind the last revision seen. When that is not
possible, since history was forgotten meanwhile or the data is another's (a restored
backup), all watches end with Compacted, and their readers list anew.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from typing import TYPE_CHECKING

from apiserver.storage.etcd_client import EtcdError
from apiserver.storage.etcd_keys import ALL_KEYS
from apiserver.storage.interface import Compacted
from hops.tasks import cancel_and_wait, spawn
from rpc import etcd_v3_pb2 as etcd

if TYPE_CHECKING:
    from apiserver.storage.broadcaster import Broadcaster
    from apiserver.storage.etcd_client import EtcdClient
    from apiserver.storage.etcd_keys import EtcdKeys

__all__ = ["EtcdFollower", "watch_request"]

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


def watch_request(after: int) -> etcd.WatchCreateRequest:
    """Every change behind a revision, with what was before it."""
    return etcd.WatchCreateRequest(
        key=ALL_KEYS, range_end=ALL_KEYS, start_revision=after + 1, prev_kv=True
    )


class EtcdFollower:
    """Start it behind a revision that is known; `broadcaster.revision` says how far it is."""

    def __init__(
        self, client: EtcdClient, keys: EtcdKeys, broadcaster: Broadcaster
    ) -> None:
        self._client = client
        self._keys = keys
        self._broadcaster = broadcaster
        self._cluster = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._waiters = 0
        self._task: asyncio.Task[None] | None = None

    def start(self, header: etcd.ResponseHeader) -> None:
        """Follow from what this answer shows on."""
        self._cluster = header.cluster_id
        self._broadcaster.revision = header.revision
        self._task = spawn("etcd follower", self._run())

    async def reach(self, revision: int, seconds: float) -> bool:
        """Wait until the changes up to `revision` have been handed out, or in vain."""
        if self._broadcaster.revision >= revision:
            return True
        reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters += 1  # no two entries are equal: futures have no order
        heapq.heappush(self._waiting, (revision, self._waiters, reached))
        try:
            async with asyncio.timeout(seconds):
                await reached
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop; idempotent."""
        if self._task is not None:
            await cancel_and_wait(self._task)
        for _, _, reached in self._waiting:
            reached.cancel()
        self._waiting.clear()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            before = self._broadcaster.revision
            try:
                await self._follow()
            except EtcdError as err:
                logger.warning("etcd watch broke: %s", err)
            if self._broadcaster.revision > before:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                await self._check_history()
            except EtcdError as err:
                logger.warning("etcd does not answer: %s", err)

    async def _follow(self) -> None:
        """Until the stream ends. Raises EtcdError when it breaks."""
        responses = self._client.watch(watch_request(self._broadcaster.revision))
        async for response in responses:
            if response.canceled:
                if response.compact_revision:
                    self._lose_history(response.compact_revision)
                raise EtcdError("CANCELLED", response.cancel_reason or "watch canceled")
            self._take(response)

    def _take(self, response: etcd.WatchResponse) -> None:
        if not response.events:
            return
        self._broadcaster.publish(self._keys.events(response.events))
        # The last may be of a key that is not ours.
        self._advance(response.events[-1].kv.mod_revision)

    def _advance(self, revision: int) -> None:
        self._broadcaster.revision = revision
        while self._waiting and self._waiting[0][0] <= revision:
            _, _, reached = heapq.heappop(self._waiting)
            if not reached.done():
                reached.set_result(None)

    async def _check_history(self) -> None:
        """Whether what we know is still a past of what etcd has."""
        request = etcd.RangeRequest(key=ALL_KEYS, limit=1, keys_only=True)
        header = (await self._client.range(request)).header
        known = self._broadcaster.revision
        if header.cluster_id != self._cluster or header.revision < known:
            logger.warning(
                "etcd has other data than before",
                extra={"known": known, "revision": header.revision},
            )
            self._cluster = header.cluster_id
            self._lose_history(header.revision, header.revision)

    def _lose_history(self, floor: int, revision: int | None = None) -> None:
        """Begin anew at `revision` (default: `floor`); nobody may bridge the gap."""
        self._broadcaster.fail(Compacted(self._broadcaster.revision, floor))
        self._advance(floor if revision is None else revision)
