"""Keys and values as etcd has them: bytes, ranges, and a prefix of the user's choice.

Source: etcd api/etcdserverpb/rpc.proto (range_end); kube-apiserver --etcd-prefix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apiserver.storage.interface import EventType, StoredValue, StoreEvent
from apiserver.storage.keys import ROOT
from rpc import mvcc_v3_pb2 as mvcc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["ALL_KEYS", "DEFAULT_PREFIX", "EtcdKeys", "range_end"]

DEFAULT_PREFIX: Final = "/registry"
ALL_KEYS: Final = b"\0"
"""As `key` and `range_end`: every key there is."""


def range_end(prefix: bytes) -> bytes:
    """The first key behind all that begin with `prefix`."""
    for at in reversed(range(len(prefix))):
        if prefix[at] < 0xFF:
            return prefix[:at] + bytes([prefix[at] + 1])
    return ALL_KEYS


class EtcdKeys:
    """Our keys begin with /registry/, etcd's with the prefix that it was given."""

    def __init__(self, prefix: str = DEFAULT_PREFIX) -> None:
        # path.Join("/", prefix) with a slash behind it
        self.root = "/".join(["", *filter(None, prefix.split("/")), ""]).encode()

    def to_etcd(self, key: str) -> bytes:
        """Raises ValueError for a key outside of /registry/."""
        if not key.startswith(ROOT):
            raise ValueError(f"{key!r} does not begin with {ROOT}")
        return self.root + key[len(ROOT) :].encode("utf-8", "surrogateescape")

    def from_etcd(self, key: bytes) -> str | None:
        """Our key; None for one that is somebody else's."""
        if not key.startswith(self.root):
            return None
        return ROOT + key[len(self.root) :].decode("utf-8", "surrogateescape")

    def values(self, pairs: Iterable[mvcc.KeyValue]) -> list[StoredValue]:
        """What a range found."""
        return [self.value(pair) for pair in pairs]

    def value(self, pair: mvcc.KeyValue) -> StoredValue:
        """Raises ValueError for a key that is not ours."""
        key = self.from_etcd(pair.key)
        if key is None:
            raise ValueError(f"{pair.key!r} does not begin with {self.root!r}")
        return StoredValue(key, pair.value, pair.mod_revision, pair.create_revision)

    def events(self, events: Iterable[mvcc.Event]) -> Iterator[StoreEvent]:
        """The changes among these that concern us."""
        for event in events:
            key = self.from_etcd(event.kv.key)
            if key is not None:
                yield _store_event(key, event)


def _store_event(key: str, event: mvcc.Event) -> StoreEvent:
    pair = event.kv
    before = event.prev_kv.value if event.HasField("prev_kv") else None
    if event.type == mvcc.Event.DELETE:
        kind, value = EventType.DELETED, b""
    elif pair.create_revision == pair.mod_revision:
        kind, value, before = EventType.CREATED, pair.value, None
    else:
        kind, value = EventType.MODIFIED, pair.value
    return StoreEvent(kind, key, value, before, pair.mod_revision)
