"""Store: keys in one total order of revisions, watched without gaps.

What every implementation promises (tests/contracts/test_store.py says it in tests):
revisions are integers that only grow, also over a restart; create, update and delete
are compare-and-swap on one key; a write is answered after it is durable; a watch
gives each later change under its prefix exactly once and in order, or says that
history is gone. The names are etcd's, so that etcd can stand here unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

__all__ = [
    "Compacted",
    "Conflict",
    "EventType",
    "FutureRevision",
    "KeyExists",
    "KeyNotFound",
    "ListResult",
    "Store",
    "StoreEvent",
    "StoreUnavailable",
    "StoreWatch",
    "StoredValue",
    "UndecodableValue",
    "WatcherTooSlow",
]


class KeyExists(Exception):  # noqa: N818 - the names are the architecture's
    """Create found the key taken."""

    def __init__(self, key: str, revision: int) -> None:
        super().__init__(f"key exists: {key}")
        self.key = key
        self.revision = revision


class Conflict(Exception):  # noqa: N818
    """The key is not at the expected revision; ``current`` is None when it is gone."""

    def __init__(self, key: str, current: StoredValue | None) -> None:
        super().__init__(f"revision conflict: {key}")
        self.key = key
        self.current = current


class KeyNotFound(Exception):  # noqa: N818
    """There is no such key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key not found: {key}")
        self.key = key


class Compacted(Exception):  # noqa: N818
    """The revision asked for is older than the kept history."""

    def __init__(self, requested: int, compact_revision: int) -> None:
        super().__init__("required revision has been compacted")
        self.requested = requested
        self.compact_revision = compact_revision


class FutureRevision(Exception):  # noqa: N818
    """The revision asked for has not happened yet."""

    def __init__(self, requested: int, current: int) -> None:
        super().__init__("required revision is a future revision")
        self.requested = requested
        self.current = current


class WatcherTooSlow(Exception):  # noqa: N818
    """The watch was ended because its reader fell too far behind."""


class StoreUnavailable(OSError):  # noqa: N818
    """The database does not answer, or refuses for a reason of its own.

    A write that ended so may have been carried out all the same.
    """


class UndecodableValue(StoreUnavailable):
    """A stored value is no object: encrypted, or of a kind that is not known."""


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A key's value; ``revision`` is that of its last write."""

    key: str
    value: bytes
    revision: int
    create_revision: int


@dataclass(frozen=True, slots=True)
class ListResult:
    """One page of a prefix, in key order.

    ``revision`` is the moment the page shows; ``count`` is the number of keys under
    the prefix from ``start`` on, this page included.
    """

    items: list[StoredValue]
    revision: int
    more: bool
    count: int


class EventType(StrEnum):
    """What happened to a key; PROGRESS is the answer to ``request_progress``."""

    CREATED = "CREATED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    PROGRESS = "PROGRESS"


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """One change. DELETED has an empty value and the last one in ``prev_value``."""

    type: EventType
    key: str
    value: bytes
    prev_value: bytes | None
    revision: int


class StoreWatch(Protocol):
    """A running watch. Iteration ends after ``close``.

    Raises from ``__anext__``: Compacted, WatcherTooSlow.
    """

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> StoreEvent: ...

    def request_progress(self) -> None:
        """Ask for a PROGRESS event: all earlier revisions have then been seen."""

    async def close(self) -> None:
        """Stop; idempotent."""


class Store(Protocol):
    """What the API server needs of a database."""

    async def get(self, key: str) -> StoredValue | None:
        """The value now, or None."""

    async def list(
        self,
        prefix: str,
        *,
        limit: int = 0,
        start: str | None = None,
        revision: int = 0,
    ) -> ListResult:
        """Keys under ``prefix`` from ``start`` on, at ``revision`` (0 = now).

        Raises:
            Compacted: that revision is no longer kept.
            FutureRevision: it has not happened.
        """

    async def count(self, prefix: str) -> int:
        """How many keys there are under ``prefix``."""

    async def create(self, key: str, value: bytes, *, ttl: float | None = None) -> int:
        """Write a new key; ``ttl`` seconds later it is deleted.

        Raises:
            KeyExists: the key is taken.
        """

    async def update(
        self,
        key: str,
        value: bytes,
        expected_revision: int,
        *,
        ttl: float | None = None,
    ) -> int:
        """Replace the value written at ``expected_revision``.

        Raises:
            Conflict: the key is at another revision, or gone.
        """

    async def delete(self, key: str, expected_revision: int) -> int:
        """Remove the key; returns the revision of the deletion.

        Raises:
            Conflict: the key is at another revision, or gone.
        """

    def watch(self, prefix: str, since_revision: int) -> StoreWatch:
        """Changes after ``since_revision``; subscribed when this returns."""

    async def current_revision(self) -> int:
        """The revision of the last write."""

    async def compact(self, revision: int) -> None:
        """Forget history up to ``revision``; current values stay."""

    async def compact_periodically(self, interval: float) -> None:
        """Forget what is older than so many seconds, again and again, until cancelled."""

    async def close(self) -> None:
        """End all watches and release the database."""
