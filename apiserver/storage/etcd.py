"""EtcdStore: the Store contract in etcd, with kube-apiserver's keys and transactions.

Either API server can work on the same etcd, one after the other or at the same time.
A write is answered when its change has come back over the watch, so that who reads the
cache next finds it.

Source: kubernetes/apiserver pkg/storage/etcd3/store.go.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Self, TypeAlias

from apiserver.storage.broadcaster import Broadcaster, QueueWatch
from apiserver.storage.etcd_channel import EtcdChannel, EtcdFiles
from apiserver.storage.etcd_client import (
    CompactedError,
    EtcdClient,
    EtcdError,
    FutureRevisionError,
)
from apiserver.storage.etcd_compaction import compact_periodically
from apiserver.storage.etcd_follower import EtcdFollower, watch_request
from apiserver.storage.etcd_keys import DEFAULT_PREFIX, EtcdKeys, range_end
from apiserver.storage.etcd_leases import EtcdLeases
from apiserver.storage.interface import (
    Compacted,
    Conflict,
    FutureRevision,
    KeyExists,
    ListResult,
    StoredValue,
    StoreEvent,
)
from rpc import etcd_v3_pb2 as etcd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from apiserver.storage.etcd_client import TxnOutcome
    from hops.hops import Hops

__all__ = ["EtcdStore"]

logger = logging.getLogger(__name__)

PAGE = 10_000  # keys of one answer, as kube-apiserver's largest page
_SEEN_SECONDS = 2.0  # how long an answer waits for its own change
_HEALTH_KEY = "/registry/health"
_LEASE_GONE = "etcdserver: requested lease not found"
_Values: TypeAlias = list[StoredValue]  # in the class, ``list`` is the method
_Events: TypeAlias = list[StoreEvent]


class EtcdStore:
    """Open it with ``await EtcdStore.open(...)``."""

    def __init__(
        self,
        channel: EtcdChannel,
        keys: EtcdKeys,
        traceparent: Callable[[], str] = str,
    ) -> None:
        self.client = EtcdClient(channel, traceparent)
        self._channel = channel
        self._keys = keys
        self._broadcaster = Broadcaster()
        self._follower = EtcdFollower(self.client, keys, self._broadcaster)
        self._leases = EtcdLeases(self.client.grant_lease, time.monotonic)

    @classmethod
    async def open(
        cls,
        hops: Hops,
        servers: Sequence[str],
        *,
        files: EtcdFiles = EtcdFiles(),  # noqa: B008 - frozen
        prefix: str = DEFAULT_PREFIX,
        traceparent: Callable[[], str] = str,
    ) -> Self:
        """Connect, and wait until etcd answers, 20 seconds at most.

        Args:
            traceparent: the session of the request being served, "" for none.

        Raises:
            ValueError: settings that cannot be.
            OSError: a file cannot be read, or etcd does not answer.
        """
        channel = await EtcdChannel.open(hops, servers, files)
        store = cls(channel, EtcdKeys(prefix), traceparent)
        try:
            store._follower.start((await store._range(_HEALTH_KEY)).header)
        except BaseException:
            await channel.close()
            raise
        return store

    # -- reads ------------------------------------------------------------------------

    async def get(self, key: str) -> StoredValue | None:
        found = await self._range(key)
        return self._keys.value(found.kvs[0]) if found.kvs else None

    async def list(
        self,
        prefix: str,
        *,
        limit: int = 0,
        start: str | None = None,
        revision: int = 0,
    ) -> ListResult:
        key = self._keys.to_etcd(max(prefix, start or ""))
        items: _Values = []
        count = 0
        at = revision
        while True:
            request = etcd.RangeRequest(
                key=key,
                range_end=range_end(self._keys.to_etcd(prefix)),
                limit=limit or PAGE,
                revision=at,
            )
            page = await self._range_at(request)
            items += self._keys.values(page.kvs)
            at = at or page.header.revision  # all pages show the same moment
            count = count or page.count
            if limit or not page.more:
                return ListResult(items, at, page.more, count)
            key = page.kvs[-1].key + b"\0"

    async def count(self, prefix: str) -> int:
        key = self._keys.to_etcd(prefix)
        request = etcd.RangeRequest(key=key, range_end=range_end(key), count_only=True)
        return int((await self.client.range(request)).count)

    async def current_revision(self) -> int:
        """As the members of etcd agree on it now; the watches have come as far."""
        revision = int((await self._range(_HEALTH_KEY)).header.revision)
        await self._follower.reach(revision, _SEEN_SECONDS)
        return revision

    async def _range(self, key: str) -> etcd.RangeResponse:
        request = etcd.RangeRequest(key=self._keys.to_etcd(key), limit=1)
        return await self.client.range(request)

    async def _range_at(self, request: etcd.RangeRequest) -> etcd.RangeResponse:
        try:
            return await self.client.range(request)
        except CompactedError:
            raise Compacted(request.revision, 0) from None
        except FutureRevisionError:
            current = (await self._range(_HEALTH_KEY)).header.revision
            raise FutureRevision(request.revision, current) from None

    # -- writes -----------------------------------------------------------------------

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        outcome = await self._put(key, value, 0, ttl)
        if outcome.succeeded:
            return await self._seen(outcome.revision)
        current = await self.get(key)
        if current is None:
            # Deleted in between: what was there then has been in the way.
            raise KeyExists(key, outcome.revision)
        fresh = current.revision == current.create_revision
        if outcome.repeated and fresh and current.value == value:
            return await self._seen(current.revision)
        raise KeyExists(key, current.revision)

    async def update(
        self,
        key: str,
        value: bytes,
        expected_revision: int,
        *,
        ttl: float | None = None,
    ) -> int:
        if not expected_revision:
            raise ValueError("an update needs the revision that it replaces")
        outcome = await self._put(key, value, expected_revision, ttl)
        if outcome.succeeded:
            return await self._seen(outcome.revision)
        current = self._current(outcome)
        if outcome.repeated and current is not None and current.value == value:
            return await self._seen(current.revision)
        raise Conflict(key, current)

    async def delete(self, key: str, expected_revision: int) -> int:
        name = self._keys.to_etcd(key)
        removal = etcd.DeleteRangeRequest(key=name)
        request = etcd.TxnRequest(
            compare=[_at_revision(name, expected_revision)],
            success=[etcd.RequestOp(request_delete_range=removal)],
            failure=[_read(name)],
        )
        outcome = await self.client.transact(request)
        if outcome.succeeded:
            return await self._seen(outcome.revision)
        current = self._current(outcome)
        if outcome.repeated and current is None:
            return await self._seen(outcome.revision)
        raise Conflict(key, current)

    async def _put(
        self, key: str, value: bytes, expected: int, ttl: float | None
    ) -> TxnOutcome:
        name = self._keys.to_etcd(key)
        put = etcd.PutRequest(key=name, value=value)
        request = etcd.TxnRequest(
            compare=[_at_revision(name, expected)],
            success=[etcd.RequestOp(request_put=put)],
            failure=[_read(name)] if expected else [],
        )
        put = request.success[0].request_put
        put.lease = await self._leases.lease_for(ttl)
        try:
            return await self.client.transact(request)
        except EtcdError as err:
            if str(err) != _LEASE_GONE:
                raise
        self._leases.forget()
        put.lease = await self._leases.lease_for(ttl)
        return await self.client.transact(request)

    def _current(self, outcome: TxnOutcome) -> StoredValue | None:
        """The key as the failed transaction found it."""
        found = outcome.response.responses[0].response_range.kvs
        return self._keys.value(found[0]) if found else None

    async def _seen(self, revision: int) -> int:
        if not await self._follower.reach(revision, _SEEN_SECONDS):
            logger.warning("a write is not in the watch", extra={"revision": revision})
        return revision

    # -- watch ------------------------------------------------------------------------

    def watch(self, prefix: str, since_revision: int) -> QueueWatch:
        """Live from now on; what happened in between is asked of etcd first."""
        joined = self._broadcaster.revision
        watch = self._broadcaster.subscribe(prefix, max(since_revision, joined))
        if since_revision < joined:
            backlog = _Backlog(self, prefix, since_revision, joined)
            watch.catch_up(backlog.read)
        return watch

    async def changes(
        self, prefix: str, after: int, until: int
    ) -> AsyncIterator[_Events]:
        """Past changes, by revision.

        Raises:
            Compacted: they are forgotten.
            EtcdError
        """
        # A watch would begin at the first revision that is kept, and lose a deletion.
        await self._range_at(
            etcd.RangeRequest(
                key=self._keys.to_etcd(_HEALTH_KEY), revision=after, count_only=True
            )
        )
        async for response in self.client.watch(watch_request(after)):
            if response.compact_revision:
                raise Compacted(after, response.compact_revision)
            if response.canceled:
                raise EtcdError("CANCELLED", response.cancel_reason)
            yield [
                event
                for event in self._keys.events(response.events)
                if event.key.startswith(prefix) and event.revision <= until
            ]
            if response.events and response.events[-1].kv.mod_revision >= until:
                return

    # -- upkeep -----------------------------------------------------------------------

    async def compact(self, revision: int) -> None:
        target = min(revision, self._broadcaster.revision)
        try:
            await self.client.compact(target)
        except CompactedError:
            return  # by another API server, or by etcd itself

    async def compact_periodically(self, interval: float) -> None:
        """Take turns at it with the other API servers; runs until cancelled."""
        await compact_periodically(self.client, interval=interval)

    async def close(self) -> None:
        await self._broadcaster.close()
        await self._follower.close()
        await self._channel.close()


class _Backlog:
    """Pages of past events for a watch that joined late."""

    def __init__(self, store: EtcdStore, prefix: str, after: int, until: int) -> None:
        self._pages = store.changes(prefix, after, until)

    async def read(self) -> list[StoreEvent]:
        """The next page; empty when the watch has caught up."""
        async for page in self._pages:
            if page:
                return page
        return []


def _at_revision(key: bytes, revision: int) -> etcd.Compare:
    return etcd.Compare(
        result=etcd.Compare.EQUAL,
        target=etcd.Compare.MOD,
        key=key,
        mod_revision=revision,
    )


def _read(key: bytes) -> etcd.RequestOp:
    return etcd.RequestOp(request_range=etcd.RangeRequest(key=key))
